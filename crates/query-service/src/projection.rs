use aggregate::AggregateId;
use axum::response::Response;
use projection::{CheckpointWatch, PartitionOffsets, Query};
use service_kit::Problem;
use sqlx::{PgPool, types::Json};
use tokio::sync::watch;

use crate::{Answer, Document, ReadModel, ReadPosition, ReadRequest, answer::Reading, problems};

/// A projection that queries read, and how far it has read the log. Cloning is cheap.
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
    /// The topic that it reads.
    pub topic: &'p str,
    /// The partition of the aggregate; `None` for a query over many aggregates.
    pub partition: Option<i32>,
    /// The aggregate's id; `None` for a query over many aggregates.
    pub aggregate_id: Option<String>,
    checkpoints: &'p CheckpointWatch,
    read_model: &'p ReadModel,
}

/// The row of a query: what it found, and where the projection stood. Both columns are of one statement, and so of one
/// snapshot; a position that was read by a statement of its own could promise more than the rows show.
#[derive(Debug)]
pub struct Found<T> {
    /// `read_position(…) AS "position!: Json<ReadPosition>"`.
    pub position: Json<ReadPosition>,
    /// What was asked for, as JSON.
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

    /// For a query about one aggregate. It waits for the partition of the aggregate only.
    pub fn aggregate(&self, id: impl Into<AggregateId>) -> ReadScope<'_> {
        let id = id.into();
        let partition = Some(self.read_model.partition_of(&id));
        ReadScope { partition, aggregate_id: Some(id.to_string()), ..self.all() }
    }

    /// For a query about many aggregates. It waits for all partitions of a consistency token.
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

    /// How far the projection has read, as it moves.
    pub(crate) fn moves(&self) -> watch::Receiver<PartitionOffsets> {
        self.checkpoints.moves()
    }
}

impl ReadScope<'_> {
    /// The kind of aggregate that the query is about.
    pub(crate) fn aggregate_kind(&self) -> &str {
        self.read_model.aggregate_kind()
    }

    /// The connections of queries; see [`ReadModel::pool`].
    pub fn pool(&self) -> &PgPool {
        self.read_model.pool()
    }

    /// Answers with one document, or 404, or 304 if the caller has this version. `select` is run again as long as its
    /// snapshot has not reached the consistency token.
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

    /// Answers with whatever `select` finds. It is run again as long as its snapshot has not reached the consistency
    /// token.
    pub async fn read<T, S, F>(&self, request: &ReadRequest, select: S) -> Result<Answer<T>, Problem>
    where
        T: Send,
        S: Fn() -> F + Sync,
        F: Future<Output = Result<Found<T>, sqlx::Error>> + Send,
    {
        let reading = self.wait_and_read(request, select).await?;
        let reading = if self.aggregate_id.is_some() { reading.without_parked() } else { reading };
        Ok(reading.behind_since(self.topic).answer(self.topic))
    }

    /// Reads, and leaves parked events aside.
    pub(crate) async fn wait_and_read<T, S, F>(
        &self,
        request: &ReadRequest,
        select: S,
    ) -> Result<Reading<T>, Problem>
    where
        T: Send,
        S: Fn() -> F + Sync,
        F: Future<Output = Result<Found<T>, sqlx::Error>> + Send,
    {
        let model = self.read_model;
        let mut consistency = request.consistency(self.topic, model.partitions(), model.wait_limits())?;
        if let Some(partition) = self.partition {
            // Nothing that happens in other partitions can change this aggregate.
            consistency.offsets = consistency.offsets.within(partition);
        }
        let result = self.checkpoints.ask(&Select(select), &consistency.offsets, consistency.wait).await;
        Ok(Reading::new(consistency, result.map_err(|error| problems::postgres(&error))?))
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
    type Answer = Found<T>;
    type Error = sqlx::Error;

    async fn ask(&self) -> Result<(Found<T>, PartitionOffsets), sqlx::Error> {
        let found = (self.0)().await?;
        let offsets = found.position.offsets();
        Ok((found, offsets))
    }
}
