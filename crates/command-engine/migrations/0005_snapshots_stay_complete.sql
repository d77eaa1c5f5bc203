-- An aggregate without a snapshot is new. So a snapshot must not be deleted while its checkpoint says that all are there:
-- delete the checkpoint first, and everything is folded from the log again.
CREATE FUNCTION refuse_incomplete_snapshots() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM deleted JOIN snapshot_checkpoint USING (partition, state_version)) THEN
        RAISE EXCEPTION 'a snapshot cannot be deleted while its checkpoint exists'
            USING ERRCODE = 'restrict_violation',
                  HINT = 'Delete the row of snapshot_checkpoint first. The aggregates are then folded from the log again.';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER snapshots_stay_complete AFTER DELETE ON snapshots
    REFERENCING OLD TABLE AS deleted
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_incomplete_snapshots();

CREATE FUNCTION delete_snapshot_checkpoints() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM snapshot_checkpoint;
    RETURN NULL;
END
$$;

CREATE TRIGGER no_checkpoint_without_snapshots AFTER TRUNCATE ON snapshots
    FOR EACH STATEMENT EXECUTE FUNCTION delete_snapshot_checkpoints();
