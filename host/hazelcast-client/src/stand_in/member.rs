//! One simulated member: a listener on the loopback interface.

use super::answer::Asked;
use super::group::{Behaviour, Group};
use crate::connection::PROTOCOL;
use crate::message::Message;
use crate::table::client::add_cluster_view_listener::{self, ClusterVersion, MembersView, PartitionsView};
use crate::table::client::{authentication, authentication_custom};
use crate::table::types;
use crate::{Assembler, Header, Limits, Payload, Uuid, fragments};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

/// A simulated member. It leaves its cluster and closes its connections when it is dropped.
#[derive(Debug)]
pub struct StandIn {
    uuid: Uuid,
    address: SocketAddr,
    group: Group,
    hang_up: watch::Sender<()>,
    task: AbortHandle,
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.task.abort();
        self.group.leave(self.uuid);
    }
}

impl StandIn {
    pub(super) async fn start(group: Group, port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let uuid = group.join(address.port());
        let hang_up = watch::Sender::new(());
        let task = tokio::spawn(accept(listener, group.clone(), uuid, hang_up.clone())).abort_handle();
        Ok(Self { uuid, address, group, hang_up, task })
    }

    /// Its identifier.
    pub fn uuid(&self) -> Uuid {
        self.uuid
    }

    /// Where it listens.
    pub fn address(&self) -> crate::connection::Address {
        crate::connection::Address::new(self.address.ip().to_string(), self.address.port())
    }

    /// Closes the connections that it has, and goes on.
    pub fn hang_up(&self) {
        self.hang_up.send_replace(());
    }
}

async fn accept(listener: TcpListener, group: Group, uuid: Uuid, hang_up: watch::Sender<()>) {
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted.map(|(stream, _)| stream),
            Some(_) = connections.join_next() => continue,
        };
        // A client that is gone before it is accepted is none.
        let Ok(stream) = stream else { continue };
        let (group, mut hang_up) = (group.clone(), hang_up.subscribe());
        connections.spawn(async move {
            tokio::select! {
                result = connection(stream, group, uuid) => if let Err(error) = result {
                    tracing::debug!(error = %error, "a connection to a simulated member ended");
                },
                _ = hang_up.changed() => {}
            }
        });
    }
}

async fn connection(stream: TcpStream, group: Group, uuid: Uuid) -> io::Result<()> {
    stream.set_nodelay(true)?;
    match group.settings().tls {
        Some(config) => Talk::new(TlsAcceptor::from(config).accept(stream).await?, group, uuid).run().await,
        None => Talk::new(stream, group, uuid).run().await,
    }
}

/// One connection.
struct Talk<S> {
    stream: S,
    group: Group,
    uuid: Uuid,
    authenticated: bool,
    /// The correlation id of the listener, and what it was told last.
    listener: Option<i64>,
}

