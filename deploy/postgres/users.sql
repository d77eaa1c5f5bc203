-- Who works with the databases of a local stack, each with its name as its password. Run by `prepare`; what is there
-- stays as it is. A blank line ends a statement, for the server without a client that the native stack uses.
--
-- The migrator owns every database and all that is in it. The others may do what the group that they are in may do:
-- migrations/<database>/*_roles.sql says what that is, and makes the groups too, where nobody has.
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
        ('migrator', 'CREATEDB'),
        ('orders_command', 'IN ROLE foldline_command'),
        ('orders_projector', 'IN ROLE foldline_projector'),
        ('orders_query', 'IN ROLE foldline_query'),
        ('analyst', 'IN ROLE foldline_analyst')
    LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I LOGIN PASSWORD %L %s', name, name, rights);
        END IF;
    END LOOP;
END
$$;

-- The registry's schemas are nobody else's concern.
REVOKE ALL ON DATABASE registry FROM PUBLIC;
