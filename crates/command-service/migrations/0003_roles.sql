-- Who may do what here. The group belongs to the whole server and logs in nowhere; whoever runs a command API makes its
-- user a member. All else belongs to the owner of this database, which runs the migrations.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'foldline_command') THEN
        CREATE ROLE foldline_command NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    -- Another database has just made it.
    NULL;
END
$$;

DO $$
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO foldline_command', current_database());
END
$$;

-- Tables that come later are the command API's too: nothing to remember.
ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO foldline_command;

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO foldline_command;
REVOKE ALL ON _sqlx_migrations FROM foldline_command;

COMMENT ON TABLE _sqlx_migrations IS 'Which migrations this database has';
COMMENT ON COLUMN _sqlx_migrations.version IS 'The migration''s number';
COMMENT ON COLUMN _sqlx_migrations.description IS 'What it does, as its file is called';
COMMENT ON COLUMN _sqlx_migrations.installed_on IS 'When it was applied';
COMMENT ON COLUMN _sqlx_migrations.success IS 'Whether all of it was applied';
COMMENT ON COLUMN _sqlx_migrations.checksum IS 'The checksum of its file: an applied migration never changes';
COMMENT ON COLUMN _sqlx_migrations.execution_time IS 'How long it took, in nanoseconds';
