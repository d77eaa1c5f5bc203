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

/// Each process starts at a different port, so that a port is not reused at once by the next run.
static CANDIDATES: LazyLock<Mutex<Cycle<Range<u16>>>> = LazyLock::new(|| {
    let mut ports = PORTS.cycle();
    ports.nth(process::id() as usize * 101 % PORTS.len());
    Mutex::new(ports)
});

/// A free port on the loopback interface. No other test gets it until this process ends.
pub fn free_port() -> u16 {
    let mut candidates = CANDIDATES.lock().expect("the lock is not poisoned");
    candidates.by_ref().take(PORTS.len()).find(|port| reserve(*port)).expect("not all ports are taken")
}

/// Reserves a port with a UDP socket of the same number, which stays open until the process ends. Other test processes
/// see that the port is taken, and the server can still bind its TCP port.
fn reserve(port: u16) -> bool {
    let address = (Ipv4Addr::LOCALHOST, port);
    let Ok(reservation) = UdpSocket::bind(address) else { return false };
    let free = TcpListener::bind(address).is_ok();
    if free {
        mem::forget(reservation);
    }
    free
}
