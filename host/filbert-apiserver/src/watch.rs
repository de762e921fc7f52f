//! Watches: the changes of a collection as a stream of JSON lines.
//!
//! A watch has a position in the collection's history and reads on from there whenever something changed, so a slow client
//! holds up nobody and loses nothing; when the history has moved past it, it is told so with `410 Expired`.

use crate::core::Core;
use crate::error::Status;
use crate::message::{Call, Reply, ReplyBody};
use crate::negotiate::{self, Form, Shape};
use crate::read::{self, Selection};
use crate::resource::Resource;
use crate::store::{Change, Forgotten, Stored};
use crate::table;
use bytes::Bytes;
use http::header;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Changes sent in one piece.
const BATCH: usize = 256;
/// How often a watch that wants bookmarks gets one while nothing happens.
const BOOKMARK_EVERY: Duration = Duration::from_mins(1);
/// How long a watch lasts when the client does not say.
const LONGEST: Duration = Duration::from_mins(45);

struct Watching {
    core: Arc<Core>,
    resource: Arc<Resource>,
    selection: Selection,
    form: Form,
    wanted: table::Wanted,
    bookmarks: bool,
    /// Everything up to here has been sent.
    position: u64,
    changes: tokio::sync::watch::Receiver<u64>,
    end: Instant,
    next_bookmark: Instant,
    ended: bool,
    /// The lines to begin with, until they are sent.
    first: Vec<u8>,
    described: bool,
}

/// A watch of a collection, or of the one object of it that has `name`.
pub(crate) fn watch(
    core: &Arc<Core>,
    resource: &Arc<Resource>,
    namespace: Option<&str>,
    name: Option<&str>,
    call: &Call,
) -> Result<Reply, Status> {
    let form = negotiate::choose(call.header(header::ACCEPT))?;
    let mut selection = Selection::parse(resource, namespace, &call.query)?;
    selection.name = name.map(str::to_owned);
    read::check_match(&call.query, true)?;
    // Where a list is refused as a bad request, a watch is an error of the server.
    let version = read::resource_version(&call.query)
        .map_err(|status| Status::new(500, "", status.message.trim_start_matches(read::INVALID_VERSION)))?;
    let seconds = read::integer(&call.query, "timeoutSeconds")?.and_then(|seconds| u64::try_from(seconds).ok());
    let length = seconds.filter(|seconds| *seconds > 0).map_or(LONGEST, Duration::from_secs);
    let now = Instant::now();
    // Subscribed before anything is read: a change in between wakes the watch once too often, never once too little.
    let changes = core.store.changes(&resource.collection);
    let mut watching = Watching {
        core: core.clone(),
        resource: resource.clone(),
        wanted: table::Wanted::parse(&call.query)?,
        bookmarks: call.query.is_true("allowWatchBookmarks"),
        position: 0,
        changes,
        end: now + length,
        next_bookmark: now + BOOKMARK_EVERY,
        ended: false,
        first: Vec::new(),
        described: false,
        selection,
        form,
    };
    let initial = call.query.get("sendInitialEvents").map(|_| call.query.is_true("sendInitialEvents"));
    let everything = initial.unwrap_or(matches!(version, None | Some(0)));
    if everything {
        let page = core.store.list(&resource.collection, watching.selection.namespace.as_deref(), None);
        let mut first = Vec::new();
        for object in &page.objects {
            if watching.selection.takes(object) {
                watching.event(&mut first, "ADDED", object, None);
            }
        }
        watching.position = page.revision;
        if initial == Some(true) && watching.bookmarks {
            watching.bookmark(&mut first, true);
        }
        watching.first = first;
    } else {
        watching.position = match version {
            None | Some(0) => core.store.revision(),
            Some(version) => version,
        };
    }
    let stream = futures::stream::unfold(watching, |mut watching| async move {
        let bytes = watching.next().await?;
        Some((Bytes::from(bytes), watching))
    });
    Ok(Reply::new(200, "application/json", ReplyBody::stream(stream)))
}

