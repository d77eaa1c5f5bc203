-- The users of a local stack's databases. The password of each is its name. `prepare` runs this at every start, and
-- existing users are not changed. A blank line ends a statement, because the native stack has no client, and its server
-- in single-user mode reads statements in this way.
--
-- The migrator owns every database and everything in it. The others have the privileges of their group, which the
-- migrations grant; the migrations also create the groups on a server that lacks them.
DO $$
DECLARE
    name text;
    rights text;
BEGIN
    FOREACH name IN ARRAY ARRAY['foldline_command', 'foldline_projector', 'foldline_query', 'foldline_analyst'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', name);
        END IF;
    END LOOP;
    FOR name, rights IN VALUES
        -- The services' users: generated from deploy/services.list by `make generate`.
        ('orders_command', 'IN ROLE foldline_command'),
        ('orders_projector', 'IN ROLE foldline_projector'),
        ('orders_query', 'IN ROLE foldline_query'),
        -- The end of what is generated.
        ('migrator', 'CREATEDB'),
        ('analyst', 'IN ROLE foldline_analyst')
    LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I LOGIN PASSWORD %L %s', name, name, rights);
        END IF;
    END LOOP;
END
$$;

-- The database of the registry is not for other users.
REVOKE ALL ON DATABASE registry FROM PUBLIC;
