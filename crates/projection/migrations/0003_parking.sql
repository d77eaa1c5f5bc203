-- Events that a projection could not apply. The first one parks its aggregate: all later events of that aggregate are
-- added here too, in order, in the transaction that moves the checkpoint past them, until an operator retries or drops
-- them.
CREATE TABLE parked_event (
    projection  text        NOT NULL,
    generation  integer     NOT NULL,
    topic       text        NOT NULL,
    partition   integer     NOT NULL,
    log_offset  bigint      NOT NULL,
    aggregate   text        NOT NULL,
    key         bytea,
    event_type  text,
    version     bigint,
    headers     jsonb       NOT NULL,
    payload     bytea,
    cause       text,
    reason      text,
    stands_at   bigint,
    retry       boolean     NOT NULL DEFAULT false,
    parked_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (projection, generation, topic, partition, log_offset),
    FOREIGN KEY (projection, generation) REFERENCES projection_generation ON DELETE CASCADE,
    CHECK ((cause IS NULL) = (reason IS NULL))
);
CREATE INDEX parked_event_by_aggregate
    ON parked_event (projection, generation, topic, partition, aggregate, log_offset);
-- Few or no rows, read at every claim.
CREATE INDEX parked_event_to_retry
    ON parked_event (projection, generation, topic, partition, log_offset) WHERE retry;

-- Positions that no generation of a projection applies, because an operator dropped them.
CREATE TABLE dropped_event (
    projection text        NOT NULL,
    topic      text        NOT NULL,
    partition  integer     NOT NULL,
    log_offset bigint      NOT NULL,
    aggregate  text        NOT NULL,
    key        bytea,
    event_type text,
    version    bigint,
    headers    jsonb       NOT NULL,
    payload    bytea,
    stands_at  bigint,
    dropped_by text        NOT NULL,
    why        text        NOT NULL,
    dropped_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (projection, topic, partition, log_offset)
);

-- The offset since which the rows of an aggregate, or of any aggregate in a partition, are out of date because events are
-- parked; null if none are. Call it in the statement that reads the rows, so that both are of one snapshot.
CREATE FUNCTION parked_since(of_projection text, of_topic text, of_partition integer, of_aggregate text)
RETURNS bigint STABLE PARALLEL SAFE LANGUAGE sql
RETURN (SELECT log_offset
          FROM public.parked_event
         WHERE projection = of_projection
           AND generation = (SELECT generation
                               FROM public.projection_generation
                              WHERE projection = of_projection AND state = 'live')
           AND topic = of_topic AND partition = of_partition AND aggregate = of_aggregate
         ORDER BY log_offset
         LIMIT 1);
CREATE FUNCTION parked_since(of_projection text, of_topic text, of_partition integer)
RETURNS bigint STABLE PARALLEL SAFE LANGUAGE sql
RETURN (SELECT log_offset
          FROM public.parked_event
         WHERE projection = of_projection
           AND generation = (SELECT generation
                               FROM public.projection_generation
                              WHERE projection = of_projection AND state = 'live')
           AND topic = of_topic AND partition = of_partition
         ORDER BY log_offset
         LIMIT 1);

COMMENT ON TABLE parked_event IS 'Events that are not applied: the first of an aggregate for a reason, the later ones because they wait for it';
COMMENT ON COLUMN parked_event.projection IS 'The projection''s name';
COMMENT ON COLUMN parked_event.generation IS 'The generation of its tables';
COMMENT ON COLUMN parked_event.topic IS 'The topic of the event';
COMMENT ON COLUMN parked_event.partition IS 'The partition of the topic';
COMMENT ON COLUMN parked_event.log_offset IS 'Its offset in the partition';
COMMENT ON COLUMN parked_event.aggregate IS 'The aggregate''s id; empty if the record''s key is not an id, and then no other event waits for it';
COMMENT ON COLUMN parked_event.key IS 'The record''s key as it is; null if it has none';
COMMENT ON COLUMN parked_event.event_type IS 'Its header ce_type, if it is text';
COMMENT ON COLUMN parked_event.version IS 'Its header aggregate_version, if it is a number';
COMMENT ON COLUMN parked_event.headers IS 'Its headers as pairs of name and value, in order; a value that Postgres cannot store as text is an array of bytes';
COMMENT ON COLUMN parked_event.payload IS 'The record''s payload as it is; null if it has none. It may hold personal data';
COMMENT ON COLUMN parked_event.cause IS 'Why it is parked, in a word: record, payload, version, unfit or row; null if it only waits for an earlier event';
COMMENT ON COLUMN parked_event.reason IS 'Why it is parked, in a sentence; null if it only waits for an earlier event. It may quote the payload';
COMMENT ON COLUMN parked_event.stands_at IS 'The version of the aggregate''s rows, where there is a cause';
COMMENT ON COLUMN parked_event.retry IS 'Whether an operator asked for another attempt; the projector clears it afterwards';
COMMENT ON COLUMN parked_event.parked_at IS 'When it was parked';
COMMENT ON TABLE dropped_event IS 'Events that no generation of a projection applies, because an operator dropped them; a rebuild skips them too';
COMMENT ON COLUMN dropped_event.projection IS 'The projection''s name';
COMMENT ON COLUMN dropped_event.topic IS 'The topic of the event';
COMMENT ON COLUMN dropped_event.partition IS 'The partition of the topic';
COMMENT ON COLUMN dropped_event.log_offset IS 'Its offset in the partition';
COMMENT ON COLUMN dropped_event.aggregate IS 'The aggregate''s id; empty if the record''s key is not an id';
COMMENT ON COLUMN dropped_event.key IS 'The record''s key as it is';
COMMENT ON COLUMN dropped_event.event_type IS 'Its header ce_type';
COMMENT ON COLUMN dropped_event.version IS 'Its header aggregate_version: the version that is left out';
COMMENT ON COLUMN dropped_event.headers IS 'Its headers as pairs of name and value, in order';
COMMENT ON COLUMN dropped_event.payload IS 'The record''s payload as it is. It may hold personal data';
COMMENT ON COLUMN dropped_event.stands_at IS 'The version of the aggregate''s rows without it; null: the version before its own';
COMMENT ON COLUMN dropped_event.dropped_by IS 'Who dropped it';
COMMENT ON COLUMN dropped_event.why IS 'Why, in the words of who dropped it';
COMMENT ON COLUMN dropped_event.dropped_at IS 'When it was dropped';
COMMENT ON FUNCTION parked_since(text, text, integer) IS 'The first parked offset of a partition in the live generation of a projection; null if nothing of it is parked';
COMMENT ON FUNCTION parked_since(text, text, integer, text) IS 'The first parked offset of an aggregate in the live generation of a projection; null if nothing of it is parked';
