//! Tables, as `kubectl get` shows them.

use crate::core::Core;
use crate::error::Status;
use crate::message::Query;
use crate::read::metadata_only;
use crate::resource::Resource;
use serde_json::{Value, json};

/// What of the objects goes along with the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Nothing,
    Metadata,
    Object,
}

impl Wanted {
    pub(crate) fn parse(query: &Query) -> Result<Self, Status> {
        match query.get("includeObject") {
            None | Some("Metadata") => Ok(Self::Metadata),
            Some("None") => Ok(Self::Nothing),
            Some("Object") => Ok(Self::Object),
            Some(other) => Err(Status::bad_request(format!("unrecognized includeObject value: {other:?}"))),
        }
    }
}

/// The table of these objects; `metadata` is the list's.
pub(crate) fn of(core: &Core, _resource: &Resource, objects: &[Value], wanted: &Wanted, metadata: Value) -> Value {
    let _ = core;
    let columns = json!([
        { "name": "Name", "type": "string", "format": "name", "description": "", "priority": 0 },
        { "name": "Created At", "type": "date", "format": "", "description": "", "priority": 0 },
    ]);
    let rows: Vec<Value> = objects
        .iter()
        .map(|object| {
            let cells = json!([object.pointer("/metadata/name"), object.pointer("/metadata/creationTimestamp")]);
            match wanted {
                Wanted::Nothing => json!({ "cells": cells }),
                Wanted::Metadata => json!({ "cells": cells, "object": metadata_only(object) }),
                Wanted::Object => json!({ "cells": cells, "object": object }),
            }
        })
        .collect();
    json!({ "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "columnDefinitions": columns, "rows": rows })
}
