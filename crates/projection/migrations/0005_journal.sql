-- Every event of the context as it is in the log, with who caused it: the state of an aggregate at any version or time is
-- the fold of its rows up to there. The projection `journal` fills it; rows are added and never changed.
CREATE TABLE journal (
    partition      integer     NOT NULL CHECK (partition >= 0),
    log_offset     bigint      NOT NULL CHECK (log_offset >= 0),
    -- Compared byte by byte: no reader needs ids in the order of a language.
    aggregate_id   text        NOT NULL COLLATE "C",
    version        bigint      NOT NULL CHECK (version > 0),
    event_id       uuid        NOT NULL,
    event_type     text        NOT NULL,
    event          jsonb       NOT NULL,
    occurred_at    timestamptz NOT NULL,
    actor          text        NOT NULL,
    command_id     uuid        NOT NULL,
    correlation_id text        NOT NULL,
    causation_id   text        NOT NULL,
    PRIMARY KEY (aggregate_id, version)
);

-- No event is written twice. The index grows at its ends only, so it costs little.
CREATE UNIQUE INDEX journal_by_position ON journal (partition, log_offset);

COMMENT ON TABLE journal IS 'One row per event of the context, as it is in the log; rows are never changed';
COMMENT ON COLUMN journal.partition IS 'The partition of the events topic';
COMMENT ON COLUMN journal.log_offset IS 'The event''s offset in the partition';
COMMENT ON COLUMN journal.aggregate_id IS 'The aggregate''s id: the key of its events';
COMMENT ON COLUMN journal.version IS 'The aggregate''s version after the event: 1, 2, 3; a missing one was dropped';
COMMENT ON COLUMN journal.event_id IS 'The event''s own id: ce_id';
COMMENT ON COLUMN journal.event_type IS 'The event''s name without its namespace: OrderPlaced';
COMMENT ON COLUMN journal.event IS 'The event''s own fields, named as in its schema. Personal data';
COMMENT ON COLUMN journal.occurred_at IS 'When it was decided: ce_time';
COMMENT ON COLUMN journal.actor IS 'Who asked for it. It may be personal data';
COMMENT ON COLUMN journal.command_id IS 'The command that led to it';
COMMENT ON COLUMN journal.correlation_id IS 'The caller''s id of what the command belongs to';
COMMENT ON COLUMN journal.causation_id IS 'What led to the command';
