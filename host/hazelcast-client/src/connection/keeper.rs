//! The task that keeps the connections to one cluster.

use super::cluster::{Links, lock};
use super::handshake::{ConnectError, Greeting, Open, open};
use super::link::{Incoming, Link, Lost, SendFuture, Terms};
use super::options::{Address, Options, Routing};
use super::view::{State, View};
use crate::table::client::add_cluster_view_listener;
use crate::wire::Payload as _;
use crate::{Message, MessageType, Uuid};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// How much later the next address is tried while the one before has not answered: longer than a member takes.
const STAGGER: Duration = Duration::from_millis(200);

/// What the keeper is told by connections and attempts.
enum Told {
    /// A round over all known addresses ended.
    Found(Result<Box<Open>, ConnectError>),
    /// An attempt to reach one member ended.
    Reached(Uuid, Result<Box<Open>, ConnectError>),
    /// Something came over a connection.
    Came(u64, Incoming),
    /// The listener was registered on a connection, or not.
    Listening(u64, bool),
}

/// The task that keeps a cluster connected. Only it changes the view and the connections.
pub(super) struct Keeper {
    options: Arc<Options>,
    client: Uuid,
    correlations: Arc<AtomicI64>,
    views: watch::Sender<View>,
    links: Links,
    tell: mpsc::Sender<Told>,
    told: mpsc::Receiver<Told>,
    jobs: JoinSet<()>,
    /// Members that are being connected to.
    connecting: BTreeSet<Uuid>,
    /// Attempts that failed in a row and when the next one is due, by member; `None` for the search for a first one.
    failures: BTreeMap<Option<Uuid>, (u32, Instant)>,
    /// The connection whose events are listened to.
    listener: Option<u64>,
    /// Whether a round over all known addresses is under way.
    searching: bool,
    /// Connections are counted, so that what an old one still says is not taken for the words of a new one.
    serial: u64,
    serials: BTreeMap<u64, (Uuid, Instant)>,
}

impl Keeper {
    pub(super) fn new(options: Options, views: watch::Sender<View>, links: Links) -> Self {
        let (tell, told) = mpsc::channel(64);
        Self {
            options: Arc::new(options),
            client: Uuid::from_u128(fastrand::u128(..)),
            correlations: Arc::new(AtomicI64::new(1)),
            views,
            links,
            tell,
            told,
            jobs: JoinSet::new(),
            connecting: BTreeSet::new(),
            failures: BTreeMap::new(),
            listener: None,
            searching: false,
            serial: 0,
            serials: BTreeMap::new(),
        }
    }

    pub(super) async fn run(mut self, close: Arc<Notify>) {
        loop {
            let next = self.begin_what_is_due();
            let told = tokio::select! {
                told = self.told.recv() => told,
                () = close.notified() => return self.close(),
                () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => continue,
                Some(_) = self.jobs.join_next() => continue,
            };
            match told {
                Some(Told::Found(result)) => {
                    self.searching = false;
                    match result {
                        Ok(open) => {
                            if !self.accept(*open) {
                                self.failed(None);
                            }
                        }
                        Err(error) => self.not_found(error),
                    }
                }
                Some(Told::Reached(uuid, result)) => {
                    self.connecting.remove(&uuid);
                    let connected = match result {
                        // Another one may listen there by now; that one is reached at the address that it tells.
                        Ok(open) => open.greeting.member == uuid && self.accept(*open),
                        Err(error) => {
                            tracing::debug!(member = %uuid, error = %error, "failed to connect to a member");
                            false
                        }
                    };
                    if !connected {
                        self.failed(Some(uuid));
                    }
                }
                Some(Told::Came(serial, Incoming::Event(event))) => self.event(serial, &event),
                Some(Told::Came(serial, Incoming::Ended(why))) => self.ended(serial, &why),
                Some(Told::Listening(serial, done)) => {
                    if !done && self.listener == Some(serial) {
                        self.drop_link(serial);
                    }
                }
                // The keeper itself holds a sender.
                None => return,
            }
        }
    }

    fn close(&mut self) {
        lock(&self.links).clear();
        self.views.send_modify(|view| {
            view.state = State::Closed;
            view.members.iter_mut().for_each(|member| member.connected = false);
        });
    }

