-- Hands a database and its tables over to the migrator. The database comes last: if this is interrupted before, the next
-- start finds it again.
DO $$
DECLARE
    adopted regclass;
BEGIN
    FOR adopted IN SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO migrator', adopted);
    END LOOP;
    EXECUTE format('ALTER DATABASE %I OWNER TO migrator', current_database());
END
$$;
