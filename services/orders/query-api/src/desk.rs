use projection::{Freshness, Source, follow};
use service_kit::health::Health;

use crate::{
    read_model::ReadModel,
    settings::{Patience, Settings},
};

/// The name under which the projector of orders keeps its checkpoints.
const PROJECTION: &str = "orders";

/// What every question needs.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    pub(crate) read_model: ReadModel,
    pub(crate) freshness: Freshness,
    pub(crate) topic: String,
    pub(crate) partitions: i32,
    pub(crate) patience: Patience,
}

impl Desk {
    pub(crate) fn open(settings: &Settings, health: &Health) -> Self {
        let topic = settings.topics.events();
        let source = Source { projection: PROJECTION.to_owned(), topic: topic.clone() };
        let (database, partitions) = (&settings.database, settings.partitions);
        Self {
            freshness: follow(&database.connect, source.clone(), partitions, health.part("read model")),
            read_model: ReadModel::new(database, source, partitions),
            topic,
            partitions,
            patience: settings.patience,
        }
    }
}
