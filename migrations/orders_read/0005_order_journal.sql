-- The events of orders as they stand in the log, each with who caused it: what an order was at any version or time is
-- the fold of its rows up to there. The projection `order_journal` writes it; rows are added and never changed.
CREATE TABLE order_journal (
    partition      integer     NOT NULL CHECK (partition >= 0),
    log_offset     bigint      NOT NULL CHECK (log_offset >= 0),
    order_id       uuid        NOT NULL,
    version        bigint      NOT NULL CHECK (version > 0),
    event_id       uuid        NOT NULL,
    event_type     text        NOT NULL,
    event          jsonb       NOT NULL,
    occurred_at    timestamptz NOT NULL,
    actor          text        NOT NULL,
    command_id     uuid        NOT NULL,
    correlation_id text        NOT NULL,
    causation_id   text        NOT NULL,
    PRIMARY KEY (order_id, version)
);

-- No event is written twice, whatever it says of itself. It grows at its ends only, so it costs little.
CREATE UNIQUE INDEX order_journal_by_position ON order_journal (partition, log_offset);

COMMENT ON TABLE order_journal IS 'One row per event of an order, as it stands in the log; rows are never changed';
COMMENT ON COLUMN order_journal.partition IS 'The partition of the events topic';
COMMENT ON COLUMN order_journal.log_offset IS 'The event''s offset in the partition';
COMMENT ON COLUMN order_journal.order_id IS 'The order''s id: the key of its events';
COMMENT ON COLUMN order_journal.version IS 'The order''s version after the event: 1, 2, 3; where one is missing, its event was dropped';
COMMENT ON COLUMN order_journal.event_id IS 'The event''s own id: ce_id';
COMMENT ON COLUMN order_journal.event_type IS 'The name of the fact without its namespace: OrderPlaced';
COMMENT ON COLUMN order_journal.event IS 'The event''s own fields, named as in its schema. Personal data';
COMMENT ON COLUMN order_journal.occurred_at IS 'When it was decided: ce_time';
COMMENT ON COLUMN order_journal.actor IS 'Who asked for it. It may be personal data';
COMMENT ON COLUMN order_journal.command_id IS 'The command that led to it';
COMMENT ON COLUMN order_journal.correlation_id IS 'What the command belongs to, as the caller named it';
COMMENT ON COLUMN order_journal.causation_id IS 'What led to the command';
