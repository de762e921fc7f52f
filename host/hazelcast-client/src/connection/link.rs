//! One authenticated connection to one member: requests out, answers and events in, and a sign of life.

use crate::frame::FrameError;
use crate::message::{Message, MessageType};
use crate::table::client::ping;
use crate::wire::Payload;
use crate::{Assembler, Uuid};
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::timeout;

/// A TCP or TLS stream.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Why a connection ended.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Lost {
    /// The member closed it.
    #[error("the member closed the connection")]
    Closed,
    /// The member closed it inside a message.
    #[error("the member closed the connection inside a message")]
    Cut,
    /// Reading or writing failed.
    #[error("the connection failed: {0}")]
    Io(Arc<io::Error>),
    /// Nothing came for too long, not even the answer to a ping.
    #[error("the member was silent for {0:?}")]
    Silent(Duration),
    /// The member sent what is no message.
    #[error("the member sent what is no message: {0}")]
    Frames(#[from] FrameError),
    /// We closed it: the member left the list, or nobody uses the cluster any more.
    #[error("the connection was closed by us")]
    Ended,
}

/// A request that was not answered on this connection.
#[derive(Debug, Clone)]
pub(super) struct Unanswered {
    /// Whether bytes of it may have reached the member.
    pub written: bool,
    pub why: Lost,
}

/// What comes from a connection besides answers.
#[derive(Debug)]
pub(super) enum Incoming {
    Event(Message),
    Ended(Lost),
}

struct Waiter {
    answer: oneshot::Sender<Result<Message, Unanswered>>,
    written: bool,
}

#[derive(Default)]
struct Pending {
    waiting: BTreeMap<i64, Waiter>,
    ended: Option<Lost>,
}

/// What both tasks of a connection and its users share.
#[derive(Default)]
struct Shared {
    pending: Mutex<Pending>,
}

impl Shared {
    fn pending(&self) -> MutexGuard<'_, Pending> {
        // Nothing that holds the lock can leave the table half changed.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fails everyone who waits, and all who come later.
    fn end(&self, why: &Lost) -> bool {
        let mut pending = self.pending();
        if pending.ended.is_some() {
            return false;
        }
        pending.ended = Some(why.clone());
        for (_, waiter) in std::mem::take(&mut pending.waiting) {
            // One who has stopped waiting needs no answer.
            let _: Result<_, _> = waiter.answer.send(Err(Unanswered { written: waiter.written, why: why.clone() }));
        }
        true
    }
}

/// A connection; ends when it is dropped.
pub(super) struct Link {
    pub member: Uuid,
    shared: Arc<Shared>,
    out: mpsc::Sender<(i64, Message)>,
    correlations: Arc<AtomicI64>,
    tasks: [AbortHandle; 2],
}

impl Drop for Link {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
        self.shared.end(&Lost::Ended);
    }
}

/// What a link needs to know.
pub(super) struct Terms {
    pub member: Uuid,
    pub heartbeat: Duration,
    pub silence: Duration,
    pub correlations: Arc<AtomicI64>,
}

/// Takes a request out of the table when its caller stops waiting, so that it is not written when it was not yet.
struct Forget<'a> {
    shared: &'a Shared,
    correlation: i64,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.shared.pending().waiting.remove(&self.correlation);
    }
}

impl Link {
    /// Over `stream`, on which authentication is done; `assembler` has what was read beyond that. What comes from the
    /// connection is told through `incoming`, its end exactly once.
    pub(super) fn start(
        stream: Box<dyn Stream>,
        assembler: Assembler,
        terms: Terms,
        incoming: impl Fn(Incoming) -> SendFuture + Send + Sync + 'static,
    ) -> Self {
        let Terms { member, heartbeat, silence, correlations } = terms;
        let (reader, writer) = tokio::io::split(stream);
        let shared = Arc::new(Shared::default());
        let (out, queue) = mpsc::channel(16);
        let incoming = Arc::new(incoming);
        let reading = {
            let (shared, incoming) = (Arc::clone(&shared), Arc::clone(&incoming));
            tokio::spawn(async move {
                let why = read(reader, assembler, &shared, silence, &*incoming).await;
                if shared.end(&why) {
                    incoming(Incoming::Ended(why)).await;
                }
            })
        };
        let writing = {
            let (shared, correlations) = (Arc::clone(&shared), Arc::clone(&correlations));
            tokio::spawn(async move {
                if let Err(error) = write(writer, queue, &shared, heartbeat, &correlations).await {
                    let why = Lost::Io(Arc::new(error));
                    if shared.end(&why) {
                        incoming(Incoming::Ended(why)).await;
                    }
                }
            })
        };
        Self { member, shared, out, correlations, tasks: [reading.abort_handle(), writing.abort_handle()] }
    }

