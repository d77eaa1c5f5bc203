//! The lines of `deploy/services.list`.

use anyhow::Context;

use crate::names::ContextName;

/// The port of the first context's command API. The next context begins ten ports later.
const FIRST_PORT: u16 = 8101;
const PORTS_PER_CONTEXT: usize = 10;
/// The difference between the port of a service and the port of its health and metrics.
const ADMIN_OFFSET: u16 = 1000;

/// The ports of a context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ports {
    pub(crate) command: u16,
    pub(crate) query: u16,
    pub(crate) projector: u16,
}

impl Ports {
    /// The first ports that no service in the list uses.
    pub(crate) fn free(list: &str) -> anyhow::Result<Self> {
        let services = list.lines().filter(|line| !line.starts_with('#'));
        let taken: Vec<u16> =
            services.filter_map(|line| line.split_whitespace().nth(1)?.parse().ok()).collect();
        let is_free = |first: &u16| (*first..first + 3).all(|port| !taken.contains(&port));
        let first = (FIRST_PORT..u16::MAX - ADMIN_OFFSET - 3).step_by(PORTS_PER_CONTEXT).find(is_free);
        let first = first.context("deploy/services.list leaves no port free")?;
        Ok(Self { command: first, query: first + 1, projector: first + 2 })
    }

    /// The port of the health and metrics of a service.
    pub(crate) const fn admin(port: u16) -> u16 {
        port + ADMIN_OFFSET
    }
}

/// The lines of the services of a context.
pub(crate) fn lines(context: &ContextName, ports: Ports) -> [String; 3] {
    let ContextName { snake, kebab } = context;
    let line = |role: &str, port: u16, needs: &str, user: &str, database: &str| {
        let service = format!("{kebab}-{role}");
        format!("{service:<21} {port}  {needs} database={snake}_{user}@{snake}_{database}")
    };
    [
        line("command-api", ports.command, "http peers kafka registry", "command", "write"),
        line("projector", ports.projector, "kafka registry", "projector", "read"),
        line("query-api", ports.query, "http", "query", "read"),
    ]
}

#[cfg(test)]
mod tests {
    use super::Ports;

    #[test]
    fn a_context_gets_the_first_ports_that_are_free() {
        let first = Ports { command: 8101, query: 8102, projector: 8103 };
        assert_eq!(Ports::free("# NAME PORT NEEDS\n").unwrap(), first);
        let list = "one-command-api 8101 http\none-projector 8103 kafka\nthree-query-api 8122 http\n";
        let second = Ports { command: 8111, query: 8112, projector: 8113 };
        assert_eq!(Ports::free(list).unwrap(), second);
    }
}
