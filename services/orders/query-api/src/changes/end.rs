use serde_json::json;

/// Why a stream ends that its client did not end. All of them may be resumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The client did not take what was sent, and its buffer is full.
    TooSlow,
    /// The service ends.
    ShuttingDown,
    /// The journal cannot be read.
    NotReady,
}

impl End {
    /// The reason in one word, for clients and for metrics.
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
