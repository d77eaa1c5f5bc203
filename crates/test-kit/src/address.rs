use std::{
    iter::Cycle,
    mem,
    net::{Ipv4Addr, TcpListener, UdpSocket},
    ops::Range,
    process,
    sync::{LazyLock, Mutex},
};

/// Below the ports that systems hand out by themselves (Linux from 32768 on, others from 49152 on): one that a service
/// opens in a moment, or again after its end, must not go to somebody's connection in between. Apart from the ports in
/// `.env`, too.
const PORTS: Range<u16> = 10_000..15_000;

/// Every process begins at a place of its own, so that a port is not used by one run right after another.
static UNTRIED: LazyLock<Mutex<Cycle<Range<u16>>>> = LazyLock::new(|| {
    let mut ports = PORTS.cycle();
    ports.nth(process::id() as usize * 101 % PORTS.len());
    Mutex::new(ports)
});

/// A port of the loopback on which nobody listens, and that no other test is given while this process lives.
pub fn free_port() -> u16 {
    let mut untried = UNTRIED.lock().expect("a port was found before");
    untried.by_ref().take(PORTS.len()).find(|port| claim(*port)).expect("not all ports are taken")
}

/// A UDP socket of the same number, open until the process ends, tells other test processes that the port is taken,
/// and leaves TCP to the server that it is for.
fn claim(port: u16) -> bool {
    let address = (Ipv4Addr::LOCALHOST, port);
    let Ok(mark) = UdpSocket::bind(address) else { return false };
    let free = TcpListener::bind(address).is_ok();
    if free {
        mem::forget(mark);
    }
    free
}
