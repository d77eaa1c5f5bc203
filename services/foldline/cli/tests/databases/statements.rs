use sqlx::{Connection, Executor, PgConnection};

use crate::{connect, migrated};

/// The SQLSTATE of a statement for which a user lacks the privilege.
const INSUFFICIENT_PRIVILEGE: &str = "42501";

/// Statements that only the owner may run, in every database.
const OWNER_ONLY: [&str; 14] = [
    "CREATE TABLE mine (id integer)",
    "CREATE TEMPORARY TABLE mine (id integer)",
    "CREATE SCHEMA mine",
    "CREATE FUNCTION mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "ALTER DATABASE registry OWNER TO CURRENT_USER",
    "CREATE ROLE mine",
    "GRANT foldline_projector TO analyst",
    "SET ROLE migrator",
    "TABLE _sqlx_migrations",
    "DELETE FROM _sqlx_migrations",
    "DROP SCHEMA public CASCADE",
    "ALTER SCHEMA public RENAME TO other",
    "SELECT pg_read_file('postgresql.conf')",
    "COPY (SELECT 1) TO PROGRAM 'true'",
];

/// Further statements that a user may not run in its database.
const REFUSED: [(&str, &str, &[&str]); 4] = [
    (
        "orders_command",
        "orders_write",
        &[
            "ALTER TABLE snapshots ADD COLUMN mine integer",
            "DROP TABLE snapshots",
            "TRUNCATE command_outcome",
            "CREATE INDEX ON snapshots (version)",
        ],
    ),
    (
        "orders_projector",
        "orders_read",
        &[
            "ALTER TABLE orders ADD COLUMN mine integer",
            "ALTER TABLE orders SET SCHEMA pg_catalog",
            "DROP TABLE orders",
            "TRUNCATE orders",
            "CREATE INDEX ON orders (version)",
            "DELETE FROM checkpoint",
            "DELETE FROM projection_version",
            "UPDATE projection_generation SET state = 'standby'",
            "DELETE FROM projection_generation",
            "DELETE FROM dropped_event",
            "INSERT INTO dropped_event SELECT * FROM dropped_event",
        ],
    ),
    (
        "orders_query",
        "orders_read",
        &[
            "INSERT INTO orders SELECT * FROM orders",
            "UPDATE orders SET version = 1",
            "DELETE FROM orders",
            "DELETE FROM order_lines",
            "TRUNCATE orders",
            "SELECT * FROM orders FOR UPDATE",
            "SELECT payload FROM parked_event",
            "SELECT open_to_analysts('orders')",
            "TABLE dropped_event",
            "UPDATE checkpoint SET next_offset = 0",
            "UPDATE projection_generation SET paused = true",
            "DROP TABLE orders",
        ],
    ),
    (
        "analyst",
        "orders_read",
        &[
            "SELECT delivery_name FROM orders",
            "SELECT delivery_street FROM orders",
            "SELECT event FROM journal",
            "SELECT cancellation_reason FROM orders",
            "SELECT * FROM orders",
            "TABLE projection_version",
            "SELECT count(*) FROM parked_event",
            "TABLE dropped_event",
            "INSERT INTO orders SELECT * FROM orders",
            "UPDATE orders SET version = 1",
            "DELETE FROM order_lines",
            "UPDATE checkpoint SET next_offset = 0",
            "DROP TABLE orders",
        ],
    ),
];

