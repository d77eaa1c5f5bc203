-- In a context with several kinds of aggregates, a history and a change stream are about one of them. Every generation of
-- the table gets the column, or its projector could not write any more.
DO $$
DECLARE
    generation regclass;
BEGIN
    FOR generation IN
        SELECT pg_class.oid FROM pg_class WHERE relname = 'journal' AND relkind = 'r' AND relpersistence = 'p'
    LOOP
        EXECUTE format('ALTER TABLE %s ADD COLUMN IF NOT EXISTS aggregate_kind text', generation);
        EXECUTE format('COMMENT ON COLUMN %s.aggregate_kind IS %L', generation,
                       'The kind of aggregate, from ce_source: order; null in rows written before this column existed');
    END LOOP;
END
$$;

SELECT open_to_analysts('journal');
