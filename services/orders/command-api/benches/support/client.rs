//! One connection that sends commands about orders, and the bodies it sends.

use http_body_util::{BodyExt, Full};
use hyper::{Request, body::Bytes, client::conn::http1::SendRequest, header};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::JoinSet};
use uuid::Uuid;

/// One connection, with one request at a time.
pub(crate) struct Client {
    sender: SendRequest<Full<Bytes>>,
    address: String,
}

impl Client {
    /// Connects to a service at `host:port`.
    pub(crate) async fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.expect("the service listens");
        stream.set_nodelay(true).expect("the option can be set");
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .expect("the service speaks HTTP");
        tokio::spawn(connection);
        Self { sender, address: address.to_owned() }
    }

    /// Places an order with two lines, and returns the status of the response.
    pub(crate) async fn place(&mut self, order: Uuid) -> u16 {
        let body = format!(
            r#"{{"order_id":"{order}","customer_id":"c-1001","currency":"EUR","lines":[{{"sku":"tea-500g","quantity":2,"unit_price_minor":1290}},{{"sku":"cup-white","quantity":1,"unit_price_minor":850}}],"delivery_address":{}}}"#,
            address("12 Example Street")
        );
        self.post("/orders", body).await
    }

    /// Changes the address of an order to one that no order has had, and returns the status of the response.
    pub(crate) async fn change_address(&mut self, order: Uuid) -> u16 {
        self.post(&format!("/orders/{order}/delivery-address"), address(&Uuid::now_v7().to_string())).await
    }

    async fn post(&mut self, path: &str, body: String) -> u16 {
        let request = Request::post(path)
            .header(header::HOST, &self.address)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))
            .expect("the request is valid");
        self.sender.ready().await.expect("the connection stays open");
        let response = self.sender.send_request(request).await.expect("the service responds");
        let status = response.status().as_u16();
        response.into_body().collect().await.expect("the response is complete");
        status
    }
}

/// Places orders, one on each of as many connections, and changes the address of each until it has `events` events.
/// Returns their ids.
pub(crate) async fn place_streams(address: &str, orders: usize, events: usize) -> Vec<Uuid> {
    let mut clients = JoinSet::new();
    for _ in 0..orders {
        let address = address.to_owned();
        clients.spawn(async move {
            let (mut client, order) = (Client::connect(&address).await, Uuid::now_v7());
            let mut stored = 0;
            while stored < events {
                let status = match stored {
                    0 => client.place(order).await,
                    _ => client.change_address(order).await,
                };
                match status {
                    200 | 201 => stored += 1,
                    // Not executed; repeated.
                    503 => {}
                    status => panic!("unexpected status: {status}"),
                }
            }
            order
        });
    }
    clients.join_all().await
}

fn address(street: &str) -> String {
    format!(
        r#"{{"name":"Ada Lovelace","street":"{street}","postal_code":"10115","city":"Berlin","country":"DE"}}"#
    )
}