/// Statements that a user must be able to run in its database. The tests of the services also run as these users, and
/// cover the rest.
const ALLOWED: [(&str, &str, &[&str]); 4] = [
    (
        "orders_command",
        "orders_write",
        &[
            "DELETE FROM snapshot_checkpoint",
            "DELETE FROM snapshots",
            "DELETE FROM evicted_commands",
            "UPDATE evicted_commands_checkpoint SET next_offset = 0",
            "DELETE FROM command_outcome",
        ],
    ),
    (
        "orders_projector",
        "orders_read",
        &[
            "INSERT INTO orders SELECT * FROM orders",
            "UPDATE orders SET version = 1",
            "DELETE FROM order_lines",
            "UPDATE checkpoint SET epoch = epoch + 1",
            "INSERT INTO projection_generation SELECT * FROM projection_generation ON CONFLICT DO NOTHING",
            "DELETE FROM parked_event",
            "TABLE dropped_event",
            "LISTEN projection",
            "NOTIFY checkpoint",
        ],
    ),
    (
        "orders_query",
        "orders_read",
        &[
            "SELECT * FROM orders JOIN order_lines USING (order_id)",
            "SELECT * FROM checkpoint JOIN projection_generation USING (projection, generation)",
            "SELECT version FROM dropped_event WHERE topic = 'orders.events' AND aggregate = 'order-1'",
            "SELECT parked_since('orders', 'orders.events', 0)",
            "SELECT read_position('orders', 'orders.events', NULL, NULL)",
            "SELECT read_position('journal', 'orders.events', 0, 'order-1')",
            "LISTEN checkpoint",
        ],
    ),
    (
        "analyst",
        "orders_read",
        &[
            "SELECT count(*) FROM orders",
            "SELECT customer_id, sum(total_minor) FROM orders WHERE status = 'placed' GROUP BY customer_id",
            "SELECT sku, sum(quantity) FROM order_lines GROUP BY sku",
            "SELECT updated_at FROM checkpoint JOIN projection_generation USING (projection, generation)",
        ],
    ),
];

/// Runs a statement in a transaction that is rolled back. Returns the error, beginning with its code.
async fn attempt(connection: &mut PgConnection, statement: &str) -> Option<String> {
    let mut transaction = connection.begin().await.unwrap();
    let error = transaction.execute(statement).await.err()?;
    let error = error.as_database_error().unwrap_or_else(|| panic!("{statement}: {error}"));
    Some(format!("{} {error}", error.code().unwrap_or_default()))
}

async fn is_refused(connection: &mut PgConnection, statement: &str) -> bool {
    attempt(connection, statement).await.is_some_and(|error| error.starts_with(INSUFFICIENT_PRIVILEGE))
}

#[tokio::test]
async fn services_and_analysts_may_not_run_statements_they_do_not_need() {
    let environment = migrated();
    for (user, database, statements) in REFUSED {
        let mut connection = connect(&environment, user, database).await;
        for statement in OWNER_ONLY.iter().chain(statements) {
            assert!(is_refused(&mut connection, statement).await, "{user} may: {statement}");
        }
    }
}

#[tokio::test]
async fn services_and_analysts_may_run_the_statements_they_need() {
    let environment = migrated();
    for (user, database, statements) in ALLOWED {
        let mut connection = connect(&environment, user, database).await;
        for statement in statements {
            assert_eq!(attempt(&mut connection, statement).await, None, "{user} may not: {statement}");
        }
    }
}

#[tokio::test]
async fn users_cannot_connect_to_the_databases_of_others() {
    let environment = migrated();
    let registry = format!("{}/registry", environment.servers.database_server_url);
    let registry = registry.replace("foldline:foldline", "orders_query:orders_query");
    let urls = [
        environment.database_url_as("orders_command", "orders_read"),
        environment.database_url_as("orders_projector", "orders_write"),
        environment.database_url_as("orders_query", "orders_write"),
        environment.database_url_as("analyst", "orders_write"),
        registry,
    ];
    for url in urls {
        let error = PgConnection::connect(&url).await.err().unwrap_or_else(|| panic!("{url} is open"));
        let code = error.as_database_error().and_then(|error| error.code().map(std::borrow::Cow::into_owned));
        assert_eq!(code.as_deref(), Some(INSUFFICIENT_PRIVILEGE), "{url}: {error}");
    }
}

#[tokio::test]
async fn the_owner_of_the_databases_is_not_a_superuser() {
    let mut owner = connect(&migrated(), "migrator", "orders_read").await;
    for statement in
        ["SELECT pg_read_file('postgresql.conf')", "CREATE ROLE mine", "ALTER ROLE foldline NOLOGIN"]
    {
        assert!(is_refused(&mut owner, statement).await, "the migrator may: {statement}");
    }
}
