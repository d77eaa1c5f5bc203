//! The proxy before any server: each trouble does what it says, and passes.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

use std::io;

use test_kit::{TcpProxy, Trouble, eventually};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A server that says everything back, behind a proxy.
async fn echo() -> TcpProxy {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("tcp://{}/path", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = client.split();
                tokio::io::copy(&mut from, &mut to).await
            });
        }
    });
    let proxy = TcpProxy::before(&url).await;
    assert!(proxy.lead(&url).ends_with("/path") && proxy.lead(&url) != url);
    proxy
}

async fn connect(proxy: &TcpProxy) -> io::Result<TcpStream> {
    TcpStream::connect(proxy.address()).await
}

async fn ask(client: &mut TcpStream, question: &str) -> io::Result<String> {
    client.write_all(question.as_bytes()).await?;
    hear(client).await
}

async fn hear(client: &mut TcpStream) -> io::Result<String> {
    let mut answer = vec![0; 100];
    let length = client.read(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer[..length]).into_owned())
}

#[tokio::test]
async fn a_refused_connection_is_not_taken_in_and_an_open_one_has_ended() {
    let mut proxy = echo().await;
    let mut client = connect(&proxy).await.unwrap();
    assert_eq!(ask(&mut client, "one").await.unwrap(), "one");
    proxy.order(Trouble::Refused).await;
    assert_eq!(connect(&proxy).await.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    assert_eq!(hear(&mut client).await.unwrap(), "");

    proxy.heal().await;
    assert_eq!(ask(&mut connect(&proxy).await.unwrap(), "two").await.unwrap(), "two");
}

#[tokio::test]
async fn what_is_held_is_delivered_late_on_the_same_connection() {
    let mut proxy = echo().await;
    let mut client = connect(&proxy).await.unwrap();
    proxy.order(Trouble::Held).await;
    client.write_all(b"late").await.unwrap();
    eventually("it is held", || async { proxy.held("late") == 1 }).await;
    proxy.heal().await;
    assert_eq!(hear(&mut client).await.unwrap(), "late");
    assert_eq!(proxy.held("late"), 0);
}

#[tokio::test]
async fn somebody_else_answers_until_it_is_healed() {
    let mut proxy = echo().await;
    proxy.order(Trouble::Answered("no")).await;
    assert_eq!(ask(&mut connect(&proxy).await.unwrap(), "one").await.unwrap(), "no");
    proxy.order(Trouble::Refused).await;
    proxy.heal().await;
    assert_eq!(ask(&mut connect(&proxy).await.unwrap(), "one").await.unwrap(), "one");
}
