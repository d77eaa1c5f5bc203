use aggregate::{Aggregate, Message};
use axum::http::StatusCode;
use event_log::SchemaFile;

/// HTTP statuses of refusals, by their codes. A refusal that is not among them is 422.
pub type RefusalStatuses = &'static [(&'static str, StatusCode)];

/// What distinguishes the command API of one context from that of another, besides its routes and its rules.
#[derive(Debug, Clone, Copy)]
pub struct Context {
    /// The name of the context, which its topics, database and users begin with: `orders`.
    pub name: &'static str,
    /// The port of the API on 127.0.0.1, unless `FOLDLINE_HTTP_ADDRESS` is set.
    pub http_port: u16,
    /// The port of health and metrics on 127.0.0.1, unless `FOLDLINE_ADMIN_ADDRESS` is set.
    pub admin_port: u16,
    /// Every published version of the schemas of its events.
    pub events: &'static [SchemaFile],
    /// Every published version of the schemas of its commands.
    pub commands: &'static [SchemaFile],
    /// What `GET /problems/{code}` answers for its refusals: Markdown with a heading `### some-code` for each.
    pub refusals: &'static str,
    /// The HTTP status of each refusal that is not 422, by its code: 404 if something does not exist, 409 if it exists
    /// already.
    pub refusal_statuses: RefusalStatuses,
}

impl Context {
    /// Where health and metrics are served by default.
    pub fn admin_address(&self) -> String {
        format!("127.0.0.1:{}", self.admin_port)
    }

    /// Where commands are received by default.
    pub(crate) fn http_address(&self) -> String {
        format!("127.0.0.1:{}", self.http_port)
    }

    /// The database of snapshots and outcomes by default: that of the local stack.
    pub(crate) fn database_url(&self) -> String {
        let name = self.name;
        format!("postgres://{name}_command:{name}_command@127.0.0.1:15432/{name}_write")
    }
}

/// An aggregate that a command API can serve: its commands have a name and an Avro form, and their values can be
/// validated. Every aggregate with such commands is one.
pub trait CommandAggregate: Aggregate<Command: Message + garde::Validate<Context = ()>> {}

impl<A: Aggregate<Command: Message + garde::Validate<Context = ()>>> CommandAggregate for A {}
