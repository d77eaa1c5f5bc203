-- Lists the databases that an earlier stack created as the superuser; `prepare` transfers them to the migrator.
COPY (
    SELECT 'adopt ' || datname
      FROM pg_database
     WHERE pg_get_userbyid(datdba) = current_user AND NOT datistemplate AND datname NOT IN ('postgres', 'registry')
) TO STDOUT;
