-- The read model of {{plural_words}}: a fold of their events, which can be rebuilt from the log at any time.
CREATE TABLE {{plural}} (
    {{aggregate}}_id uuid        PRIMARY KEY,
    version          bigint      NOT NULL CHECK (version > 0),
    name             text        NOT NULL,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL
)
-- Most updates change no indexed column; free space on the page keeps them in place (HOT).
WITH (fillfactor = 90);

COMMENT ON TABLE {{plural}} IS 'One row per {{words}}, folded from its events up to the checkpoint';
COMMENT ON COLUMN {{plural}}.{{aggregate}}_id IS 'The id of the {{words}}: the key of its events';
COMMENT ON COLUMN {{plural}}.version IS 'The number of events applied: 1, 2, 3 without gaps';
COMMENT ON COLUMN {{plural}}.name IS 'The name';
COMMENT ON COLUMN {{plural}}.created_at IS 'When it was created: ce_time of its first event';
COMMENT ON COLUMN {{plural}}.updated_at IS 'When it last changed: ce_time of its last event';

SELECT open_to_analysts('{{plural}}');