impl Watching {
    /// The next lines; `None` at the end.
    async fn next(&mut self) -> Option<Vec<u8>> {
        if !self.first.is_empty() {
            return Some(std::mem::take(&mut self.first));
        }
        loop {
            if self.ended {
                return None;
            }
            let mut lines = Vec::new();
            // Seen before reading, so that a change after the reading wakes us again.
            self.changes.borrow_and_update();
            match self.core.store.since(&self.resource.collection, self.position, BATCH) {
                Err(Forgotten) => {
                    self.ended = true;
                    self.expired(&mut lines);
                    return Some(lines);
                }
                Ok((changes, complete)) => {
                    for change in &changes {
                        self.change(&mut lines, change);
                    }
                    // A position in the future stays there: what comes before it is not wanted.
                    self.position = self.position.max(complete);
                    if !lines.is_empty() {
                        return Some(lines);
                    }
                    if changes.len() == BATCH {
                        continue;
                    }
                }
            }
            if !self.is_served() {
                return None;
            }
            tokio::select! {
                changed = self.changes.changed() => {
                    if changed.is_err() {
                        return None;
                    }
                }
                () = tokio::time::sleep_until(self.end) => {
                    self.ended = true;
                    return None;
                }
                () = tokio::time::sleep_until(self.next_bookmark), if self.bookmarks => {
                    self.next_bookmark = Instant::now() + BOOKMARK_EVERY;
                    self.bookmark(&mut lines, false);
                    return Some(lines);
                }
            }
        }
    }

    /// Whether the resource still exists: a removed definition ends its watches.
    fn is_served(&self) -> bool {
        self.resource.custom.is_none()
            || self.core.registry().find(&self.resource.group, &self.resource.version, &self.resource.plural).is_some()
    }

    fn change(&mut self, lines: &mut Vec<u8>, change: &Change) {
        let before = change.before.as_ref().is_some_and(|before| self.selection.takes(before));
        if change.deleted {
            if before {
                self.event(lines, "DELETED", &change.object, None);
            }
            return;
        }
        match (before, self.selection.takes(&change.object)) {
            (false, false) => {}
            (false, true) => self.event(lines, "ADDED", &change.object, None),
            (true, true) => self.event(lines, "MODIFIED", &change.object, None),
            (true, false) => {
                // It left the selection: the client sees it as it was, at the revision of the change.
                if let Some(before) = &change.before {
                    self.event(lines, "DELETED", before, Some(change.revision));
                }
            }
        }
    }

    fn event(&mut self, lines: &mut Vec<u8>, kind: &str, object: &Stored, revision: Option<u64>) {
        lines.extend_from_slice(b"{\"type\":\"");
        lines.extend_from_slice(kind.as_bytes());
        lines.extend_from_slice(b"\",\"object\":");
        if self.form.shape == Shape::Object && revision.is_none() {
            lines.extend_from_slice(&self.resource.json(object));
        } else {
            let mut view = self.resource.view(object);
            if let (Some(revision), Some(metadata)) = (revision, view.get_mut("metadata")) {
                crate::core::set(metadata, "resourceVersion", revision.to_string().into());
            }
            lines.extend_from_slice(self.shaped(&view).to_string().as_bytes());
        }
        lines.extend_from_slice(b"}\n");
    }

    fn shaped(&mut self, view: &Value) -> Value {
        match self.form.shape {
            Shape::Object => view.clone(),
            Shape::Metadata | Shape::MetadataList => read::metadata_only(view),
            Shape::Table => {
                let metadata = json!({ "resourceVersion": view.pointer("/metadata/resourceVersion") });
                let mut table =
                    table::of(&self.core, &self.resource, std::slice::from_ref(view), self.wanted, &metadata);
                // Only the first event describes the columns.
                if std::mem::replace(&mut self.described, true) {
                    crate::core::set(&mut table, "columnDefinitions", Value::Null);
                }
                table
            }
        }
    }

    fn bookmark(&mut self, lines: &mut Vec<u8>, initial_events_end: bool) {
        let mut metadata = json!({ "resourceVersion": self.position.to_string() });
        if initial_events_end {
            crate::core::set(&mut metadata, "annotations", json!({ "k8s.io/initial-events-end": "true" }));
        }
        let (kind, version) = match self.form.shape {
            Shape::Metadata => ("PartialObjectMetadata".to_owned(), "meta.k8s.io/v1".to_owned()),
            _ => (self.resource.kind.clone(), self.resource.api_version()),
        };
        let object = json!({ "kind": kind, "apiVersion": version, "metadata": metadata });
        let line = json!({ "type": "BOOKMARK", "object": object });
        lines.extend_from_slice(line.to_string().as_bytes());
        lines.push(b'\n');
    }

    fn expired(&self, lines: &mut Vec<u8>) {
        let now = self.core.store.revision();
        let status = Status::expired(format!("too old resource version: {} ({now})", self.position));
        let line = json!({ "type": "ERROR", "object": status.to_value() });
        lines.extend_from_slice(line.to_string().as_bytes());
        lines.push(b'\n');
    }
}
