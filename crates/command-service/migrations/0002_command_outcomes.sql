-- What became of every command that came through Kafka: a fold of the outcomes topic, so that it can be asked for by
-- the command's id. Like the topic it is kept for a week, and it can be rebuilt from the topic within that time.
CREATE TABLE command_outcome (
    command_id   text        PRIMARY KEY,
    -- Absent while the command waits. Not jsonb, which takes no NUL: what a stranger sent may be told in it.
    document     json,
    -- Where the outcome stands in the outcomes topic: a record that is delivered twice, or late, changes nothing.
    topic_offset bigint      NOT NULL DEFAULT -1 CHECK (topic_offset >= -1),
    recorded_at  timestamptz NOT NULL DEFAULT now(),
    CHECK ((document IS NULL) = (topic_offset = -1))
)
-- A row is written when the command is taken and once more when it is decided.
WITH (fillfactor = 80);

-- What is older than a week is deleted by this.
CREATE INDEX command_outcome_by_age ON command_outcome (recorded_at);

COMMENT ON TABLE command_outcome IS 'What became of every command that came through Kafka, for a week';
COMMENT ON COLUMN command_outcome.command_id IS 'The command''s id, or the place in Kafka of a command without one';
COMMENT ON COLUMN command_outcome.document IS 'The outcome as it stands in the topic';
COMMENT ON COLUMN command_outcome.topic_offset IS 'The offset of the outcome in its partition of the topic; -1 before';
COMMENT ON COLUMN command_outcome.recorded_at IS 'When the command was taken, or when its outcome came to be known';
