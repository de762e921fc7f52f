//! What the simulated members of one cluster share.

use super::member::StandIn;
use crate::connection::Credentials;
use crate::schema::Version;
use crate::table::types::{Address, EndpointQualifier, MemberInfo, MemberVersion};
use crate::{MessageType, Uuid};
use rustls::ServerConfig;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{fmt, io};
use tokio::sync::watch;

/// How many requests are remembered at most. A demonstration may run for days.
const KEPT: usize = 10_000;

/// What a member does with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Behaviour {
    /// Answers as members do.
    Answer,
    /// Answers so much later. Other requests on the connection wait.
    Late(Duration),
    /// Never answers.
    Silent,
    /// Answers with an exception of this number, class and text.
    Fault(i32, &'static str, &'static str),
    /// Answers authentication with this status.
    Status(u8),
    /// Closes the connection in place of an answer.
    HangUp,
    /// Closes the connection after so many bytes of the answer.
    Cut(usize),
    /// Sends these bytes in place of an answer.
    Raw(Vec<u8>),
}

/// What the cluster is like.
#[derive(Clone)]
pub struct Settings {
    /// Its name.
    pub name: String,
    /// What a client must give, exactly.
    pub credentials: Credentials,
    /// Its identifier.
    pub cluster: Uuid,
    /// How many partitions it has.
    pub partition_count: i32,
    /// The release that its members say they are.
    pub release: (u8, u8, u8),
    /// The version of the protocol that they write.
    pub protocol: Version,
    /// Whether they say that they are of the enterprise edition.
    pub enterprise: bool,
    /// The cluster state, which `MC.changeClusterState` changes.
    pub state: u8,
    /// Answers longer than this come in fragments.
    pub fragment: Option<usize>,
    /// Members say that they are at an address where nothing listens, and give their true one as the public one.
    pub behind_nat: bool,
    /// Members talk TLS.
    pub tls: Option<Arc<ServerConfig>>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("name", &self.name).field("cluster", &self.cluster).finish_non_exhaustive()
    }
}

/// A request that a member received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Which member.
    pub member: Uuid,
    /// Which message.
    pub message_type: MessageType,
}

pub(super) struct State {
    pub settings: Settings,
    pub members: Vec<MemberInfo>,
    pub list_version: i32,
    pub partitions_version: i32,
    once: BTreeMap<MessageType, VecDeque<Behaviour>>,
    always: BTreeMap<MessageType, Behaviour>,
    started: u64,
}

impl State {
    pub(super) fn behaviour(&mut self, message_type: MessageType) -> Behaviour {
        let once = self.once.get_mut(&message_type).and_then(VecDeque::pop_front);
        once.or_else(|| self.always.get(&message_type).cloned()).unwrap_or(Behaviour::Answer)
    }

    /// Who owns which partition: members in turns.
    pub(super) fn partitions(&self) -> Vec<(Uuid, Vec<i32>)> {
        let count = i32::try_from(self.members.len()).unwrap_or(i32::MAX);
        let of = |(at, member): (i32, &MemberInfo)| {
            let owned = (0..self.settings.partition_count).filter(|id| id.checked_rem(count) == Some(at));
            (member.uuid, owned.collect())
        };
        (0..).zip(&self.members).map(of).collect()
    }
}

struct Shared {
    state: Mutex<State>,
    /// Counts changes of the list of members.
    changes: watch::Sender<u64>,
    seen: watch::Sender<Vec<Seen>>,
}

/// A simulated cluster. Members join it when they start and leave it when they stop.
#[derive(Clone)]
pub struct Group {
    shared: Arc<Shared>,
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").field("settings", &self.state().settings).finish_non_exhaustive()
    }
}

impl Group {
    /// A cluster of this name, without members.
    pub fn new(name: impl Into<String>) -> Self {
        let settings = Settings {
            name: name.into(),
            credentials: Credentials::None,
            cluster: Uuid::from_u128(fastrand::u128(..)),
            partition_count: 271,
            release: (5, 7, 0),
            protocol: Version::NEWEST,
            enterprise: false,
            state: 0,
            fragment: None,
            behind_nat: false,
            tls: None,
        };
        let state = State {
            settings,
            members: Vec::new(),
            list_version: 0,
            partitions_version: 0,
            once: BTreeMap::new(),
            always: BTreeMap::new(),
            started: 0,
        };
        let shared =
            Shared { state: Mutex::new(state), changes: watch::Sender::new(0), seen: watch::Sender::new(Vec::new()) };
        Self { shared: Arc::new(shared) }
    }

    /// Changes what the cluster is like, for what comes after.
    pub fn set(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.state().settings);
    }

    /// What the cluster is like now.
    pub fn settings(&self) -> Settings {
        self.state().settings.clone()
    }

    /// Has the next requests of a type be treated so, one after the other.
    pub fn next(&self, message_type: MessageType, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.state().once.entry(message_type).or_default().extend(behaviours);
    }

    /// Has all requests of a type be treated so from now on.
    pub fn always(&self, message_type: MessageType, behaviour: Behaviour) {
        self.state().always.insert(message_type, behaviour);
    }

    /// The requests that members received (the last ones, of very many), in order, now and whenever there is one more.
    pub fn seen(&self) -> watch::Receiver<Vec<Seen>> {
        self.shared.seen.subscribe()
    }

    /// How many requests of a type members received.
    pub fn count(&self, message_type: MessageType) -> usize {
        self.shared.seen.borrow().iter().filter(|seen| seen.message_type == message_type).count()
    }

    /// Starts a member on a loopback port of its own choice.
    pub async fn start(&self) -> io::Result<StandIn> {
        StandIn::start(self.clone(), 0).await
    }

    /// Starts a member on this loopback port.
    pub async fn start_at(&self, port: u16) -> io::Result<StandIn> {
        StandIn::start(self.clone(), port).await
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // A panic of a test that holds the lock is told by that test.
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changes.subscribe()
    }

    pub(super) fn see(&self, member: Uuid, message_type: MessageType) {
        self.shared.seen.send_modify(|seen| {
            if seen.len() >= KEPT {
                seen.drain(..KEPT / 2);
            }
            seen.push(Seen { member, message_type });
        });
    }

    pub(super) fn join(&self, port: u16) -> Uuid {
        let uuid = {
            let mut state = self.state();
            state.started += 1;
            let uuid = Uuid { high: state.started, low: fastrand::u64(..) };
            let address = Address { host: "127.0.0.1".to_owned(), port: i32::from(port) };
            let public = EndpointQualifier { kind: 1, identifier: Some("public".to_owned()) };
            let (major, minor, patch) = state.settings.release;
            let (address, address_map) = if state.settings.behind_nat {
                // A port that no listener is given.
                (Address { port: 1, ..address.clone() }, vec![(public, address)])
            } else {
                (address, Vec::new())
            };
            state.members.push(MemberInfo {
                uuid,
                lite_member: false,
                address,
                attributes: Vec::new(),
                version: MemberVersion { major, minor, patch },
                address_map,
            });
            uuid
        };
        self.changed();
        uuid
    }

    pub(super) fn leave(&self, uuid: Uuid) {
        self.state().members.retain(|member| member.uuid != uuid);
        self.changed();
    }

    fn changed(&self) {
        {
            let mut state = self.state();
            state.list_version += 1;
            state.partitions_version += 1;
        }
        self.shared.changes.send_modify(|changes| *changes += 1);
    }
}
