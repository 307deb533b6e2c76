//! A TCP proxy that can cut and restore the way to a server, so that a test can lose its
//! database and find it again. Not for slow or corrupting networks.

use anyhow::{Context as _, Result};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A proxy on a free loopback port. Dropping it ends its connections and frees the port.
#[derive(Debug)]
pub struct FaultyProxy {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    is_cut: bool,
    is_closed: bool,
    next: u64,
    open: Vec<Pair>,
}

/// The two ends of one connection through the proxy.
#[derive(Debug)]
struct Pair {
    number: u64,
    client: TcpStream,
    server: TcpStream,
}

impl FaultyProxy {
    /// A proxy to `target` (`host:port`), open from the start.
    pub fn start(target: &str) -> Result<Self> {
        let target = target
            .to_socket_addrs()
            .with_context(|| format!("`{target}` is not `host:port`"))?
            .next()
            .with_context(|| format!("`{target}` has no address"))?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || accept(&listener, target, &shared));
        Ok(Self { address, state })
    }

    /// A proxy to the server of a database address, and the address that leads through it.
    pub fn before(url: &str) -> Result<(Self, String)> {
        let (scheme, rest) = url
            .split_once("://")
            .with_context(|| format!("`{url}` is not a database address"))?;
        let (authority, path) = match rest.split_once('/') {
            Some((authority, path)) => (authority, format!("/{path}")),
            None => (rest, String::new()),
        };
        let (login, host) = match authority.rsplit_once('@') {
            Some((login, host)) => (format!("{login}@"), host),
            None => (String::new(), authority),
        };
        let target = if host.contains(':') {
            host.to_owned()
        } else {
            format!("{host}:5432")
        };
        let proxy = Self::start(&target)?;
        let through = format!("{scheme}://{login}{}{path}", proxy.address);
        Ok((proxy, through))
    }

    /// Where the proxy listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends every connection and refuses new ones until `restore`.
    pub fn cut(&self) {
        let mut state = lock(&self.state);
        state.is_cut = true;
        close(&mut state);
    }

    /// Lets new connections through again.
    pub fn restore(&self) {
        lock(&self.state).is_cut = false;
    }

    /// How many connections are open through the proxy.
    pub fn connections(&self) -> usize {
        lock(&self.state).open.len()
    }
}

impl Drop for FaultyProxy {
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        state.is_closed = true;
        close(&mut state);
        drop(state);
        // Wakes the listening thread, which then sees that it is over.
        drop(TcpStream::connect(self.address));
    }
}

fn accept(listener: &TcpListener, target: SocketAddr, state: &Arc<Mutex<State>>) {
    for arriving in listener.incoming() {
        if lock(state).is_closed {
            return;
        }
        // A connection that cannot be made is one that was lost: the client sees it closed.
        if let Ok(client) = arriving {
            drop(join(client, target, state));
        }
    }
}

fn join(client: TcpStream, target: SocketAddr, state: &Arc<Mutex<State>>) -> Result<()> {
    if lock(state).is_cut {
        return Ok(());
    }
    let server = TcpStream::connect(target)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let mut guard = lock(state);
    // The cut may have come while the connection was being made.
    if guard.is_cut || guard.is_closed {
        return Ok(());
    }
    let number = guard.next;
    guard.next += 1;
    guard.open.push(Pair {
        number,
        client: client.try_clone()?,
        server: server.try_clone()?,
    });
    drop(guard);
    let (client_too, server_too) = (client.try_clone()?, server.try_clone()?);
    for (from, to) in [(client, server), (server_too, client_too)] {
        let state = Arc::clone(state);
        std::thread::spawn(move || copy(from, to, number, &state));
    }
    Ok(())
}

fn copy(mut from: TcpStream, mut to: TcpStream, number: u64, state: &Mutex<State>) {
    let mut buffer = [0_u8; 16 * 1024];
    while let Ok(count) = from.read(&mut buffer) {
        let sent = buffer.get(..count).unwrap_or_default();
        if count == 0 || to.write_all(sent).is_err() {
            break;
        }
    }
    // Both ends go together; the other direction's thread wakes from its read and ends too.
    drop(from.shutdown(Shutdown::Both));
    drop(to.shutdown(Shutdown::Both));
    lock(state).open.retain(|pair| pair.number != number);
}

fn close(state: &mut State) {
    for pair in state.open.drain(..) {
        drop(pair.client.shutdown(Shutdown::Both));
        drop(pair.server.shutdown(Shutdown::Both));
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that sends back every byte, one connection after the other.
    fn echo() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                std::thread::spawn(move || {
                    let mut byte = [0_u8];
                    while stream.read(&mut byte).is_ok_and(|count| count == 1) {
                        stream.write_all(&byte).unwrap();
                    }
                });
            }
        });
        address
    }

    fn talk(stream: &mut TcpStream) -> bool {
        let mut byte = [0_u8];
        stream.write_all(&[7]).is_ok() && stream.read_exact(&mut byte).is_ok() && byte == [7]
    }

    #[test]
    fn a_cut_ends_connections_and_restore_lets_new_ones_through() {
        let proxy = FaultyProxy::start(&echo().to_string()).unwrap();
        let mut first = TcpStream::connect(proxy.address()).unwrap();
        assert!(talk(&mut first));
        assert_eq!(proxy.connections(), 1);

        proxy.cut();
        assert!(!talk(&mut first), "the open connection is gone");
        let mut second = TcpStream::connect(proxy.address()).unwrap();
        assert!(!talk(&mut second), "a new connection is refused");
        assert_eq!(proxy.connections(), 0);

        proxy.restore();
        let mut third = TcpStream::connect(proxy.address()).unwrap();
        assert!(talk(&mut third));
    }

    #[test]
    fn a_database_address_is_led_through() {
        let address = echo();
        let (proxy, url) =
            FaultyProxy::before(&format!("postgres://me:secret@{address}/data?a=b")).unwrap();
        assert_eq!(
            url,
            format!("postgres://me:secret@{}/data?a=b", proxy.address())
        );
    }
}
