use std::time::Duration;

use axum::{
    body::{Body, BodyDataStream},
    http::Response,
};
use futures_util::StreamExt;
use serde_json::Value;
use tokio::time::timeout;

/// Far longer than any event takes to come.
const DEADLINE: Duration = Duration::from_mins(1);

/// A stream of server-sent events.
pub(crate) struct Stream {
    body: BodyDataStream,
    text: String,
    pub(crate) last_id: String,
}

impl Stream {
    pub(crate) fn of(answer: Response<Body>) -> Self {
        assert_eq!(answer.status(), 200);
        Self { body: answer.into_body().into_data_stream(), text: String::new(), last_id: String::new() }
    }

    /// The next block; `None` at the end of the stream.
    pub(crate) async fn block(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let block = self.text[..end].to_owned();
                self.text.drain(..end + 2);
                if let Some(id) = block.lines().find_map(|line| line.strip_prefix("id: ")) {
                    id.clone_into(&mut self.last_id);
                }
                return Some(block);
            }
            let part = timeout(DEADLINE, self.body.next()).await.expect("something comes in a minute")?;
            self.text.push_str(std::str::from_utf8(&part.unwrap()).unwrap());
        }
    }

    pub(crate) async fn until_heartbeat(&mut self) {
        while !self.block().await.expect("the stream goes on").contains("heartbeat") {}
    }

    /// The name and data of the next event.
    pub(crate) async fn event(&mut self) -> (String, Value) {
        loop {
            let block = self.block().await.expect("the stream goes on");
            let field = |name| block.lines().find_map(|line| line.strip_prefix(name));
            if let Some(event) = field("event: ") {
                return (event.to_owned(), serde_json::from_str(field("data: ").unwrap()).unwrap());
            }
        }
    }
}
