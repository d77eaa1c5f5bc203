-- The commands that aggregates no longer remember in their snapshots, so that a repeated one is recognised. A command is
-- written in the transaction that saves the snapshots, and deleted some days later.
--
-- Its checkpoint is apart from that of the snapshots: it stays when snapshots are discarded or the version of the state
-- changes. Commands evicted later are derived from the log.
CREATE TABLE evicted_commands_checkpoint (
    partition   integer PRIMARY KEY CHECK (partition >= 0),
    next_offset bigint  NOT NULL CHECK (next_offset >= 0)
)
-- A few rows, each updated again and again: free space on the page keeps the updates in place (HOT).
WITH (fillfactor = 10);

CREATE TABLE evicted_commands (
    partition    integer     NOT NULL,
    aggregate_id text        NOT NULL COLLATE "C",
    command_id   uuid        NOT NULL,
    command      bytea       NOT NULL,
    evicted_at   timestamptz NOT NULL,
    PRIMARY KEY (partition, aggregate_id, command_id)
);

-- Used to delete commands that are no longer kept. Rows are appended in this order.
CREATE INDEX evicted_commands_by_age ON evicted_commands (partition, evicted_at);

COMMENT ON TABLE evicted_commands_checkpoint IS 'Up to where in a partition every evicted command is saved; moved in the transaction of its rows';
COMMENT ON COLUMN evicted_commands_checkpoint.partition IS 'The partition of the log';
COMMENT ON COLUMN evicted_commands_checkpoint.next_offset IS 'Every command that was evicted for an event before this offset is saved';
COMMENT ON TABLE evicted_commands IS 'The commands that aggregates no longer remember in their snapshots, kept for some days';
COMMENT ON COLUMN evicted_commands.partition IS 'The partition of the aggregate''s events';
COMMENT ON COLUMN evicted_commands.aggregate_id IS 'The aggregate''s id: the key of its events';
COMMENT ON COLUMN evicted_commands.command_id IS 'The command''s id, which counts within its aggregate';
COMMENT ON COLUMN evicted_commands.command IS 'The command and its result, serialised with postcard like those in a snapshot';
COMMENT ON COLUMN evicted_commands.evicted_at IS 'The time of the event for which it was evicted';
