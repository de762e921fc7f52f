//! From a core module to a component, with library crates: nothing to install by hand.

use std::fmt::Write as _;
use std::mem::take;

use anyhow::{Context as _, Result, bail};
use wasmparser::{Parser, Payload};
use wit_component::{ComponentEncoder, DecodedWasm};
use wit_parser::{Resolve, WorldItem, WorldKey};

/// Makes a component of a core module that carries the contract in its custom sections, without names and producers.
pub(crate) fn componentise(core: &[u8]) -> Result<Vec<u8>> {
    let component = ComponentEncoder::default().validate(true).module(core)?.encode()?;
    strip(&component)
}

/// Drops all custom sections, also those of nested modules.
fn strip(component: &[u8]) -> Result<Vec<u8>> {
    let section = |range: std::ops::Range<u64>| -> Result<&[u8]> {
        let (start, end) = (usize::try_from(range.start)?, usize::try_from(range.end)?);
        component.get(start..end).context("a section lies within the component")
    };
    let mut outer: Vec<Vec<u8>> = Vec::new();
    let mut out = Vec::new();
    for payload in Parser::new(0).parse_all(component) {
        match payload? {
            Payload::Version { range, .. } => out.extend(section(range)?),
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => outer.push(take(&mut out)),
            Payload::End(_) => {
                let Some(mut parent) = outer.pop() else { break };
                // Byte 4 to 8 is the layer: a core module or a component.
                let is_module = out.get(4..8) == Some(&[1, 0, 0, 0]);
                parent.push(if is_module { 1 } else { 4 });
                leb128(out.len(), &mut parent);
                parent.extend(&out);
                out = parent;
            }
            Payload::CustomSection(_) => {}
            other => {
                if let Some((id, range)) = other.as_section() {
                    let bytes = section(range)?;
                    out.push(id);
                    leb128(bytes.len(), &mut out);
                    out.extend(bytes);
                }
            }
        }
    }
    Ok(out)
}

fn leb128(mut value: usize, out: &mut Vec<u8>) {
    loop {
        let byte = u8::try_from(value & 0x7f).expect("seven bits fit");
        value >>= 7;
        if value == 0 {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}

/// What a component imports and exports, one line each: `import filbert:operator/objects@0.1.0 {get}`.
/// The imports are its permissions.
pub(crate) fn surface(component: &[u8]) -> Result<String> {
    let DecodedWasm::Component(resolve, world) = wit_component::decode(component)? else { bail!("not a component") };
    let world = resolve.worlds.get(world).context("a component has a world")?;
    let mut text = String::from("# Made by `cargo xtask guests --bless`.\n");
    for (direction, items) in [("import", &world.imports), ("export", &world.exports)] {
        let mut lines: Vec<_> = items.iter().map(|(key, item)| line(&resolve, key, item)).collect();
        lines.sort();
        for line in lines {
            writeln!(text, "{direction} {line}")?;
        }
    }
    Ok(text)
}

fn line(resolve: &Resolve, key: &WorldKey, item: &WorldItem) -> String {
    let name = resolve.name_world_key(key);
    let functions = match item {
        WorldItem::Interface { id, .. } => resolve.interfaces.get(*id).map(|interface| {
            let mut functions: Vec<_> = interface.functions.keys().map(String::as_str).collect();
            functions.sort_unstable();
            functions.join(" ")
        }),
        _ => None,
    };
    format!("{name} {{{}}}", functions.unwrap_or_default())
}