/// Numbers fragmented messages.
static FRAGMENTED: AtomicU64 = AtomicU64::new(0);

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<S> {
    fn new(stream: S, group: Group, uuid: Uuid) -> Self {
        Self { stream, group, uuid, authenticated: false, listener: None }
    }

    async fn run(mut self) -> io::Result<()> {
        let mut prefix = [0; PROTOCOL.len()];
        self.stream.read_exact(&mut prefix).await?;
        if prefix != *PROTOCOL {
            return Err(io::Error::other("another protocol"));
        }
        let mut assembler = Assembler::new(Limits::default());
        let mut changes = self.group.changes();
        let mut buffer = [0; 4096];
        loop {
            while let Some(message) = assembler.message().map_err(io::Error::other)? {
                self.group.see(self.uuid, message.message_type());
                if !self.treat(&message).await? {
                    return Ok(());
                }
            }
            tokio::select! {
                read = self.stream.read(&mut buffer) => match read? {
                    0 => return Ok(()),
                    read => assembler.feed(buffer.get(..read).unwrap_or_default()),
                },
                news = changes.changed(), if self.listener.is_some() => {
                    news.map_err(io::Error::other)?;
                    self.tell().await?;
                }
            }
        }
    }

    /// Does what the script says; whether the connection goes on.
    async fn treat(&mut self, request: &Message) -> io::Result<bool> {
        let asked = request.message_type();
        let behaviour = self.group.state().behaviour(asked);
        let status = match behaviour {
            Behaviour::Status(status) => Some(status),
            _ => None,
        };
        match behaviour {
            Behaviour::Answer | Behaviour::Status(_) => {}
            Behaviour::Late(wait) => tokio::time::sleep(wait).await,
            Behaviour::Silent => return Ok(true),
            Behaviour::HangUp => return Ok(false),
            Behaviour::Raw(bytes) => {
                self.write(&bytes).await?;
                return Ok(true);
            }
            Behaviour::Fault(code, class, text) => {
                let fault = self.ask(request, status, |asked| asked.fault(code, class, text))?;
                self.send(&fault).await?;
                return Ok(true);
            }
            Behaviour::Cut(length) => {
                let answer = self.answer(request, status)?;
                self.write(answer.bytes().get(..length).unwrap_or(answer.bytes())).await?;
                return Ok(false);
            }
        }
        let greets = [authentication::Request::BODY, authentication_custom::Request::BODY];
        if greets.iter().any(|body| body.message_type == asked) {
            let answer = self.answer(request, status)?;
            self.authenticated |= answer.initial().payload.get(13) == Some(&0);
            self.send(&answer).await?;
            return Ok(true);
        }
        if !self.authenticated {
            let fault = self.ask(request, None, |asked| {
                asked.fault(64, "java.security.AccessControlException", "not authenticated")
            })?;
            self.send(&fault).await?;
            return Ok(false);
        }
        let answer = self.answer(request, None)?;
        self.send(&answer).await?;
        if asked == add_cluster_view_listener::Request::BODY.message_type {
            self.listener = Some(request.correlation());
            self.tell().await?;
        }
        Ok(true)
    }

    fn answer(&self, request: &Message, status: Option<u8>) -> io::Result<Message> {
        let mut state = self.group.state();
        let mut asked = Asked { state: &mut state, member: self.uuid, request, status };
        asked.answer().map_err(io::Error::other)
    }

    fn ask(
        &self,
        request: &Message,
        status: Option<u8>,
        answer: impl FnOnce(&mut Asked<'_>) -> Result<Message, crate::EncodeError>,
    ) -> io::Result<Message> {
        let mut state = self.group.state();
        answer(&mut Asked { state: &mut state, member: self.uuid, request, status }).map_err(io::Error::other)
    }

    /// Tells the listener of this connection what the cluster is like now.
    async fn tell(&mut self) -> io::Result<()> {
        let Some(correlation) = self.listener else { return Ok(()) };
        let header = Header { correlation, ..Header::default() };
        let events = {
            let state = self.group.state();
            // A member that has left tells nobody who is left.
            if state.members.iter().all(|member| member.uuid != self.uuid) {
                return Ok(());
            }
            let version = state.settings.protocol;
            let (major, minor, _) = state.settings.release;
            let members = MembersView { version: state.list_version, member_infos: state.members.clone() };
            let partitions = PartitionsView { version: state.partitions_version, partitions: state.partitions() };
            let mut events = vec![members.encode_for(version, header), partitions.encode_for(version, header)];
            if version >= ClusterVersion::BODY.since {
                let cluster = ClusterVersion { version: types::Version { major, minor } };
                events.push(cluster.encode_for(version, header));
            }
            events
        };
        for event in events {
            self.send(&event.map_err(io::Error::other)?).await?;
        }
        Ok(())
    }

    async fn send(&mut self, message: &Message) -> io::Result<()> {
        let Some(size) = self.group.settings().fragment else { return self.write(message.bytes()).await };
        for fragment in fragments(message, size, FRAGMENTED.fetch_add(1, Ordering::Relaxed)) {
            self.write(&fragment).await?;
        }
        Ok(())
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }
}
