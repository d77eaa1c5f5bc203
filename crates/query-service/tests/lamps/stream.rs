use std::time::Duration;

use axum::{
    body::{Body, BodyDataStream},
    http::Response,
};
use futures_util::StreamExt;
use serde_json::Value;
use tokio::time::timeout;

/// Far longer than any event takes to arrive.
const DEADLINE: Duration = Duration::from_mins(1);

/// A stream of server-sent events.
pub(crate) struct Stream {
    body: BodyDataStream,
    text: String,
    pub(crate) last_id: String,
}

impl Stream {
    pub(crate) fn new(response: Response<Body>) -> Self {
        assert_eq!(response.status(), 200);
        Self { body: response.into_body().into_data_stream(), text: String::new(), last_id: String::new() }
    }

    /// The next block; `None` at the end of the stream.
    pub(crate) async fn next_block(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let block = self.text[..end].to_owned();
                self.text.drain(..end + 2);
                if let Some(id) = block.lines().find_map(|line| line.strip_prefix("id: ")) {
                    id.clone_into(&mut self.last_id);
                }
                return Some(block);
            }
            let chunk =
                timeout(DEADLINE, self.body.next()).await.expect("a chunk arrives within a minute")?;
            self.text.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
        }
    }

    pub(crate) async fn wait_for_heartbeat(&mut self) {
        while !self.next_block().await.expect("the stream has not ended").contains("heartbeat") {}
    }

    /// The name and data of the next event.
    pub(crate) async fn next_event(&mut self) -> (String, Value) {
        loop {
            let block = self.next_block().await.expect("the stream has not ended");
            let field = |name| block.lines().find_map(|line| line.strip_prefix(name));
            if let Some(event) = field("event: ") {
                return (event.to_owned(), serde_json::from_str(field("data: ").unwrap()).unwrap());
            }
        }
    }
}
