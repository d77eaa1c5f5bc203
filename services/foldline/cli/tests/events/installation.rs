use std::process::{Child, Command, Output};

use rdkafka::{
    ClientConfig,
    producer::{BaseProducer, BaseRecord, Producer},
};
use reqwest::Client;
use serde_json::{Value, json};
use test_kit::{Service, TestEnvironment, eventually_some};

/// The write side of orders, and its customers.
pub(crate) struct Installation {
    pub(crate) environment: TestEnvironment,
    commands: Service,
    client: Client,
}

impl Installation {
    pub(crate) async fn start() -> Self {
        let environment = TestEnvironment::prepared();
        // Under the load of all tests an owner may be late.
        let commands = Service::command_api_with(&environment, "orders", &[("FOLDLINE_FORWARD_WAIT", "6s")]);
        Self { commands: commands.ready().await, client: Client::new(), environment }
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let request = self.client.post(format!("{}{path}", self.commands.url)).json(body);
        request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
    }

    /// Places an order, and answers with its id.
    pub(crate) async fn place(&self) -> String {
        let answer = self
            .post(
                "/orders",
                &json!({
                    "customer_id": "c-1", "currency": "EUR",
                    "lines": [{"sku": "tea", "quantity": 2, "unit_price_minor": 990}],
                    "delivery_address": {"name": "Ada", "street": "1 Example Street", "postal_code": "10115",
                        "city": "Berlin", "country": "DE"},
                }),
            )
            .await;
        answer["order_id"].as_str().unwrap().to_owned()
    }

    /// Cancels an order, and answers with the position of that event.
    pub(crate) async fn cancel(&self, order: &str) -> String {
        let answer = self.post(&format!("/orders/{order}/cancel"), &json!({"reason": "twice"})).await;
        let position = &answer["position"];
        format!("{}/{}@{}", position["topic"].as_str().unwrap(), position["partition"], position["offset"])
    }

    /// The operator's command line, with words that hold no spaces.
    pub(crate) fn foldline(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_foldline"));
        command
            .args(arguments.split(' '))
            .env("FOLDLINE_KAFKA_BROKERS", &self.environment.servers.brokers)
            .env("FOLDLINE_REGISTRY_URL", &self.environment.servers.registry_url)
            .env("FOLDLINE_TOPIC_PREFIX", &self.environment.topic_prefix);
        command
    }

    /// The events that a successful command prints as JSON.
    pub(crate) fn told(&self, arguments: &str) -> Vec<Value> {
        let output = self.foldline(arguments).output().unwrap();
        assert!(output.status.success(), "{}", error(&output));
        lines(&output)
    }

    /// A client that writes what no service would.
    pub(crate) fn stranger(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.environment.servers.brokers);
        config
    }

    /// Writes a record that is no event to partition 3.
    pub(crate) fn write_rubbish(&self, producer: &BaseProducer) {
        let topic = self.environment.topic("orders.events");
        let record = BaseRecord::to(&topic).partition(3).key("order-1").payload("rubbish");
        producer.send(record).map_err(|(error, _)| error).unwrap();
        producer.flush(std::time::Duration::from_secs(10)).unwrap();
    }
}

pub(crate) fn lines(output: &Output) -> Vec<Value> {
    json_lines(&String::from_utf8_lossy(&output.stdout))
}

pub(crate) fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

pub(crate) fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// One field of each event, as text.
pub(crate) fn all<'a>(events: &'a [Value], field: &str) -> Vec<&'a str> {
    events.iter().map(|event| event[field].as_str().unwrap()).collect()
}

/// Presses Ctrl-C, and answers with the exit code.
pub(crate) async fn interrupted(child: &mut Child) -> Option<i32> {
    let interrupt = Command::new("kill").arg("-INT").arg(child.id().to_string()).status().unwrap();
    assert!(interrupt.success());
    let ended = eventually_some("it ends", || {
        let status = child.try_wait().unwrap();
        async move { status }
    });
    ended.await.code()
}
