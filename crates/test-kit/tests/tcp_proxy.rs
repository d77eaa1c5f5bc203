//! The TCP proxy: each fault has its documented effect, and can be healed.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

use std::io;

use test_kit::{ConnectionFault, TcpProxy, eventually};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// An echo server behind a proxy.
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
    let proxy = TcpProxy::in_front_of(&url).await;
    assert!(proxy.rewrite(&url).ends_with("/path") && proxy.rewrite(&url) != url);
    proxy
}

async fn connect(proxy: &TcpProxy) -> io::Result<TcpStream> {
    TcpStream::connect(proxy.address()).await
}

async fn ask(client: &mut TcpStream, request: &str) -> io::Result<String> {
    client.write_all(request.as_bytes()).await?;
    receive(client).await
}

async fn receive(client: &mut TcpStream) -> io::Result<String> {
    let mut answer = vec![0; 100];
    let length = client.read(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer[..length]).into_owned())
}

#[tokio::test]
async fn new_connections_are_refused_and_open_ones_closed() {
    let mut proxy = echo().await;
    let mut client = connect(&proxy).await.unwrap();
    assert_eq!(ask(&mut client, "one").await.unwrap(), "one");
    proxy.inject(ConnectionFault::Refused).await;
    assert_eq!(connect(&proxy).await.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    assert_eq!(receive(&mut client).await.unwrap(), "");

    proxy.heal().await;
    assert_eq!(ask(&mut connect(&proxy).await.unwrap(), "two").await.unwrap(), "two");
}

#[tokio::test]
async fn held_bytes_are_delivered_late_on_the_same_connection() {
    let mut proxy = echo().await;
    let mut client = connect(&proxy).await.unwrap();
    proxy.inject(ConnectionFault::Held).await;
    client.write_all(b"late").await.unwrap();
    eventually("it is held", || async { proxy.held("late") == 1 }).await;
    proxy.heal().await;
    assert_eq!(receive(&mut client).await.unwrap(), "late");
    assert_eq!(proxy.held("late"), 0);
}

#[tokio::test]
async fn another_server_answers_until_the_proxy_is_healed() {
    let mut proxy = echo().await;
    proxy.inject(ConnectionFault::Answered("no")).await;
    assert_eq!(ask(&mut connect(&proxy).await.unwrap(), "one").await.unwrap(), "no");
    proxy.inject(ConnectionFault::Refused).await;
    proxy.heal().await;
    assert_eq!(ask(&mut connect(&proxy).await.unwrap(), "one").await.unwrap(), "one");
}
