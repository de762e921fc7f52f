//! Tables, as `kubectl get` shows them.

mod cells;
mod columns;

use crate::core::Core;
use crate::error::Status;
use crate::message::Query;
use crate::read::metadata_only;
use crate::resource::Resource;
use columns::Column;
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
pub(crate) fn of(core: &Core, resource: &Resource, objects: &[Value], wanted: Wanted, metadata: &Value) -> Value {
    let now = core.options.clock.now();
    let columns = columns::of(resource);
    let rows: Vec<Value> = objects
        .iter()
        .map(|object| {
            // Events of the newer group have the columns of the older one; columns of a definition are those of its version.
            let stored = resource.custom.is_none().then(|| resource.stored_form(object.clone()));
            let seen = stored.as_ref().unwrap_or(object);
            let cells: Vec<Value> = columns.iter().map(|column| cells::cell(column, seen, now)).collect();
            let mut row = json!({ "cells": cells });
            match wanted {
                Wanted::Nothing => crate::core::set(&mut row, "object", Value::Null),
                Wanted::Metadata => crate::core::set(&mut row, "object", metadata_only(object)),
                Wanted::Object => crate::core::set(&mut row, "object", object.clone()),
            }
            row
        })
        .collect();
    let definitions: Vec<Value> = columns.iter().map(Column::definition).collect();
    json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "columnDefinitions": definitions, "rows": rows,
    })
}
