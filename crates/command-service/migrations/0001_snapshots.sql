-- What the aggregates had become by an offset of the log, so that a new owner of a partition reads only what came after it.
-- All of it can be folded again from the log at any time. Every database of a write side has these tables.
--
-- A partition's rows and its checkpoint are written in one transaction, so that the two can never disagree. Each
-- generation of the state has rows of its own: instances of two releases can run side by side.
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
-- A few rows, each written again and again: room on the page keeps the updates in place (HOT).
WITH (fillfactor = 10);

CREATE TABLE snapshots (
    partition     integer NOT NULL,
    state_version integer NOT NULL,
    -- Compared byte by byte: nobody reads these in the order of a language.
    aggregate_id  text    NOT NULL COLLATE "C",
    version       bigint  NOT NULL CHECK (version > 0),
    log_offset    bigint  NOT NULL CHECK (log_offset >= 0),
    state         text    NOT NULL,
    commands      bytea   NOT NULL,
    PRIMARY KEY (partition, state_version, aggregate_id)
)
-- No other index, so that an update stays in place (HOT) where its page has room.
WITH (fillfactor = 90);

COMMENT ON TABLE snapshot_checkpoint IS 'Up to where the snapshots of a partition go; moved in the transaction of its rows';
COMMENT ON COLUMN snapshot_checkpoint.partition IS 'The partition of the log';
COMMENT ON COLUMN snapshot_checkpoint.state_version IS 'The generation of the state; another one begins anew, beside it';
COMMENT ON COLUMN snapshot_checkpoint.next_offset IS 'The first offset that is not in the snapshots';
COMMENT ON COLUMN snapshot_checkpoint.sequence IS 'partition_sequence of the last event in them, to find a hole or a repetition';
COMMENT ON COLUMN snapshot_checkpoint.owner_epoch IS 'The highest owner_epoch in them, to find the record of a replaced owner';
COMMENT ON COLUMN snapshot_checkpoint.saved_by IS 'The ownership that saved last; an older one cannot save any more';
COMMENT ON COLUMN snapshot_checkpoint.aggregates IS 'How many aggregates the partition has; fewer rows mean that some were deleted';
COMMENT ON COLUMN snapshot_checkpoint.updated_at IS 'When it was last saved; generations left alone for a day are deleted';
COMMENT ON TABLE snapshots IS 'One row per aggregate, as its events up to the checkpoint leave it';
COMMENT ON COLUMN snapshots.partition IS 'The partition of the log that has its events';
COMMENT ON COLUMN snapshots.state_version IS 'The generation of the state';
COMMENT ON COLUMN snapshots.aggregate_id IS 'The aggregate''s id: the key of its events';
COMMENT ON COLUMN snapshots.version IS 'How many events are in it: 1, 2, 3 without gaps';
COMMENT ON COLUMN snapshots.log_offset IS 'Where the last of these events stands';
COMMENT ON COLUMN snapshots.state IS 'What the rules need to know of its past, as JSON';
COMMENT ON COLUMN snapshots.commands IS 'Its last 64 commands with what became of them, packed (postcard)';
