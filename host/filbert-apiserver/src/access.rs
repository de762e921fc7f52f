//! Who may do what. The server is a stand-in: whoever comes in-process or with the kubeconfig is an administrator;
//! everybody else may do nothing but look at what the server is.

use crate::core::Core;
use crate::error::Status;
use crate::message::Call;
use crate::resource::Resource;
use crate::route::Target;

/// Refuses what the caller may not do.
pub(crate) fn check(_core: &Core, call: &Call, target: &Target, resource: &Resource, verb: &str) -> Result<(), Status> {
    if call.user.is_administrator() {
        return Ok(());
    }
    Err(forbidden(&call.user.name, target, resource, verb))
}

fn forbidden(user: &str, target: &Target, resource: &Resource, verb: &str) -> Status {
    let name = target.name.as_deref().unwrap_or_default();
    let part = target.subresource.as_ref().map(|part| format!("/{part}")).unwrap_or_default();
    let scope = match &target.namespace {
        Some(namespace) => format!("in the namespace {namespace:?}"),
        None => "at the cluster scope".to_owned(),
    };
    let why = format!(
        "User {user:?} cannot {verb} resource \"{}{part}\" in API group {:?} {scope}",
        resource.plural, resource.group
    );
    let mut status = Status::forbidden(&resource.group, &resource.plural, name, &why);
    if name.is_empty() {
        status.message = format!("{} is forbidden: {why}", crate::error::qualified(&resource.plural, &resource.group));
    }
    status
}
