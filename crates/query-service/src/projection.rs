use aggregate::AggregateId;
use axum::response::Response;
use projection::{CheckpointWatch, PartitionOffsets, Query};
use service_kit::Problem;
use sqlx::{PgPool, types::Json};
use tokio::sync::watch;

use crate::{Answer, Document, ReadModel, ReadPosition, ReadRequest, answer::QueryResult, problems};

/// A projection that queries read, and its position in the log. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Projection {
    name: &'static str,
    checkpoints: CheckpointWatch,
    read_model: ReadModel,
}

/// The part of a projection that a query reads. Its fields are the arguments of the SQL function `read_position`.
#[derive(Debug, Clone)]
pub struct ReadScope<'p> {
    /// The projection's name.
    pub projection: &'p str,
    /// The topic that the projection reads.
    pub topic: &'p str,
    /// The partition of the aggregate; `None` for a query over many aggregates.
    pub partition: Option<i32>,
    /// The aggregate's id; `None` for a query over many aggregates.
    pub aggregate_id: Option<String>,
    checkpoints: &'p CheckpointWatch,
    read_model: &'p ReadModel,
}

/// The row of a query: its result, and the position of the projection. Both columns come from one statement, and so
/// from one snapshot; a position read by a separate statement could be ahead of the rows.
#[derive(Debug)]
pub struct Found<T> {
    /// `read_position(…) AS "position!: Json<ReadPosition>"`.
    pub position: Json<ReadPosition>,
    /// The result, as JSON.
    pub found: T,
}

impl Projection {
    pub(crate) const fn new(name: &'static str, checkpoints: CheckpointWatch, read_model: ReadModel) -> Self {
        Self { name, checkpoints, read_model }
    }

    /// The same projection, for queries about another kind of aggregate of the context: `card`.
    #[must_use]
    pub fn of(&self, aggregate: &str) -> Self {
        Self { read_model: self.read_model.of(aggregate), ..self.clone() }
    }

    /// The scope of a query about one aggregate. It waits only for the partition of the aggregate.
    pub fn aggregate(&self, id: impl Into<AggregateId>) -> ReadScope<'_> {
        let id = id.into();
        let partition = Some(self.read_model.partition_of(&id));
        ReadScope { partition, aggregate_id: Some(id.to_string()), ..self.all() }
    }

    /// The scope of a query about many aggregates. It waits for all partitions in the consistency token.
    pub fn all(&self) -> ReadScope<'_> {
        ReadScope {
            projection: self.name,
            topic: self.read_model.topic(),
            partition: None,
            aggregate_id: None,
            checkpoints: &self.checkpoints,
            read_model: &self.read_model,
        }
    }

    /// The database that the projection is in.
    pub const fn read_model(&self) -> &ReadModel {
        &self.read_model
    }

    /// The offsets that the projection has reached, updated as its checkpoint moves.
    pub(crate) fn watch_offsets(&self) -> watch::Receiver<PartitionOffsets> {
        self.checkpoints.watch_offsets()
    }
}

impl ReadScope<'_> {
    /// The kind of aggregate that the query is about.
    pub(crate) fn aggregate_kind(&self) -> &str {
        self.read_model.aggregate_kind()
    }

    /// The connection pool for queries; see [`ReadModel::pool`].
    pub fn pool(&self) -> &PgPool {
        self.read_model.pool()
    }

    /// Responds with one document, or 404, or 304 if the client already has this version. `select` is repeated until
    /// its snapshot has reached the consistency token.
    pub async fn document<T, S, F>(&self, request: &ReadRequest, select: S) -> Result<Response, Problem>
    where
        T: Document,
        S: Fn() -> F + Sync,
        F: Future<Output = Result<Found<Option<Json<T>>>, sqlx::Error>> + Send,
    {
        let answer = self.read(request, select).await?;
        let document = answer.and_then(|found| {
            found.map(|Json(document)| document).ok_or_else(|| self.read_model.problems().not_found())
        });
        Ok(document.document(request))
    }

    /// Returns the result of `select`, which is repeated until its snapshot has reached the consistency token.
    pub async fn read<T, S, F>(&self, request: &ReadRequest, select: S) -> Result<Answer<T>, Problem>
    where
        T: Send,
        S: Fn() -> F + Sync,
        F: Future<Output = Result<Found<T>, sqlx::Error>> + Send,
    {
        let result = self.wait_and_read(request, select).await?;
        let result = if self.aggregate_id.is_some() { result.without_parked() } else { result };
        Ok(result.behind_since(self.topic).answer(self.topic))
    }

    /// Like [`read`](Self::read), but does not take parked events into account.
    pub(crate) async fn wait_and_read<T, S, F>(
        &self,
        request: &ReadRequest,
        select: S,
    ) -> Result<QueryResult<T>, Problem>
    where
        T: Send,
        S: Fn() -> F + Sync,
        F: Future<Output = Result<Found<T>, sqlx::Error>> + Send,
    {
        let model = self.read_model;
        let mut consistency = request.consistency(self.topic, model.partitions(), model.wait_limits())?;
        if let Some(partition) = self.partition {
            // Events in other partitions cannot change this aggregate.
            consistency.offsets = consistency.offsets.within(partition);
        }
        let result = self.checkpoints.query(&Select(select), &consistency.offsets, consistency.wait).await;
        Ok(QueryResult::new(consistency, result.map_err(|error| problems::postgres(&error))?))
    }
}

/// A statement that may be run more than once.
struct Select<S>(S);

impl<T, S, F> Query for Select<S>
where
    T: Send,
    S: Fn() -> F + Sync,
    F: Future<Output = Result<Found<T>, sqlx::Error>> + Send,
{
    type Output = Found<T>;
    type Error = sqlx::Error;

    async fn run(&self) -> Result<(Found<T>, PartitionOffsets), sqlx::Error> {
        let found = (self.0)().await?;
        let offsets = found.position.offsets();
        Ok((found, offsets))
    }
}
