use std::process::{Child, Command, Output};

use rdkafka::{
    ClientConfig,
    producer::{BaseProducer, BaseRecord, Producer},
};
use reqwest::Client;
use serde_json::{Value, json};
use test_kit::{Service, TestEnvironment, eventually_some};

/// The write side of orders, and a client of it.
pub(crate) struct Installation {
    pub(crate) environment: TestEnvironment,
    commands: Service,
    client: Client,
}

impl Installation {
    pub(crate) async fn start() -> Self {
        let environment = TestEnvironment::prepared();
        // While all tests run, an owner may be slow.
        let commands = Service::command_api_with(&environment, "orders", &[("FOLDLINE_FORWARD_WAIT", "6s")]);
        Self { commands: commands.ready().await, client: Client::new(), environment }
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let request = self.client.post(format!("{}{path}", self.commands.url)).json(body);
        request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
    }

    /// Places an order, and returns its id.
    pub(crate) async fn place(&self) -> String {
        let response = self
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
        response["order_id"].as_str().unwrap().to_owned()
    }

    /// Cancels an order, and returns the position of the event.
    pub(crate) async fn cancel(&self, order: &str) -> String {
        let response = self.post(&format!("/orders/{order}/cancel"), &json!({"reason": "twice"})).await;
        let position = &response["position"];
        format!("{}/{}@{}", position["topic"].as_str().unwrap(), position["partition"], position["offset"])
    }

    /// A command of the command line. Arguments are separated by spaces.
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
    pub(crate) fn events(&self, arguments: &str) -> Vec<Value> {
        let output = self.foldline(arguments).output().unwrap();
        assert!(output.status.success(), "{}", error(&output));
        lines(&output)
    }

    /// The configuration of a Kafka client.
    pub(crate) fn client_config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.environment.servers.brokers);
        config
    }

    /// Writes a record that is not an event to partition 3.
    pub(crate) fn write_invalid_record(&self, producer: &BaseProducer) {
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

/// Interrupts a process as Ctrl-C does, and returns its exit code.
pub(crate) async fn interrupt(child: &mut Child) -> Option<i32> {
    let kill = Command::new("kill").arg("-INT").arg(child.id().to_string()).status().unwrap();
    assert!(kill.success());
    let ended = eventually_some("the process ends", || {
        let status = child.try_wait().unwrap();
        async move { status }
    });
    ended.await.code()
}