    /// Begins every attempt whose time has come; when the next one is due.
    fn begin_what_is_due(&mut self) -> Option<Instant> {
        let now = Instant::now();
        let mut next: Option<Instant> = None;
        let mut due = |at: Option<&(u32, Instant)>| match at {
            Some((_, at)) if *at > now => {
                next = Some(next.map_or(*at, |next| next.min(*at)));
                false
            }
            _ => true,
        };
        let linked: BTreeSet<Uuid> = lock(&self.links).keys().copied().collect();
        if linked.is_empty() {
            if !self.searching && due(self.failures.get(&None)) {
                self.search();
            }
            return next;
        }
        if self.options.routing == Routing::All {
            let mut wanted = Vec::new();
            for member in &self.views.borrow().members {
                let uuid = member.uuid;
                let idle = !linked.contains(&uuid) && !self.connecting.contains(&uuid);
                if idle && due(self.failures.get(&Some(uuid))) {
                    wanted.push((uuid, member.reached_at(self.options.reach).clone()));
                }
            }
            for (uuid, address) in wanted {
                self.reach(uuid, address);
            }
        }
        if self.listener.is_none() {
            self.listen();
        }
        next
    }

    /// Tries the members known last and then the given addresses, each a little after the one before, so that addresses
    /// where nobody answers hold up none of the others. The first one that lets us in is taken.
    fn search(&mut self) {
        self.searching = true;
        let mut addresses: Vec<Address> = self
            .views
            .borrow()
            .members
            .iter()
            .map(|member| member.reached_at(self.options.reach).clone())
            .chain(self.options.addresses.iter().cloned())
            .collect();
        let mut seen = BTreeSet::new();
        addresses.retain(|address| seen.insert(address.clone()));
        let (options, client, tell) = (Arc::clone(&self.options), self.client, self.tell.clone());
        self.jobs.spawn(async move {
            let mut attempts = JoinSet::new();
            for (at, address) in (0..).zip(addresses) {
                let options = Arc::clone(&options);
                attempts.spawn(async move {
                    sleep(STAGGER * at).await;
                    open(&options, client, &address).await
                });
            }
            let nowhere = Address::new("", 0);
            let mut result = Err(ConnectError::Unknown { address: nowhere, source: None });
            while let Some(attempt) = attempts.join_next().await {
                match (attempt, &result) {
                    (Ok(Ok(open)), _) => {
                        result = Ok(Box::new(open));
                        break;
                    }
                    // What a member said tells more than that others are not reached.
                    (Ok(Err(error)), Err(before)) if error.is_answer() || !before.is_answer() => result = Err(error),
                    _ => {}
                }
            }
            // The others end here. The keeper may be gone.
            drop(attempts);
            let _: Result<_, _> = tell.send(Told::Found(result)).await;
        });
    }

    fn reach(&mut self, uuid: Uuid, address: Address) {
        self.connecting.insert(uuid);
        let (options, client, tell) = (Arc::clone(&self.options), self.client, self.tell.clone());
        self.jobs.spawn(async move {
            let result = open(&options, client, &address).await.map(Box::new);
            // The keeper may be gone.
            let _: Result<_, _> = tell.send(Told::Reached(uuid, result)).await;
        });
    }

    fn not_found(&mut self, error: ConnectError) {
        tracing::debug!(error = %error, "found no member");
        self.failed(None);
        let text = error.to_string();
        self.views.send_if_modified(|view| {
            let State::Connecting { error: before, .. } = &mut view.state else { return false };
            let new = before.as_ref().is_none_or(|before| before.to_string() != text);
            *before = Some(Arc::new(error));
            new
        });
    }

    fn failed(&mut self, what: Option<Uuid>) {
        let failures = self.failures.get(&what).map_or(0, |(failures, _)| *failures).saturating_add(1);
        let wait = self.options.backoff.after(failures, fastrand::f64());
        self.failures.insert(what, (failures, Instant::now() + wait));
    }

    /// Takes a new connection and returns true, unless it is to a member that has one or to another cluster than the others.
    fn accept(&mut self, open: Open) -> bool {
        let Open { stream, assembler, greeting } = open;
        let (member, known) = (greeting.member, self.views.borrow().cluster);
        let others = !lock(&self.links).is_empty();
        let partitions = self.views.borrow().partition_count;
        let same = known == Some(greeting.cluster) && partitions == greeting.partition_count;
        if others && !same {
            let error = ConnectError::OtherCluster { address: greeting.address };
            tracing::warn!(%member, error = %error, "a member is not connected");
            return false;
        }
        if lock(&self.links).contains_key(&member) {
            return false;
        }
        self.serial += 1;
        let (serial, tell) = (self.serial, self.tell.clone());
        let terms = Terms {
            member,
            heartbeat: self.options.timing.heartbeat,
            silence: self.options.timing.silence,
            correlations: Arc::clone(&self.correlations),
        };
        let link = Link::start(stream, assembler, terms, move |incoming| -> SendFuture {
            let tell = tell.clone();
            Box::pin(async move {
                // The keeper may be gone.
                let _: Result<_, _> = tell.send(Told::Came(serial, incoming)).await;
            })
        });
        self.serials.insert(serial, (member, Instant::now()));
        lock(&self.links).insert(member, Arc::new(link));
        self.greeted(&greeting);
        true
    }

