-- How far the live generation of a projection has read its topic, and what is parked, as one row with one JSON value:
-- {"next_offsets": {"3": 1042}, "parked": {"3": 99}}. Both are of one partition, or of all if it is null; `parked` is of
-- one aggregate, or of all if it is null. A query reads it beside its rows, in one statement:
--
--     SELECT position, (SELECT to_json(found) FROM (SELECT … FROM orders WHERE order_id = '0197a3c2-…') AS found)
--       FROM read_position('orders', 'orders.events', 3, '0197a3c2-…') AS position
--
-- One statement has one snapshot, so position and rows always belong together; in two statements they would not. The
-- function is STABLE and returns a set so that Postgres inlines it: it costs no more than the same joins by hand. A
-- VOLATILE function would have a snapshot of its own.
CREATE FUNCTION read_position(of_projection text, of_topic text, of_partition integer, of_aggregate text)
RETURNS SETOF json STABLE PARALLEL SAFE LANGUAGE sql
BEGIN ATOMIC
    SELECT json_build_object(
               'next_offsets', coalesce(json_object_agg(partition, next_offset), '{}'),
               'parked', coalesce(json_object_agg(partition, since) FILTER (WHERE since IS NOT NULL), '{}'))
      FROM (SELECT checkpoint.partition, checkpoint.next_offset,
                   CASE WHEN of_aggregate IS NULL
                        THEN (SELECT min(log_offset)
                                FROM public.parked_event
                               WHERE projection = of_projection AND generation = checkpoint.generation
                                 AND topic = of_topic AND partition = checkpoint.partition)
                        ELSE (SELECT min(log_offset)
                                FROM public.parked_event
                               WHERE projection = of_projection AND generation = checkpoint.generation
                                 AND topic = of_topic AND partition = checkpoint.partition
                                 AND aggregate = of_aggregate)
                   END AS since
              FROM public.checkpoint
              JOIN public.projection_generation USING (projection, generation)
             WHERE state = 'live'
               AND projection = of_projection
               AND topic = of_topic
               AND (of_partition IS NULL OR partition = of_partition)) AS position;
END;

COMMENT ON FUNCTION read_position(text, text, integer, text) IS 'How far the live generation of a projection has read its topic, and what is parked';
