//! What guests read where there is nothing to read.

use std::sync::Arc;

use filbert_engine::{Query, Read, ReadError, Reads, Scope};
use filbert_plan::object::{ObjectKey, ResourceType};
use filbert_plan::plan::Millis;

/// A cluster of Kubernetes in which there is nothing yet, at the beginning of time.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nothing;

impl Reads for Nothing {
    async fn get(&mut self, _: ObjectKey, _: Scope) -> Read<Result<Option<Arc<str>>, ReadError>> {
        Ok(Ok(None))
    }

    async fn list(&mut self, _: Query, _: Scope) -> Read<Result<Vec<Arc<str>>, ReadError>> {
        Ok(Ok(vec![]))
    }

    async fn reached(&mut self, _: Millis) -> Read<bool> {
        Ok(false)
    }

    async fn now(&mut self, _: Millis) -> Read<Millis> {
        Ok(0)
    }

    async fn kubernetes_version(&mut self) -> Read<String> {
        Ok("1.35".to_owned())
    }

    async fn serves(&mut self, _: ResourceType) -> Read<bool> {
        Ok(false)
    }

    async fn operator_namespace(&mut self) -> Read<String> {
        Ok("operators".to_owned())
    }

    async fn watches(&mut self, _: String) -> Read<bool> {
        Ok(true)
    }
}
