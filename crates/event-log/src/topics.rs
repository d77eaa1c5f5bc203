/// The names of a context's topics.
///
/// A prefix isolates several installations, or tests, on one cluster; it stands before topics, consumer groups
/// and transactional ids alike.
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

    /// The truth: one record per event, keyed by aggregate, kept for ever.
    pub fn events(&self) -> String {
        self.named("events")
    }

    /// Commands that come through Kafka; its consumer group decides who owns which partition.
    pub fn commands(&self) -> String {
        self.named("commands")
    }

    /// The consumer group of all who decide commands: its members share the partitions, its offsets say how far the
    /// commands are decided.
    pub fn deciders(&self) -> String {
        self.commands()
    }

    /// What became of every command that came through Kafka, keyed by command.
    pub fn outcomes(&self) -> String {
        self.named("outcomes")
    }

    /// Which instance owns which partition, keyed by partition. It has one partition itself.
    pub fn owners(&self) -> String {
        self.named("owners")
    }

    /// The consumer group of the projection called `projection`.
    pub fn group(&self, projection: &str) -> String {
        format!("{}{projection}", self.prefix)
    }

    fn named(&self, what: &str) -> String {
        format!("{}{}.{what}", self.prefix, self.context)
    }
}
