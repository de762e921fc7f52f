//! From an address to an authenticated connection.

use super::link::Stream;
use super::options::{Address, Credentials, Options, Routing};
use crate::decode::DecodeError;
use crate::encode::EncodeError;
use crate::fault::Fault;
use crate::frame::FrameError;
use crate::message::Message;
use crate::table::client::{authentication, authentication_custom};
use crate::table::types::MemberInfo;
use crate::wire::{Bytes, Payload};
use crate::{Assembler, Uuid};
use rustls::pki_types::ServerName;
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// The bytes with which a client tells a member which protocol follows.
pub(crate) const PROTOCOL: &[u8; 3] = b"CP2";
/// The kind of client, which members only count.
const CLIENT_TYPE: &str = "FLB";
/// The release whose protocol is written.
const CLIENT_VERSION: &str = "5.7.0";

/// Why there is no connection to a member.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No address was given, or the name has none.
    #[error("`{address}` has no address")]
    Unknown {
        /// What was looked up.
        address: Address,
        /// Why, where there is more to say.
        #[source]
        source: Option<io::Error>,
    },
    /// Nothing listens there, or nothing is reached.
    #[error("failed to connect to `{address}`")]
    Unreachable {
        /// Where.
        address: Address,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is a listener, but no TLS with it: it does not talk TLS, or one side does not trust the other.
    #[error("failed to agree on TLS with `{address}`")]
    Tls {
        /// Where.
        address: Address,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Reading or writing failed before the member answered.
    #[error("the connection to `{address}` failed before authentication")]
    Io {
        /// Where.
        address: Address,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It took too long.
    #[error("`{address}` did not answer in time")]
    Timeout {
        /// Where.
        address: Address,
    },
    /// What answers is no member.
    #[error("what listens at `{address}` does not talk the client protocol")]
    Frames {
        /// Where.
        address: Address,
        /// Why.
        #[source]
        source: FrameError,
    },
    /// The answer to authentication cannot be read.
    #[error("the answer of `{address}` to authentication cannot be read")]
    Answer {
        /// Where.
        address: Address,
        /// Why.
        #[source]
        source: DecodeError,
    },
    /// The request could not be made.
    #[error("the request for authentication cannot be made")]
    Request(#[from] EncodeError),
    /// The member is of a cluster of another name.
    ///
    /// # Caveats
    ///
    /// A member that wants credentials and gets none answers the same.
    #[error("the member at `{address}` does not belong to a cluster `{cluster}` (or wants credentials)")]
    ClusterName {
        /// Where.
        address: Address,
        /// The name that was given.
        cluster: String,
    },
    /// The member refuses the credentials. One without security refuses any.
    ///
    /// # Caveats
    ///
    /// A member of a cluster of another name answers the same.
    #[error("the member at `{address}` refuses the credentials (or the cluster name `{cluster}`)")]
    Credentials {
        /// Where.
        address: Address,
        /// The name that was given.
        cluster: String,
    },
    /// The member serializes in another way.
    #[error("the member at `{address}` has another serialization version")]
    Serialization {
        /// Where.
        address: Address,
    },
    /// The cluster does not let this client in.
    #[error("the member at `{address}` does not allow this client")]
    NotAllowed {
        /// Where.
        address: Address,
    },
    /// An answer that no release known here gives.
    #[error("the member at `{address}` answers authentication with status {status}")]
    Status {
        /// Where.
        address: Address,
        /// The status.
        status: u8,
    },
    /// A member that lets the client in without saying which member of which cluster it is.
    #[error("the member at `{address}` does not say who it is")]
    Nameless {
        /// Where.
        address: Address,
    },
    /// An exception on the member.
    #[error("the member at `{address}` failed to authenticate")]
    Fault {
        /// Where.
        address: Address,
        /// Which.
        #[source]
        source: Fault,
    },
    /// The member is of another cluster than those connected before.
    #[error("the member at `{address}` belongs to another cluster than the other members")]
    OtherCluster {
        /// Where.
        address: Address,
    },
}

impl ConnectError {
    /// Whether it is what a member said, and not that none was reached.
    pub const fn is_answer(&self) -> bool {
        match self {
            Self::Answer { .. }
            | Self::ClusterName { .. }
            | Self::Credentials { .. }
            | Self::Serialization { .. }
            | Self::NotAllowed { .. }
            | Self::Status { .. }
            | Self::Nameless { .. }
            | Self::Fault { .. }
            | Self::OtherCluster { .. } => true,
            Self::Unknown { .. }
            | Self::Unreachable { .. }
            | Self::Tls { .. }
            | Self::Io { .. }
            | Self::Timeout { .. }
            | Self::Frames { .. }
            | Self::Request(_) => false,
        }
    }
}

/// What a member says about itself and its cluster when it lets a client in.
#[derive(Debug, Clone)]
pub(super) struct Greeting {
    pub address: Address,
    pub member: Uuid,
    pub member_version: String,
    pub cluster: Uuid,
    pub partition_count: i32,
    pub enterprise: bool,
    /// The list of members, where the member sends it with its greeting (5.4 and newer).
    pub members: Option<(i32, Vec<MemberInfo>)>,
}

/// A stream on which authentication is done, and what was read beyond.
pub(super) struct Open {
    pub stream: Box<dyn Stream>,
    pub assembler: Assembler,
    pub greeting: Greeting,
}

/// Connects and authenticates, in the time that the options allow for both. Any of the addresses that the host name has
/// will do.
pub(super) async fn open(options: &Options, client: Uuid, address: &Address) -> Result<Open, ConnectError> {
    let attempt = async {
        let stream = reach(options, address).await?;
        authenticate(options, client, address, stream).await
    };
    match tokio::time::timeout(options.timing.connect, attempt).await {
        Ok(result) => result,
        Err(_) => Err(ConnectError::Timeout { address: address.clone() }),
    }
}

async fn reach(options: &Options, at: &Address) -> Result<Box<dyn Stream>, ConnectError> {
    let address = || at.clone();
    let found = tokio::net::lookup_host((at.host.as_str(), at.port)).await;
    let found = found.map_err(|error| ConnectError::Unknown { address: address(), source: Some(error) })?;
    let mut result = Err(ConnectError::Unknown { address: address(), source: None });
    for socket in found {
        match TcpStream::connect(socket).await {
            Ok(stream) => {
                result = Ok(stream);
                break;
            }
            Err(source) => result = Err(ConnectError::Unreachable { address: address(), source }),
        }
    }
    let stream = result?;
    // Requests are small and are waited for.
    stream.set_nodelay(true).map_err(|source| ConnectError::Io { address: address(), source })?;
    let Some(tls) = &options.tls else { return Ok(Box::new(stream)) };
    let no_tls = |source| ConnectError::Tls { address: address(), source };
    let name = ServerName::try_from(at.host.clone()).map_err(|error| no_tls(io::Error::other(error)))?;
    let stream = TlsConnector::from(tls.config()).connect(name, stream).await.map_err(no_tls)?;
    Ok(Box::new(stream))
}

async fn authenticate(
    options: &Options,
    client: Uuid,
    at: &Address,
    mut stream: Box<dyn Stream>,
) -> Result<Open, ConnectError> {
    let address = || at.clone();
    let io = |source| ConnectError::Io { address: address(), source };
    let frames = |source| ConnectError::Frames { address: address(), source };
    let request = request(options, client)?;
    stream.write_all(PROTOCOL).await.map_err(io)?;
    stream.write_all(request.bytes()).await.map_err(io)?;
    stream.flush().await.map_err(io)?;
    let mut assembler = Assembler::new(options.limits);
    let mut buffer = [0; 4096];
    let answer = loop {
        if let Some(message) = assembler.message().map_err(frames)? {
            break message;
        }
        match stream.read(&mut buffer).await.map_err(io)? {
            0 => return Err(io(io::ErrorKind::UnexpectedEof.into())),
            read => assembler.feed(buffer.get(..read).unwrap_or_default()),
        }
    };
    let greeting = greeting(options, at, &answer)?;
    Ok(Open { stream, assembler, greeting })
}

fn request(options: &Options, client: Uuid) -> Result<Message, EncodeError> {
    let Options { cluster_name, credentials, client_name, labels, routing, .. } = options;
    let routing_mode = match routing {
        Routing::Single => 0,
        Routing::All => 1,
    };
    let custom = |credentials: &Bytes| authentication_custom::Request {
        cluster_name: cluster_name.clone(),
        credentials: credentials.clone(),
        uuid: Some(client),
        client_type: CLIENT_TYPE.to_owned(),
        serialization_version: 1,
        client_hazelcast_version: CLIENT_VERSION.to_owned(),
        client_name: client_name.clone(),
        labels: labels.clone(),
        routing_mode,
        cp_direct_to_leader_routing: false,
    };
    let (username, password) = match credentials {
        Credentials::Token(bytes) | Credentials::Custom(bytes) => return custom(bytes).encode(),
        Credentials::Password { user, password } => (Some(user.clone()), Some(password.clone())),
        Credentials::None => (None, None),
    };
    let request = authentication::Request {
        cluster_name: cluster_name.clone(),
        username,
        password,
        uuid: Some(client),
        client_type: CLIENT_TYPE.to_owned(),
        serialization_version: 1,
        client_hazelcast_version: CLIENT_VERSION.to_owned(),
        client_name: client_name.clone(),
        labels: labels.clone(),
        routing_mode,
        cp_direct_to_leader_routing: false,
    };
    request.encode()
}

fn greeting(options: &Options, at: &Address, answer: &Message) -> Result<Greeting, ConnectError> {
    let address = || at.clone();
    let cluster = || options.cluster_name.clone();
    let unreadable = |source| ConnectError::Answer { address: address(), source };
    if let Some(source) = Fault::of(answer).map_err(unreadable)? {
        return Err(ConnectError::Fault { address: address(), source });
    }
    // The answers to both ways of authentication have the same fields, but for two that may be null in one of them.
    let custom = authentication_custom::Response::BODY.message_type;
    let mut answer = answer.clone();
    if answer.message_type() == custom {
        answer.set_message_type(authentication::Response::BODY.message_type);
    }
    let answer = authentication::Response::decode(&answer).map_err(unreadable)?;
    match answer.status {
        0 => {}
        1 if options.credentials == Credentials::None => {
            return Err(ConnectError::ClusterName { address: address(), cluster: cluster() });
        }
        1 => return Err(ConnectError::Credentials { address: address(), cluster: cluster() }),
        2 => return Err(ConnectError::Serialization { address: address() }),
        3 => return Err(ConnectError::NotAllowed { address: address() }),
        status => return Err(ConnectError::Status { address: address(), status }),
    }
    let (Some(member), Some(cluster)) = (answer.member_uuid, answer.cluster_id) else {
        return Err(ConnectError::Nameless { address: address() });
    };
    let has_members = answer.member_list_version >= 0 && !answer.member_infos.is_empty();
    Ok(Greeting {
        address: address(),
        member,
        member_version: answer.server_hazelcast_version,
        cluster,
        partition_count: answer.partition_count,
        enterprise: answer.failover_supported,
        members: has_members.then_some((answer.member_list_version, answer.member_infos)),
    })
}
