//! A projection with two tables: the current state of each account, and its deposits.

use aggregate::Version;
use projection::{CopyRow, CopyRows, History, Projection, ProjectionError, RecordedEvent, column};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::events::Event;

/// The projection's tables.
pub(crate) const TABLES: &str = "
    CREATE TABLE accounts (
        account_id     uuid        PRIMARY KEY,
        version        bigint      NOT NULL,
        owner          text        NOT NULL,
        balance        bigint      NOT NULL,
        closing_reason text,
        updated_at     timestamptz NOT NULL
    );
    CREATE TABLE deposits (
        account_id uuid   NOT NULL,
        version    bigint NOT NULL,
        amount     bigint NOT NULL CHECK (amount > 0),
        PRIMARY KEY (account_id, version)
    )";

pub(crate) struct Accounts;

/// The changes of a batch to one account.
struct Change<'b> {
    history: &'b History<Event>,
    account_id: Uuid,
    owner: Option<&'b str>,
    /// The version of each deposit, and its amount.
    deposits: Vec<(i64, i64)>,
    closing_reason: Option<&'b str>,
}

impl Projection for Accounts {
    const NAME: &str = "accounts";
    const VERSION: i32 = 1;
    const TABLES: &[&str] = &["accounts", "deposits"];
    type Event = Event;

    async fn apply(
        &self,
        transaction: &mut PgConnection,
        batch: &[&History<Event>],
    ) -> Result<(), ProjectionError> {
        let (new, existing) = changes(batch)?;
        insert(transaction, &new).await?;
        insert_deposits(transaction, new.iter().chain(&existing)).await?;
        update(transaction, &existing).await
    }

    async fn load(
        &self,
        transaction: &mut PgConnection,
        batch: &[&History<Event>],
    ) -> Result<(), ProjectionError> {
        let (new, existing) = changes(batch)?;
        copy(transaction, &new).await?;
        insert_deposits(transaction, new.iter().chain(&existing)).await?;
        update(transaction, &existing).await
    }
}

/// The changes to new accounts, and those to accounts that are already in the tables.
fn changes<'b>(batch: &[&'b History<Event>]) -> Result<(Vec<Change<'b>>, Vec<Change<'b>>), ProjectionError> {
    let changes = batch.iter().map(|history| Change::of(history)).collect::<Result<Vec<_>, _>>()?;
    Ok(changes.into_iter().partition(|change| change.owner.is_some()))
}

impl<'b> Change<'b> {
    fn of(history: &'b History<Event>) -> Result<Self, ProjectionError> {
        let account_id = history.aggregate_id_as()?;
        let mut change =
            Self { history, account_id, owner: None, deposits: Vec::new(), closing_reason: None };
        for recorded in history.events() {
            change.include(recorded)?;
        }
        Ok(change)
    }

    fn include(&mut self, recorded: &'b RecordedEvent<Event>) -> Result<(), ProjectionError> {
        let version = recorded.envelope.version;
        let is_first = version == Version::NONE.next();
        match &recorded.event {
            Event::Opened(account) if is_first => self.owner = Some(&account.owner),
            Event::Opened(_) => return Err(recorded.unfit("an account is opened by its first event only")),
            _ if is_first => return Err(recorded.unfit("the first event of an account must open it")),
            Event::Deposited(deposit) => self.deposits.push((version.0.cast_signed(), deposit.amount)),
            Event::Closed(closed) => self.closing_reason = Some(&closed.reason),
        }
        Ok(())
    }

    fn version(&self) -> i64 {
        self.history.last().envelope.version.0.cast_signed()
    }

    fn balance(&self) -> i64 {
        self.deposits.iter().map(|(_, amount)| amount).sum()
    }

    fn updated_at(&self) -> OffsetDateTime {
        self.history.last().envelope.time
    }
}

async fn insert(transaction: &mut PgConnection, new: &[Change<'_>]) -> Result<(), ProjectionError> {
    let written = sqlx::query(
        "INSERT INTO accounts (account_id, version, owner, balance, closing_reason, updated_at)
         SELECT * FROM UNNEST($1::uuid[], $2::bigint[], $3::text[], $4::bigint[], $5::text[], $6::timestamptz[])
             ON CONFLICT (account_id) DO NOTHING",
    )
    .bind(column(new, |change| change.account_id))
    .bind(column(new, Change::version))
    .bind(column(new, |change| change.owner))
    .bind(column(new, Change::balance))
    .bind(column(new, |change| change.closing_reason))
    .bind(column(new, Change::updated_at))
    .execute(&mut *transaction)
    .await?;
    require_all(transaction, new, written.rows_affected()).await
}

async fn copy(transaction: &mut PgConnection, new: &[Change<'_>]) -> Result<(), ProjectionError> {
    let mut rows = CopyRows::default();
    for change in new {
        rows.row()
            .plain(&change.account_id)
            .plain(&change.version())
            .optional(change.owner, CopyRow::text)
            .plain(&change.balance())
            .optional(change.closing_reason, CopyRow::text)
            .time(change.updated_at())
            .end();
    }
    let columns = "account_id, version, owner, balance, closing_reason, updated_at";
    rows.copy(transaction, &format!("COPY accounts ({columns}) FROM STDIN")).await
}

/// Updates existing accounts, each only if it is at the version before the change.
async fn update(transaction: &mut PgConnection, existing: &[Change<'_>]) -> Result<(), ProjectionError> {
    let written = sqlx::query(
        "UPDATE accounts
            SET version = change.version,
                balance = accounts.balance + change.deposited,
                closing_reason = COALESCE(change.closing_reason, accounts.closing_reason),
                updated_at = change.updated_at
           FROM UNNEST($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::timestamptz[])
             AS change (account_id, before, version, deposited, closing_reason, updated_at)
          WHERE accounts.account_id = change.account_id AND accounts.version = change.before",
    )
    .bind(column(existing, |change| change.account_id))
    .bind(column(existing, |change| change.history.before().0.cast_signed()))
    .bind(column(existing, Change::version))
    .bind(column(existing, Change::balance))
    .bind(column(existing, |change| change.closing_reason))
    .bind(column(existing, Change::updated_at))
    .execute(&mut *transaction)
    .await?;
    require_all(transaction, existing, written.rows_affected()).await
}

async fn insert_deposits<'c>(
    transaction: &mut PgConnection,
    changes: impl Iterator<Item = &'c Change<'c>> + Send,
) -> Result<(), ProjectionError> {
    let deposits: Vec<_> = changes
        .flat_map(|change| {
            change.deposits.iter().map(|&(version, amount)| (change.account_id, version, amount))
        })
        .collect();
    sqlx::query("INSERT INTO deposits SELECT * FROM UNNEST($1::uuid[], $2::bigint[], $3::bigint[])")
        .bind(column(&deposits, |deposit| deposit.0))
        .bind(column(&deposits, |deposit| deposit.1))
        .bind(column(&deposits, |deposit| deposit.2))
        .execute(transaction)
        .await?;
    Ok(())
}

/// Requires that every account was written. One that was not has a version that its history does not follow.
async fn require_all(
    transaction: &mut PgConnection,
    changes: &[Change<'_>],
    written: u64,
) -> Result<(), ProjectionError> {
    if written == changes.len() as u64 {
        return Ok(());
    }
    let version: Option<i64> = sqlx::query_scalar("SELECT version FROM accounts WHERE account_id = $1")
        .bind(changes[0].account_id)
        .fetch_optional(transaction)
        .await?;
    Err(changes[0].history.does_not_follow(version).into())
}
