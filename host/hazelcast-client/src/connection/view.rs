//! What is known of a cluster.

use super::handshake::{ConnectError, Greeting};
use super::options::{Address, Reach};
use crate::decode::DecodeError;
use crate::table::client::add_cluster_view_listener::{ClusterVersion, MembersView, PartitionsView};
use crate::table::types::{self, MemberInfo};
use crate::{Message, Payload, Uuid};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::time::Instant;

/// Whether a cluster is connected.
#[derive(Debug, Clone)]
pub enum State {
    /// No member is connected. What else the view says is what was known before.
    Connecting {
        /// Since when.
        since: Instant,
        /// Why the last round of attempts failed; `None` while the first one is under way.
        error: Option<Arc<ConnectError>>,
    },
    /// At least one member is connected.
    Connected {
        /// Since when.
        since: Instant,
    },
    /// Nobody uses the cluster any more.
    Closed,
}

/// A member of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its identifier, new with every start.
    pub uuid: Uuid,
    /// Where the other members reach it; with endpoints of their own, where clients do.
    pub address: Address,
    /// Where it is reached from outside, where it says so.
    pub public_address: Option<Address>,
    /// Its release.
    pub version: (u8, u8, u8),
    /// Whether it holds no data.
    pub lite: bool,
    /// Its attributes.
    pub attributes: BTreeMap<String, String>,
    /// Whether we have a connection to it. With [`Routing::Single`](super::Routing::Single) that is one at most.
    pub connected: bool,
}

impl Member {
    /// Where to reach it.
    pub fn reached_at(&self, reach: Reach) -> &Address {
        match (reach, &self.public_address) {
            (Reach::Public, Some(address)) => address,
            _ => &self.address,
        }
    }
}

/// Who owns which partition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Partitions {
    /// Counted up by the cluster.
    pub version: i32,
    /// By the partition's number.
    pub owners: BTreeMap<i32, Uuid>,
}

/// What is known of a cluster.
#[derive(Debug, Clone)]
pub struct View {
    /// Whether it is connected.
    pub state: State,
    /// The cluster's identifier, new when it is started from nothing.
    pub cluster: Option<Uuid>,
    /// The version of the list of members, counted up by the cluster.
    pub list_version: Option<i32>,
    /// The members in the order in which they joined; the first is the master.
    pub members: Vec<Member>,
    /// How many partitions the cluster has; 0 before the first connection.
    pub partition_count: i32,
    /// Who owns which, once the members have spread them: not before the first data.
    pub partitions: Option<Partitions>,
    /// The version that the cluster agreed on, as members of 5.5 and newer tell.
    pub cluster_version: Option<(u8, u8)>,
    /// The release of the member that was asked first.
    pub member_version: Option<String>,
    /// Whether members are of the enterprise edition.
    pub enterprise: bool,
}

impl View {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            state: State::Connecting { since: now, error: None },
            cluster: None,
            list_version: None,
            members: Vec::new(),
            partition_count: 0,
            partitions: None,
            cluster_version: None,
            member_version: None,
            enterprise: false,
        }
    }

    /// The member of this identifier.
    pub fn member(&self, uuid: Uuid) -> Option<&Member> {
        self.members.iter().find(|member| member.uuid == uuid)
    }

    /// Whether a member is connected.
    pub fn is_connected(&self) -> bool {
        matches!(self.state, State::Connected { .. })
    }

    /// Takes in what a member said when it let us in. A cluster with another identifier begins a new view.
    pub(super) fn greeted(&mut self, greeting: &Greeting) {
        if self.cluster != Some(greeting.cluster) {
            let state = self.state.clone();
            *self = Self { state, cluster: Some(greeting.cluster), ..Self::new(Instant::now()) };
        }
        self.partition_count = greeting.partition_count;
        self.member_version = Some(greeting.member_version.clone());
        self.enterprise = greeting.enterprise;
        if let Some((version, members)) = &greeting.members {
            self.list(*version, members);
        }
    }

    /// Takes in an event of the listener; whether it said something new.
    pub(super) fn apply(&mut self, event: &Message) -> Result<bool, DecodeError> {
        let kind = event.message_type();
        if kind == MembersView::BODY.message_type {
            let MembersView { version, member_infos } = MembersView::decode(event)?;
            Ok(self.list(version, &member_infos))
        } else if kind == PartitionsView::BODY.message_type {
            let PartitionsView { version, partitions } = PartitionsView::decode(event)?;
            let newer = self.partitions.as_ref().is_none_or(|known| known.version < version);
            if newer {
                let owned = partitions.into_iter().flat_map(|(owner, ids)| ids.into_iter().map(move |id| (id, owner)));
                self.partitions = Some(Partitions { version, owners: owned.collect() });
            }
            Ok(newer)
        } else if kind == ClusterVersion::BODY.message_type {
            let types::Version { major, minor } = ClusterVersion::decode(event)?.version;
            Ok(self.cluster_version.replace((major, minor)) != Some((major, minor)))
        } else {
            Ok(false)
        }
    }

    fn list(&mut self, version: i32, members: &[MemberInfo]) -> bool {
        // The member that tells the list is in it, so an empty one says nothing.
        if members.is_empty() || self.list_version.is_some_and(|known| known >= version) {
            return false;
        }
        let connected: BTreeSet<Uuid> =
            self.members.iter().filter(|member| member.connected).map(|member| member.uuid).collect();
        self.list_version = Some(version);
        self.members = members.iter().map(|info| member(info, connected.contains(&info.uuid))).collect();
        true
    }
}

fn address(of: &types::Address) -> Address {
    Address::new(of.host.clone(), u16::try_from(of.port).unwrap_or(0))
}

fn member(info: &MemberInfo, connected: bool) -> Member {
    const CLIENT: i32 = 1;
    let is_public = |of: &types::EndpointQualifier| of.kind == CLIENT && of.identifier.as_deref() == Some("public");
    let public = info.address_map.iter().find(|(of, _)| is_public(of));
    Member {
        uuid: info.uuid,
        address: address(&info.address),
        public_address: public.map(|(_, it)| address(it)),
        version: (info.version.major, info.version.minor, info.version.patch),
        lite: info.lite_member,
        attributes: info.attributes.iter().cloned().collect(),
        connected,
    }
}
