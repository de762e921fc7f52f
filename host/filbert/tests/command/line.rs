//! The line between an operator and its API server, which can be cut.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// Hands on what comes to an address of its own.
pub(crate) struct Line {
    /// What clients connect to.
    pub(crate) address: SocketAddr,
    server: SocketAddr,
    working: JoinHandle<()>,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.working.abort();
    }
}

impl Line {
    /// To this server.
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("it listens");
        Self { address, server, working: tokio::spawn(work(listener, server)) }
    }

    /// Ends every connection, in the middle of what is under way, and lets nobody connect.
    pub(crate) async fn cut(&mut self) {
        self.working.abort();
        // Cancelled, as it was asked to be.
        let _ = (&mut self.working).await;
    }

    /// Lets clients connect again.
    pub(crate) async fn mend(&mut self) {
        let listener = TcpListener::bind(self.address).await.expect("nobody took the port");
        self.working = tokio::spawn(work(listener, self.server));
    }
}

async fn work(listener: TcpListener, server: SocketAddr) {
    // Ends with this task.
    let mut connections = JoinSet::new();
    loop {
        let (mut client, _) = listener.accept().await.expect("it listens");
        connections.spawn(async move {
            let mut server = TcpStream::connect(server).await.expect("the server listens");
            // Either may go away at any time.
            let _ = copy_bidirectional(&mut client, &mut server).await;
        });
    }
}
