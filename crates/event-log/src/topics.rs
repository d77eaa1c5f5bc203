/// The names of a context's topics.
///
/// A prefix separates installations, or tests, that share a cluster. It precedes topics, consumer groups and
/// transactional ids alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics {
    prefix: String,
    context: String,
}

impl Topics {
    /// The topics of `context`, each name beginning with `prefix` (usually empty).
    pub fn new(prefix: &str, context: &str) -> Self {
        Self { prefix: prefix.to_owned(), context: context.to_owned() }
    }

    /// The context's own name, without the prefix.
    pub fn context(&self) -> &str {
        &self.context
    }

    /// The events: one record per event, keyed by aggregate, kept for ever.
    pub fn events(&self) -> String {
        self.named("events")
    }

    /// The commands that come through Kafka, keyed by aggregate.
    pub fn commands(&self) -> String {
        self.named("commands")
    }

    /// The consumer group of all instances that decide commands. Its members share the partitions of the owners topic,
    /// one for each shard, and its offsets of the commands topic are the next commands to decide.
    pub fn deciders(&self) -> String {
        self.commands()
    }

    /// The outcomes of commands that came through Kafka, keyed by command.
    pub fn outcomes(&self) -> String {
        self.named("outcomes")
    }

    /// The owners of the shards, keyed by shard. It has a partition for each shard.
    pub fn owners(&self) -> String {
        self.named("owners")
    }

    /// The layout: how many shards the partitions are divided into, and whether that is being changed. It has one
    /// partition, and is empty until the first change.
    pub fn layout(&self) -> String {
        self.named("layout")
    }

    /// The ids of the context's schemas in the registry, keyed by subject and version. It has one partition.
    pub fn schemas(&self) -> String {
        self.named("schemas")
    }

    /// The consumer group called `name`.
    pub fn group(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// All of these topics.
    pub fn names(&self) -> [String; 6] {
        [self.events(), self.commands(), self.outcomes(), self.owners(), self.layout(), self.schemas()]
    }

    fn named(&self, what: &str) -> String {
        format!("{}{}.{what}", self.prefix, self.context)
    }
}
