/// Whether an error of Postgres may pass by itself: the server cannot be reached, restarts, is out of a resource or rolled
/// a transaction back. Otherwise somebody has to act.
///
/// Decided by the class of its SQLSTATE: connection, rollback, resources, object in use, operator intervention.
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
