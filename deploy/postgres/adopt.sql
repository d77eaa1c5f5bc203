-- Transfers a database and its tables to the migrator. The database comes last, so that the next start finds it again
-- if this is interrupted.
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
