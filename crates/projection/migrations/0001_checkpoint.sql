-- How far each projection of this database has read the log. A row moves in the same transaction as the rows of the read
-- model, so the two never disagree.
CREATE TABLE checkpoint (
    projection  text        NOT NULL,
    generation  integer     NOT NULL CHECK (generation > 0),
    topic       text        NOT NULL,
    partition   integer     NOT NULL CHECK (partition >= 0),
    next_offset bigint      NOT NULL CHECK (next_offset >= 0),
    epoch       bigint      NOT NULL CHECK (epoch > 0),
    sequence    bigint      NOT NULL CHECK (sequence >= 0),
    owner_epoch bigint      NOT NULL CHECK (owner_epoch >= 0),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (projection, generation, topic, partition)
)
-- A few rows, each updated many times a second: free space on the page keeps the updates in place (HOT).
WITH (fillfactor = 10);

COMMENT ON TABLE checkpoint IS 'How far each projection has read the log; moved in the transaction of its rows';
COMMENT ON COLUMN checkpoint.projection IS 'The projection''s name';
COMMENT ON COLUMN checkpoint.generation IS 'The generation of the projection''s tables';
COMMENT ON COLUMN checkpoint.topic IS 'The topic it reads';
COMMENT ON COLUMN checkpoint.partition IS 'The partition of the topic';
COMMENT ON COLUMN checkpoint.next_offset IS 'The first offset that is not applied yet';
COMMENT ON COLUMN checkpoint.epoch IS 'Incremented by every claim; a projector with a lower one can no longer write';
COMMENT ON COLUMN checkpoint.sequence IS 'partition_sequence of the last event applied, to detect a gap or a repetition';
COMMENT ON COLUMN checkpoint.owner_epoch IS 'The highest owner_epoch applied, to detect a record of a replaced owner';
COMMENT ON COLUMN checkpoint.updated_at IS 'When the row was last claimed or moved';
