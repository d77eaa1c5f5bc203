/// Whether a Postgres error may go away without intervention: the server cannot be reached, is restarting, lacks a
/// resource, or rolled back a transaction. Any other error requires an operator.
///
/// This is decided by the class of the SQLSTATE: connection, rollback, resources, object in use, operator intervention.
/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
pub fn is_transient(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut => true,
        sqlx::Error::Database(error) => error
            .code()
            .is_some_and(|code| ["08", "40", "53", "55", "57"].iter().any(|class| code.starts_with(class))),
        _ => false,
    }
}
