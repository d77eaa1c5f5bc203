-- The state of every aggregate as of an offset of the log, so that a new owner of a partition replays only the events after
-- it. All of it can be folded from the log again at any time.
--
-- A partition's rows and its checkpoint are written in one transaction, so the two never disagree. Each version of the
-- state has rows of its own, so instances of two releases can run side by side.
CREATE TABLE snapshot_checkpoint (
    partition     integer     NOT NULL CHECK (partition >= 0),
    state_version integer     NOT NULL,
    next_offset   bigint      NOT NULL CHECK (next_offset >= 0),
    sequence      bigint      NOT NULL CHECK (sequence >= 0),
    owner_epoch   bigint      NOT NULL CHECK (owner_epoch >= 0),
    saved_by      bigint      NOT NULL CHECK (saved_by >= 0),
    aggregates    bigint      NOT NULL CHECK (aggregates >= 0),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (partition, state_version)
)
-- A few rows, each updated again and again: free space on the page keeps the updates in place (HOT).
WITH (fillfactor = 10);

CREATE TABLE snapshots (
    partition     integer NOT NULL,
    state_version integer NOT NULL,
    -- Compared byte by byte: no reader needs ids in the order of a language.
    aggregate_id  text    NOT NULL COLLATE "C",
    version       bigint  NOT NULL CHECK (version > 0),
    log_offset    bigint  NOT NULL CHECK (log_offset >= 0),
    state         text    NOT NULL,
    commands      bytea   NOT NULL,
    PRIMARY KEY (partition, state_version, aggregate_id)
)
-- No other index, so that an update stays in place (HOT) where its page has free space.
WITH (fillfactor = 90);

COMMENT ON TABLE snapshot_checkpoint IS 'How far the snapshots of a partition have read the log; moved in the transaction of its rows';
COMMENT ON COLUMN snapshot_checkpoint.partition IS 'The partition of the log';
COMMENT ON COLUMN snapshot_checkpoint.state_version IS 'The version of the state''s format; another version has rows of its own';
COMMENT ON COLUMN snapshot_checkpoint.next_offset IS 'The first offset that is not in the snapshots';
COMMENT ON COLUMN snapshot_checkpoint.sequence IS 'partition_sequence of the last event in them, to detect a gap or a repetition';
COMMENT ON COLUMN snapshot_checkpoint.owner_epoch IS 'The highest owner_epoch in them, to detect a record of a replaced owner';
COMMENT ON COLUMN snapshot_checkpoint.saved_by IS 'The epoch of the owner that saved last; an older owner can no longer save';
COMMENT ON COLUMN snapshot_checkpoint.aggregates IS 'The number of aggregates in the partition; fewer rows mean that some were deleted';
COMMENT ON COLUMN snapshot_checkpoint.updated_at IS 'When it was last saved; versions not saved for a day are deleted';
COMMENT ON TABLE snapshots IS 'One row per aggregate, folded from its events up to the checkpoint';
COMMENT ON COLUMN snapshots.partition IS 'The partition of its events';
COMMENT ON COLUMN snapshots.state_version IS 'The version of the state''s format';
COMMENT ON COLUMN snapshots.aggregate_id IS 'The aggregate''s id: the key of its events';
COMMENT ON COLUMN snapshots.version IS 'The number of events folded: 1, 2, 3 without gaps';
COMMENT ON COLUMN snapshots.log_offset IS 'The offset of the last of these events';
COMMENT ON COLUMN snapshots.state IS 'The state, as JSON';
COMMENT ON COLUMN snapshots.commands IS 'Its last 64 commands and their results, serialised with postcard';
