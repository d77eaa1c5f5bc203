-- Who may do what in a database of the write side. The group belongs to the whole server and cannot log in; an operator
-- makes each command API's user a member. Everything else is the right of the database's owner, who runs the migrations.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'foldline_command') THEN
        CREATE ROLE foldline_command NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    -- The migration of another database has just created it.
    NULL;
END
$$;

DO $$
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO foldline_command', current_database());
END
$$;

-- Tables that a later migration creates are open to the command API without further grants.
ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO foldline_command;

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO foldline_command;
REVOKE ALL ON _sqlx_migrations FROM foldline_command;

COMMENT ON TABLE _sqlx_migrations IS 'The migrations that have been applied to this database';
COMMENT ON COLUMN _sqlx_migrations.version IS 'The migration''s number';
COMMENT ON COLUMN _sqlx_migrations.description IS 'What it does: the name of its file';
COMMENT ON COLUMN _sqlx_migrations.installed_on IS 'When it was applied';
COMMENT ON COLUMN _sqlx_migrations.success IS 'Whether all of it was applied';
COMMENT ON COLUMN _sqlx_migrations.checksum IS 'The checksum of its file: an applied migration never changes';
COMMENT ON COLUMN _sqlx_migrations.execution_time IS 'How long it took, in nanoseconds';
