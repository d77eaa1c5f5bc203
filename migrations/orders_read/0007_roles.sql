-- Who may do what here. The groups belong to the whole server and log in nowhere; whoever runs a service makes its user
-- a member. All else belongs to the owner of this database: it runs the migrations and rebuilds projections.
DO $$
DECLARE
    name text;
BEGIN
    -- Always in this order, so that databases that are migrated at the same time wait for each other in turn.
    FOREACH name IN ARRAY ARRAY['foldline_projector', 'foldline_query', 'foldline_analyst'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                -- Another database has just made it.
                NULL;
            END;
        END IF;
    END LOOP;
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format(
        'GRANT CONNECT ON DATABASE %I TO foldline_projector, foldline_query, foldline_analyst', current_database());
END
$$;

-- A table that comes later is filled by projectors and read by queries, whatever schema it is in: nothing to remember.
ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO foldline_projector;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO foldline_query;
-- A generation that is not live has a schema of its own. Only projectors look into it.
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO foldline_projector;

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO foldline_projector;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO foldline_query;
-- A projector says that it is there, claims and moves checkpoints, parks events and takes them up again. Generations
-- and what is to be dropped are decided by people.
REVOKE DELETE ON checkpoint, projection_version FROM foldline_projector;
REVOKE UPDATE, DELETE ON projection_generation FROM foldline_projector;
REVOKE INSERT, UPDATE, DELETE ON dropped_event FROM foldline_projector;
-- A query tells that events are parked or dropped, not what is in them.
REVOKE ALL ON parked_event, dropped_event FROM foldline_query;
GRANT SELECT (projection, generation, topic, partition, aggregate, log_offset) ON parked_event TO foldline_query;
GRANT SELECT (projection, topic, partition, log_offset, aggregate, event_type, version) ON dropped_event TO foldline_query;
REVOKE ALL ON _sqlx_migrations FROM foldline_projector, foldline_query;

-- Analysts read every column of the read models that its comment does not call personal data, and where the projections
-- stand, to say how fresh their figures are. A table that comes later is closed to them until its migration grants its
-- columns, as in GRANT SELECT (order_id, status) ON orders TO foldline_analyst.
DO $$
DECLARE
    opened record;
BEGIN
    FOR opened IN
        SELECT attrelid::regclass AS name, string_agg(quote_ident(attname), ', ' ORDER BY attnum) AS columns
          FROM pg_attribute
          JOIN pg_class ON pg_class.oid = attrelid
         WHERE relnamespace = 'public'::regnamespace
           AND relkind = 'r'
           AND relname NOT IN ('_sqlx_migrations', 'projection_version', 'parked_event', 'dropped_event')
           AND attnum > 0
           AND NOT attisdropped
           AND coalesce(col_description(attrelid, attnum), '') NOT ILIKE '%personal data%'
         GROUP BY attrelid
    LOOP
        EXECUTE format('GRANT SELECT (%s) ON %s TO foldline_analyst', opened.columns, opened.name);
    END LOOP;
END
$$;

COMMENT ON TABLE _sqlx_migrations IS 'Which migrations this database has';
COMMENT ON COLUMN _sqlx_migrations.version IS 'The migration''s number';
COMMENT ON COLUMN _sqlx_migrations.description IS 'What it does, as its file is called';
COMMENT ON COLUMN _sqlx_migrations.installed_on IS 'When it was applied';
COMMENT ON COLUMN _sqlx_migrations.success IS 'Whether all of it was applied';
COMMENT ON COLUMN _sqlx_migrations.checksum IS 'The checksum of its file: an applied migration never changes';
COMMENT ON COLUMN _sqlx_migrations.execution_time IS 'How long it took, in nanoseconds';
