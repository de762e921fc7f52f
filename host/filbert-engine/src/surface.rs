//! What a component imports and exports, and the refusal, by name, of what this host does not have.

use std::fmt;

use serde::{Deserialize, Serialize};
use wasmtime::Engine;
use wasmtime::component::Component;
use wasmtime::component::types::{ComponentInstance, ComponentItem};

use crate::contract::{IMPORTS, PACKAGE, VERSION};
use crate::inspect::Outside;

/// A role that a component may have, which is an interface that it may export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It says what it is.
    Module,
    /// It defaults objects.
    Defaulting,
    /// It validates objects.
    Validation,
    /// It takes steps.
    Step,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Module, Self::Defaulting, Self::Validation, Self::Step];

    /// The interface's name in the contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Module => "module",
            Self::Defaulting => "defaulting",
            Self::Validation => "validation",
            Self::Step => "step",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// All that a component imports and exports, in its own order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Surface {
    /// What it may call.
    pub imports: Vec<Interface>,
    /// What it can be called for.
    pub exports: Vec<Interface>,
}

/// One interface and the functions of it that a component has or uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    /// `filbert:operator/objects@0.1.0`.
    pub name: String,
    /// `get`; empty for an interface of types only.
    pub functions: Vec<String>,
}

impl fmt::Display for Interface {
    /// `filbert:operator/objects@0.1.0 {get, list}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {{{}}}", self.name, self.functions.join(", "))
    }
}

impl fmt::Display for Surface {
    /// A line for each interface.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.imports.iter().try_for_each(|interface| writeln!(f, "import {interface}"))?;
        self.exports.iter().try_for_each(|interface| writeln!(f, "export {interface}"))
    }
}

/// Why a component is not for this host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Of another package, or no interface at all.
    #[error("{side} `{name}` is not offered by this host")]
    Foreign {
        /// `import`.
        side: &'static str,
        /// As the component spells it.
        name: String,
    },
    /// Of a contract version that this host does not speak.
    #[error("{side} `{name}` is of contract {version}; this host speaks {}.{}.x", VERSION.major, VERSION.minor)]
    OtherVersion {
        /// `import`.
        side: &'static str,
        /// As the component spells it.
        name: String,
        /// What follows the `@`.
        version: String,
    },
    /// In our package, but unknown.
    #[error("{side} `{name}` is unknown to this host (contract {VERSION})")]
    Unknown {
        /// `import`.
        side: &'static str,
        /// As the component spells it.
        name: String,
    },
    /// It has nothing that the host could call.
    #[error("it exports none of `module`, `defaulting`, `validation`, `step` of `{PACKAGE}`")]
    NoRole,
}

/// Checks the names of all imports and exports, before anything is compiled.
pub(crate) fn check_names(outside: &Outside) -> Result<(), Refusal> {
    outside.imports.iter().try_for_each(|name| import(name))?;
    let roles = outside.exports.iter().filter_map(|name| export(name).transpose());
    if roles.collect::<Result<Vec<_>, _>>()?.is_empty() { Err(Refusal::NoRole) } else { Ok(()) }
}

/// What the component imports and exports, and its roles, sorted.
pub(crate) fn check(engine: &Engine, component: &Component) -> Result<(Surface, Vec<Role>), Refusal> {
    let mut surface = Surface::default();
    let component = component.component_type();
    for (name, item) in component.imports(engine) {
        import(name)?;
        let ComponentItem::ComponentInstance(instance) = item.ty else {
            return Err(Refusal::Foreign { side: "import", name: name.to_owned() });
        };
        surface.imports.push(functions(engine, name, &instance));
    }
    let mut roles = Vec::new();
    for (name, item) in component.exports(engine) {
        let (ComponentItem::ComponentInstance(instance), Some(role)) = (item.ty, export(name)?) else { continue };
        roles.push(role);
        surface.exports.push(functions(engine, name, &instance));
    }
    roles.sort_unstable();
    if roles.is_empty() { Err(Refusal::NoRole) } else { Ok((surface, roles)) }
}

fn import(name: &str) -> Result<(), Refusal> {
    let interface = ours("import", name)?.ok_or_else(|| Refusal::Foreign { side: "import", name: name.to_owned() })?;
    if IMPORTS.contains(&interface) { Ok(()) } else { Err(Refusal::Unknown { side: "import", name: name.to_owned() }) }
}

/// The role, or nothing for an export of another package: nobody's business, as the host does not call it.
fn export(name: &str) -> Result<Option<Role>, Refusal> {
    let Some(interface) = ours("export", name)? else { return Ok(None) };
    let role = Role::ALL.into_iter().find(|role| role.name() == interface);
    role.map(Some).ok_or_else(|| Refusal::Unknown { side: "export", name: name.to_owned() })
}

/// The interface's name without package and version, where it is of our package.
fn ours<'a>(side: &'static str, name: &'a str) -> Result<Option<&'a str>, Refusal> {
    let Some((PACKAGE, rest)) = name.split_once('/') else { return Ok(None) };
    let (interface, version) = rest.split_once('@').unwrap_or((rest, "no version"));
    let spoken = semver::Version::parse(version)
        .is_ok_and(|v| v.pre.is_empty() && (v.major, v.minor) == (VERSION.major, VERSION.minor));
    if spoken {
        Ok(Some(interface))
    } else {
        Err(Refusal::OtherVersion { side, name: name.to_owned(), version: version.to_owned() })
    }
}

fn functions(engine: &Engine, name: &str, instance: &ComponentInstance) -> Interface {
    let functions = instance
        .exports(engine)
        .filter(|(_, item)| matches!(item.ty, ComponentItem::ComponentFunc(_)))
        .map(|(function, _)| function.to_owned())
        .collect();
    Interface { name: name.to_owned(), functions }
}
