//! Databases for tests, copied from templates: a copy takes about 50 ms, running the migrations about a second.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
};

use sqlx::{Connection, PgConnection, query_scalar, raw_sql};

use crate::{TestEnvironment, files::files_in, program::repository};

/// The folders of the migrations that a template is built from.
const MIGRATIONS: [&str; 3] =
    ["crates/projection/migrations", "crates/command-engine/migrations", "migrations"];

/// Creates the databases that this `foldline` command would create, as copies of templates.
pub(crate) async fn copy_templates(environment: &TestEnvironment, command: &str) {
    let server = &environment.servers.database_server_url;
    let mut postgres = PgConnection::connect(&format!("{server}/postgres")).await.expect("Postgres answers");
    let template = TestEnvironment {
        database_prefix: format!("template_{:016x}_", fingerprint(command)),
        ..environment.clone()
    };
    for name in names(&mut postgres, &template, command).await {
        let copy = format!("{}{}", environment.database_prefix, &name[template.database_prefix.len()..]);
        let create = format!(r#"CREATE DATABASE "{copy}" TEMPLATE "{name}" OWNER migrator"#);
        run(&mut postgres, &create).await;
        let grant: String = query_scalar(GRANT_CONNECT)
            .bind(&name)
            .bind(&copy)
            .fetch_one(&mut postgres)
            .await
            .expect("a template has privileges");
        run(&mut postgres, &grant).await;
    }
}

/// Grants the privileges on the database itself, which a copy does not inherit from its template.
const GRANT_CONNECT: &str = "
    SELECT format('REVOKE ALL ON DATABASE %1$I FROM PUBLIC; GRANT CONNECT ON DATABASE %1$I TO %2$s', $2::text,
                  string_agg(grantee::regrole::text, ', '))
      FROM pg_database, aclexplode(datacl)
     WHERE datname = $1 AND privilege_type = 'CONNECT'";

/// The names of the templates. The first test creates them and the others wait. `datistemplate` marks the complete
/// ones.
async fn names(postgres: &mut PgConnection, template: &TestEnvironment, command: &str) -> Vec<String> {
    run(postgres, "SELECT pg_advisory_lock(hashtext('templates of tests'))").await;
    let mut names = find(postgres, template, "datistemplate").await;
    if names.is_empty() {
        template.foldline(command);
        names = find(postgres, template, "true").await;
        for name in &names {
            run(postgres, &format!(r#"ALTER DATABASE "{name}" IS_TEMPLATE true"#)).await;
        }
    }
    run(postgres, "SELECT pg_advisory_unlock_all()").await;
    names
}

/// The databases of this environment for which a condition holds.
async fn find(postgres: &mut PgConnection, template: &TestEnvironment, condition: &str) -> Vec<String> {
    let find = format!("SELECT datname FROM pg_database WHERE starts_with(datname, $1) AND {condition}");
    let names = query_scalar(&find).bind(&template.database_prefix).fetch_all(postgres);
    names.await.expect("databases can be listed")
}

async fn run(postgres: &mut PgConnection, statements: &str) {
    raw_sql(statements).execute(postgres).await.unwrap_or_else(|error| panic!("{statements}: {error}"));
}

/// Changes with the migrations and the list of databases: the servers may hold templates from an earlier run.
fn fingerprint(command: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    command.hash(&mut hasher);
    fs::read(repository().join("deploy/services.list"))
        .expect("there is a list of services")
        .hash(&mut hasher);
    for file in MIGRATIONS.iter().flat_map(|folder| files_in(&repository().join(folder))) {
        (file.file_name(), fs::read(&file).expect("a migration can be read")).hash(&mut hasher);
    }
    hasher.finish()
}
