-- Where each projection of this database stands in the log. A row is written in the same transaction as the rows
-- of the read model, so that the two can never disagree. Every database of a read model has this table.
CREATE TABLE checkpoint (
    projection  text        NOT NULL,
    topic       text        NOT NULL,
    partition   integer     NOT NULL CHECK (partition >= 0),
    next_offset bigint      NOT NULL CHECK (next_offset >= 0),
    epoch       bigint      NOT NULL CHECK (epoch > 0),
    sequence    bigint      NOT NULL CHECK (sequence >= 0),
    owner_epoch bigint      NOT NULL CHECK (owner_epoch >= 0),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (projection, topic, partition)
)
-- A few rows, each written many times a second: room on the page keeps the updates in place (HOT).
WITH (fillfactor = 10);

COMMENT ON TABLE checkpoint IS 'Where each projection stands in the log; moved in the transaction of its rows';
COMMENT ON COLUMN checkpoint.projection IS 'The projection''s name';
COMMENT ON COLUMN checkpoint.topic IS 'The topic that it reads';
COMMENT ON COLUMN checkpoint.partition IS 'The partition of the topic';
COMMENT ON COLUMN checkpoint.next_offset IS 'The first offset that is not applied yet';
COMMENT ON COLUMN checkpoint.epoch IS 'Grows with every claim; a projector with an older one cannot write any more';
COMMENT ON COLUMN checkpoint.sequence IS 'partition_sequence of the last event applied, to find a hole or a repetition';
COMMENT ON COLUMN checkpoint.owner_epoch IS 'The highest owner_epoch applied, to find the record of a replaced owner';
COMMENT ON COLUMN checkpoint.updated_at IS 'When the row was last claimed or moved';