    fn greeted(&mut self, greeting: &Greeting) {
        self.views.send_modify(|view| {
            if !view.is_connected() {
                view.state = State::Connected { since: Instant::now() };
            }
            view.greeted(greeting);
        });
        self.forget_who_left();
        self.mark();
    }

    /// Ends connections to members that are no longer in the list.
    fn forget_who_left(&mut self) {
        let view = self.views.borrow();
        if view.members.is_empty() {
            return;
        }
        let members: BTreeSet<Uuid> = view.members.iter().map(|member| member.uuid).collect();
        drop(view);
        self.failures.retain(|what, _| what.is_none_or(|uuid| members.contains(&uuid)));
        // The one that tells the list stays, also when it is not in it yet.
        let gone = |(serial, (uuid, _)): (&u64, &(Uuid, Instant))| {
            (!members.contains(uuid) && self.listener.is_some_and(|it| it != *serial)).then_some(*serial)
        };
        let gone: Vec<u64> = self.serials.iter().filter_map(gone).collect();
        for serial in gone {
            self.drop_link(serial);
        }
    }

    /// Has the view say who is connected.
    fn mark(&self) {
        let linked: BTreeSet<Uuid> = lock(&self.links).keys().copied().collect();
        self.views.send_if_modified(|view| {
            let mut changed = false;
            for member in &mut view.members {
                let connected = linked.contains(&member.uuid);
                changed |= member.connected != connected;
                member.connected = connected;
            }
            if linked.is_empty() && view.is_connected() {
                view.state = State::Connecting { since: Instant::now(), error: None };
                changed = true;
            }
            changed
        });
    }

    /// Has one connection tell what happens in the cluster.
    fn listen(&mut self) {
        let Some((serial, uuid)) = self.serials.first_key_value().map(|(serial, (uuid, _))| (*serial, *uuid)) else {
            return;
        };
        let Some(link) = lock(&self.links).get(&uuid).cloned() else { return };
        self.listener = Some(serial);
        let (tell, connect) = (self.tell.clone(), self.options.timing.connect);
        self.jobs.spawn(async move {
            let mut written = false;
            let done = match (add_cluster_view_listener::Request {}).encode() {
                Ok(request) => {
                    let answer = timeout(connect, link.request(request, &mut written)).await;
                    matches!(answer, Ok(Ok(answer)) if answer.message_type() != MessageType::ERROR)
                }
                Err(_) => false,
            };
            drop(link);
            // The keeper may be gone.
            let _: Result<_, _> = tell.send(Told::Listening(serial, done)).await;
        });
    }

    fn event(&mut self, serial: u64, event: &Message) {
        if self.listener != Some(serial) {
            return;
        }
        let mut failed = None;
        self.views.send_if_modified(|view| match view.apply(event) {
            Ok(new) => new,
            Err(error) => {
                failed = Some(error);
                false
            }
        });
        if let Some(error) = failed {
            tracing::warn!(error = %error, "a member told what cannot be read");
            self.drop_link(serial);
        }
        self.forget_who_left();
        self.mark();
    }

    fn ended(&mut self, serial: u64, why: &Lost) {
        if let Some((member, _)) = self.serials.get(&serial) {
            tracing::debug!(%member, error = %why, "a connection ended");
        }
        self.drop_link(serial);
    }

    fn drop_link(&mut self, serial: u64) {
        if self.listener == Some(serial) {
            self.listener = None;
        }
        let Some((member, since)) = self.serials.remove(&serial) else { return };
        let link = lock(&self.links).remove(&member);
        drop(link);
        // A member that takes connections and drops them at once must not be tried without rest, so only a connection
        // that lasted ends the count of failures.
        let search = self.serials.is_empty().then_some(None);
        for what in [Some(member)].into_iter().chain(search) {
            if since.elapsed() > self.options.backoff.max {
                self.failures.remove(&what);
            }
            self.failed(what);
        }
        self.mark();
    }
}
