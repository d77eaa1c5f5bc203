-- Who may do what in a database of read models. The groups belong to the whole server and cannot log in; an operator makes
-- each service's user a member of one. Everything else is the right of the database's owner, who runs the migrations and
-- rebuilds projections.
DO $$
DECLARE
    name text;
BEGIN
    -- Always in this order, so that databases migrated at the same time do not deadlock.
    FOREACH name IN ARRAY ARRAY['foldline_projector', 'foldline_query', 'foldline_analyst'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                -- The migration of another database has just created it.
                NULL;
            END;
        END IF;
    END LOOP;
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format(
        'GRANT CONNECT ON DATABASE %I TO foldline_projector, foldline_query, foldline_analyst', current_database());
END
$$;

-- Tables that a later migration creates, in any schema, are filled by projectors and read by queries without further grants.
ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO foldline_projector;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO foldline_query;
-- A generation that is not live has a schema of its own, which only projectors use.
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO foldline_projector;

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO foldline_projector;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO foldline_query;
-- A projector registers itself, claims and moves checkpoints, parks events and retries them. Generations and dropped
-- events are the operator's decision.
REVOKE DELETE ON checkpoint, projection_version FROM foldline_projector;
REVOKE UPDATE, DELETE ON projection_generation FROM foldline_projector;
REVOKE INSERT, UPDATE, DELETE ON dropped_event FROM foldline_projector;
-- A query may see that events are parked or dropped, but not their contents.
REVOKE ALL ON parked_event, dropped_event FROM foldline_query;
GRANT SELECT (projection, generation, topic, partition, aggregate, log_offset) ON parked_event TO foldline_query;
GRANT SELECT (projection, topic, partition, log_offset, aggregate, event_type, version) ON dropped_event TO foldline_query;
REVOKE ALL ON _sqlx_migrations FROM foldline_projector, foldline_query;

-- Lets analysts read every column of a table whose comment does not say `personal data`. A context's migration calls it
-- once for each table, after its comments: SELECT open_to_analysts('orders').
CREATE FUNCTION open_to_analysts(opened regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    columns text;
BEGIN
    SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum)
      INTO STRICT columns
      FROM pg_attribute
     WHERE attrelid = opened
       AND attnum > 0
       AND NOT attisdropped
       AND coalesce(col_description(attrelid, attnum), '') NOT ILIKE '%personal data%';
    EXECUTE format('GRANT SELECT (%s) ON %s TO foldline_analyst', columns, opened);
END
$$;
REVOKE EXECUTE ON FUNCTION open_to_analysts FROM PUBLIC;
COMMENT ON FUNCTION open_to_analysts(regclass) IS 'Lets analysts read the columns of a table that are not personal data';

-- Analysts also see how far the projections are, to know how fresh their figures are.
SELECT open_to_analysts('journal');
SELECT open_to_analysts('checkpoint');
SELECT open_to_analysts('projection_generation');

COMMENT ON TABLE _sqlx_migrations IS 'The migrations that have been applied to this database';
COMMENT ON COLUMN _sqlx_migrations.version IS 'The migration''s number';
COMMENT ON COLUMN _sqlx_migrations.description IS 'What it does: the name of its file';
COMMENT ON COLUMN _sqlx_migrations.installed_on IS 'When it was applied';
COMMENT ON COLUMN _sqlx_migrations.success IS 'Whether all of it was applied';
COMMENT ON COLUMN _sqlx_migrations.checksum IS 'The checksum of its file: an applied migration never changes';
COMMENT ON COLUMN _sqlx_migrations.execution_time IS 'How long it took, in nanoseconds';
