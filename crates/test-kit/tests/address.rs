//! Free ports for the servers of tests.

use std::{
    collections::HashSet,
    net::{TcpListener, UdpSocket},
};

use test_kit::free_port;

#[test]
fn a_port_is_handed_out_once_and_can_be_listened_on() {
    let ports: Vec<u16> = (0..100).map(|_| free_port()).collect();
    assert_eq!(ports.iter().collect::<HashSet<_>>().len(), ports.len());
    for port in ports {
        TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
        UdpSocket::bind(("127.0.0.1", port)).expect_err("the port is reserved against other processes");
    }
}