    /// Sends `message` under a new correlation id and waits for its answer, without a deadline of its own.
    ///
    /// `written` becomes true before the first byte may go out. When the future is dropped before, the message is never
    /// sent.
    pub(super) async fn request(&self, mut message: Message, written: &mut bool) -> Result<Message, Unanswered> {
        let correlation = self.correlations.fetch_add(1, Ordering::Relaxed);
        message.set_correlation(correlation);
        let (answer, mut answered) = oneshot::channel();
        {
            let mut pending = self.shared.pending();
            if let Some(why) = &pending.ended {
                return Err(Unanswered { written: false, why: why.clone() });
            }
            pending.waiting.insert(correlation, Waiter { answer, written: false });
        }
        let _forget = Forget { shared: &self.shared, correlation };
        let watch = Watch { shared: &self.shared, correlation, written };
        if self.out.send((correlation, message)).await.is_err() {
            // The writing task ended; whoever ended it has answered or is about to.
            self.shared.end(&Lost::Ended);
        }
        let result = (&mut answered).await;
        drop(watch);
        result.unwrap_or(Err(Unanswered { written: true, why: Lost::Ended }))
    }

    /// A correlation id that listeners of this connection can be told by.
    pub(super) fn ended(&self) -> bool {
        self.shared.pending().ended.is_some()
    }
}

/// Tells its caller, however the wait ends, whether bytes may have gone out.
struct Watch<'a> {
    shared: &'a Shared,
    correlation: i64,
    written: &'a mut bool,
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        let pending = self.shared.pending();
        // Out of the table means answered, which the answer itself tells about.
        *self.written = pending.waiting.get(&self.correlation).is_none_or(|waiter| waiter.written);
    }
}

/// What [`Link::start`] is given to tell things with.
pub(super) type SendFuture = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

async fn read(
    mut reader: ReadHalf<Box<dyn Stream>>,
    mut assembler: Assembler,
    shared: &Shared,
    silence: Duration,
    incoming: &(impl Fn(Incoming) -> SendFuture + Sync),
) -> Lost {
    let mut buffer = vec![0; 16 << 10];
    loop {
        loop {
            match assembler.message() {
                Ok(Some(message)) if message.is_event() => incoming(Incoming::Event(message)).await,
                Ok(Some(message)) => {
                    let waiter = shared.pending().waiting.remove(&message.correlation());
                    match waiter {
                        Some(waiter) => {
                            // One who has stopped waiting needs no answer.
                            let _: Result<_, _> = waiter.answer.send(Ok(message));
                        }
                        None if message.message_type() == ping::Response.message_type => {}
                        None => tracing::debug!(?message, "an answer that nobody waits for"),
                    }
                }
                Ok(None) => break,
                Err(error) => return error.into(),
            }
        }
        match timeout(silence, reader.read(&mut buffer)).await {
            Ok(Ok(0)) if assembler.is_inside_message() => return Lost::Cut,
            Ok(Ok(0)) => return Lost::Closed,
            Ok(Ok(read)) => assembler.feed(buffer.get(..read).unwrap_or_default()),
            Ok(Err(error)) => return Lost::Io(Arc::new(error)),
            Err(_) => return Lost::Silent(silence),
        }
    }
}

async fn write(
    mut writer: WriteHalf<Box<dyn Stream>>,
    mut queue: mpsc::Receiver<(i64, Message)>,
    shared: &Shared,
    heartbeat: Duration,
    correlations: &AtomicI64,
) -> io::Result<()> {
    let ping = ping::Request {}.encode().map_err(io::Error::other)?;
    loop {
        let message = match timeout(heartbeat, queue.recv()).await {
            Ok(None) => return Ok(()),
            Ok(Some((correlation, message))) => match shared.pending().waiting.get_mut(&correlation) {
                Some(waiter) => {
                    waiter.written = true;
                    message
                }
                // Given up before it was sent.
                None => continue,
            },
            Err(_) => {
                let mut ping = ping.clone();
                ping.set_correlation(correlations.fetch_add(1, Ordering::Relaxed));
                ping
            }
        };
        writer.write_all(message.bytes()).await?;
        writer.flush().await?;
    }
}

/// Whether `answer` is one to `request`.
pub(super) fn answers(answer: &Message, request: &Message) -> bool {
    let found = answer.message_type();
    found == MessageType::ERROR || found == request.message_type().response()
}
