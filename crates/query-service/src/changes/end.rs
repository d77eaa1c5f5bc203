use serde_json::json;

/// Why the service ends a stream. The client can always resume it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The client did not read, and its buffer is full.
    TooSlow,
    /// The service is shutting down.
    ShuttingDown,
    /// The journal cannot be read.
    NotReady,
}

impl End {
    /// The reason in kebab case, for clients and metrics.
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::TooSlow => "too-slow",
            Self::ShuttingDown => "shutting-down",
            Self::NotReady => "not-ready",
        }
    }

    /// The `data` of the last event.
    pub(super) fn json(self) -> String {
        json!({ "reason": self.reason() }).to_string()
    }
}
