//! The actual rows and the expected rows.

use std::collections::BTreeMap;

use sqlx::{Connection, FromRow, PgConnection, postgres::PgConnectOptions};
use test_kit::TestEnvironment;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{environment::database_url, events::Event, log::Log};

/// An account as a row, and its deposits.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(crate) struct AccountRow {
    account_id: Uuid,
    version: i64,
    owner: String,
    balance: i64,
    pub(crate) closing_reason: Option<String>,
    updated_at: OffsetDateTime,
    deposits: Vec<String>,
}

/// The rows of the live tables, ordered by id.
pub(crate) async fn rows(environment: &TestEnvironment) -> Vec<AccountRow> {
    rows_in(environment, "public").await
}

/// The rows of the tables in a schema.
pub(crate) async fn rows_in(environment: &TestEnvironment, schema: &str) -> Vec<AccountRow> {
    let options: PgConnectOptions = database_url(environment).parse().unwrap();
    let options = options.options([("search_path", schema)]);
    let mut connection = PgConnection::connect_with(&options).await.unwrap();
    sqlx::query_as(
        "SELECT *, ARRAY(SELECT format('%s: %s', version, amount)
                           FROM deposits
                          WHERE deposits.account_id = accounts.account_id
                          ORDER BY version) AS deposits
           FROM accounts
          ORDER BY account_id",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap()
}

/// The expected rows: the fold of the log, one event at a time.
pub(crate) fn expected(log: &Log) -> Vec<AccountRow> {
    let mut rows = BTreeMap::<Uuid, AccountRow>::new();
    for (envelope, event) in &log.written {
        let account_id: Uuid = envelope.aggregate_id.as_str().parse().unwrap();
        let (version, updated_at) = (envelope.version.0.cast_signed(), envelope.time);
        if let Event::Opened(account) = event {
            let row = AccountRow {
                account_id,
                version,
                owner: account.owner.clone(),
                balance: 0,
                closing_reason: None,
                updated_at,
                deposits: Vec::new(),
            };
            rows.insert(account_id, row);
        }
        let row = rows.get_mut(&account_id).expect("an account is opened first");
        (row.version, row.updated_at) = (version, updated_at);
        match event {
            Event::Opened(_) => {}
            Event::Deposited(deposit) => {
                row.balance += deposit.amount;
                row.deposits.push(format!("{version}: {}", deposit.amount));
            }
            Event::Closed(closed) => row.closing_reason = Some(closed.reason.clone()),
        }
    }
    rows.into_values().collect()
}
