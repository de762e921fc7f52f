//! What can be said of a component before anything is compiled: its names, and what compiling it might cost.

use wasmparser::{Encoding, Parser, Payload};

use crate::settings::CompileLimits;

/// Nested core modules and components. The SDK's guests have about five; each costs the compiler a fixed sum.
const MODULES: u32 = 64;

/// Names at the outside of a component.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outside {
    pub(crate) imports: Vec<String>,
    pub(crate) exports: Vec<String>,
}

/// Why bytes are not worth a compiler.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Not WebAssembly, or damaged.
    #[error("{0}")]
    Malformed(String),
    /// A core module.
    #[error("it is a core module; a component is made of it by `cargo xtask guests` or `wasm-tools component new`")]
    CoreModule,
    /// More than is compiled.
    #[error("it has {found} {what}; {allowed} are allowed")]
    TooMuch {
        /// `functions`.
        what: &'static str,
        /// How many.
        found: usize,
        /// At most.
        allowed: usize,
    },
}

fn within(what: &'static str, found: usize, allowed: usize) -> Result<(), Unfit> {
    if found > allowed { Err(Unfit::TooMuch { what, found, allowed }) } else { Ok(()) }
}

/// Reads the outline of a component, without looking into functions.
pub(crate) fn inspect(wasm: &[u8], limits: &CompileLimits) -> Result<Outside, Unfit> {
    within("bytes", wasm.len(), limits.size)?;
    if !wasm.starts_with(b"\0asm") {
        return Err(Unfit::Malformed("it does not begin as WebAssembly does".to_owned()));
    }
    let malformed = |error: wasmparser::BinaryReaderError| Unfit::Malformed(error.to_string());
    let mut outside = Outside::default();
    let (mut depth, mut modules, mut functions) = (0_usize, 0_usize, 0_usize);
    let allowed = usize::try_from(limits.functions).unwrap_or(usize::MAX);
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.map_err(malformed)? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => return Err(Unfit::CoreModule),
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => {
                depth += 1;
                modules += 1;
                within("nested modules", modules, MODULES as usize)?;
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CodeSectionStart { count, .. } => {
                functions = functions.saturating_add(count as usize);
                within("functions", functions, allowed)?;
            }
            Payload::CodeSectionEntry(body) => {
                let size = body.range().end.saturating_sub(body.range().start);
                within("bytes in one function", usize::try_from(size).unwrap_or(usize::MAX), limits.function_size)?;
            }
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    outside.imports.push(import.map_err(malformed)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    outside.exports.push(export.map_err(malformed)?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(outside)
}
