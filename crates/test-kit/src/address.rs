use std::{
    iter::Cycle,
    mem,
    net::{Ipv4Addr, TcpListener, UdpSocket},
    ops::Range,
    process,
    sync::{LazyLock, Mutex},
};

/// Below the ephemeral ports (from 32768 on Linux, from 49152 elsewhere), so that no outgoing connection can take a
/// port before a service binds it, or while the service restarts. It also avoids the ports in `.env`.
const PORTS: Range<u16> = 10_000..15_000;

/// Each process starts at a different port, so that consecutive runs do not reuse a port at once.
static UNTRIED: LazyLock<Mutex<Cycle<Range<u16>>>> = LazyLock::new(|| {
    let mut ports = PORTS.cycle();
    ports.nth(process::id() as usize * 101 % PORTS.len());
    Mutex::new(ports)
});

/// A free port on the loopback interface. No other test gets it while this process lives.
pub fn free_port() -> u16 {
    let mut untried = UNTRIED.lock().expect("the lock is not poisoned");
    untried.by_ref().take(PORTS.len()).find(|port| claim(*port)).expect("not all ports are taken")
}

/// Reserves a port with a UDP socket of the same number, which stays open until the process ends. Other test processes
/// see that the port is taken, and the server can still bind its TCP port.
fn claim(port: u16) -> bool {
    let address = (Ipv4Addr::LOCALHOST, port);
    let Ok(mark) = UdpSocket::bind(address) else { return false };
    let free = TcpListener::bind(address).is_ok();
    if free {
        mem::forget(mark);
    }
    free
}
