-- The outcome of every command that came through Kafka or asked for an asynchronous answer: a fold of the outcomes topic,
-- by the command's id. Like the topic it is kept for a week, and can be rebuilt from the topic within that time.
CREATE TABLE command_outcome (
    command_id   text        PRIMARY KEY,
    -- Null while the command waits. Not jsonb, which cannot store NUL: it may quote what a client sent.
    document     json,
    -- The outcome's offset in the outcomes topic: a record that is delivered twice, or late, changes nothing.
    topic_offset bigint      NOT NULL DEFAULT -1 CHECK (topic_offset >= -1),
    recorded_at  timestamptz NOT NULL DEFAULT now(),
    CHECK ((document IS NULL) = (topic_offset = -1))
)
-- A row is written when the command is queued and updated when it is decided.
WITH (fillfactor = 80);

-- Used to delete rows older than a week.
CREATE INDEX command_outcome_by_age ON command_outcome (recorded_at);

COMMENT ON TABLE command_outcome IS 'The outcome of every command that came through Kafka or asked for an asynchronous answer, for a week';
COMMENT ON COLUMN command_outcome.command_id IS 'The command''s id, or its position in Kafka if it has none';
COMMENT ON COLUMN command_outcome.document IS 'The outcome as it is in the topic; null while the command waits';
COMMENT ON COLUMN command_outcome.topic_offset IS 'The offset of the outcome in its partition of the topic; -1 while the command waits';
COMMENT ON COLUMN command_outcome.recorded_at IS 'When the command was queued, or when its outcome was read';
