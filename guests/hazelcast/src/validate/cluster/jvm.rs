//! Rules about the Java virtual machine.

use filbert_guest::Violation;
use hazelcast_api::hazelcast::{Collector, Gc, Jvm, JvmMemory, Spec};

/// The virtual machines that people describe, with their paths.
fn all(spec: &Spec) -> impl Iterator<Item = (&'static str, &Jvm)> {
    let lite = spec.lite_member.as_ref().and_then(|lite| lite.jvm.as_ref());
    [("spec.jvm", spec.jvm.as_ref()), ("spec.liteMember.jvm", lite)]
        .into_iter()
        .filter_map(|(path, jvm)| Some((path, jvm?)))
}

/// An argument that follows from a field, where the field is set.
type Said = fn(&JvmMemory, &Gc) -> Option<&'static str>;

pub(super) const fn initial_memory(memory: &JvmMemory, _: &Gc) -> Option<&'static str> {
    if memory.initial_ram_percentage.is_some() { Some("-XX:InitialRAMPercentage") } else { None }
}

pub(super) const fn most_memory(memory: &JvmMemory, _: &Gc) -> Option<&'static str> {
    if memory.max_ram_percentage.is_some() { Some("-XX:MaxRAMPercentage") } else { None }
}

pub(super) const fn most_of_little_memory(memory: &JvmMemory, _: &Gc) -> Option<&'static str> {
    if memory.min_ram_percentage.is_some() { Some("-XX:MinRAMPercentage") } else { None }
}

/// Also where logging is turned off.
pub(super) const fn logging(_: &JvmMemory, gc: &Gc) -> Option<&'static str> {
    if gc.logging.is_some() { Some("-verbose:gc") } else { None }
}

pub(super) fn serial(_: &JvmMemory, gc: &Gc) -> Option<&'static str> {
    (gc.collector == Some(Collector::Serial)).then_some("-XX:+UseSerialGC")
}

pub(super) fn parallel(_: &JvmMemory, gc: &Gc) -> Option<&'static str> {
    (gc.collector == Some(Collector::Parallel)).then_some("-XX:+UseParallelGC")
}

pub(super) fn g1(_: &JvmMemory, gc: &Gc) -> Option<&'static str> {
    (gc.collector == Some(Collector::G1)).then_some("-XX:+UseG1GC")
}

/// HZ-18 to HZ-24: an argument says what a field says already.
pub(super) fn twice(spec: &Spec, said: Said) -> Vec<Violation> {
    let one = |(path, jvm): (&str, &Jvm)| {
        let (memory, gc) = (jvm.memory.clone().unwrap_or_default(), jvm.gc.clone().unwrap_or_default());
        let option = said(&memory, &gc)?;
        let again = jvm.args.iter().any(|arg| arg.contains(option));
        let message = "follows from memory or gc already";
        again.then(|| Violation::duplicate(format!("{path}.args"), option, message))
    };
    all(spec).filter_map(one).collect()
}

/// Properties of the virtual machine win over what is set while members run.
pub(super) fn diagnostics_are_in_one_place(spec: &Spec) -> Vec<Violation> {
    if spec.diagnostics.is_none() {
        return Vec::new();
    }
    let says = |jvm: &Jvm| jvm.args.iter().any(|arg| arg.starts_with("-Dhazelcast.diagnostics"));
    let message = "arguments that begin with -Dhazelcast.diagnostics cannot be used with spec.diagnostics";
    let virtual_machines = all(spec).filter(|(_, jvm)| says(jvm));
    virtual_machines.map(|(path, _)| Violation::forbidden(format!("{path}.args"), message)).collect()
}

/// `attach` is `host:port`.
pub(super) fn a_debugger_has_an_address(spec: &Spec) -> Vec<Violation> {
    let is_address = |text: &str| {
        let port = text.rsplit_once(':').filter(|(host, _)| !host.is_empty()).map(|(_, port)| port.parse::<u16>());
        matches!(port, Some(Ok(port)) if port > 0)
    };
    let one = |(path, jvm): (&str, &Jvm)| {
        let debug = jvm.debug.as_ref().filter(|debug| debug.enabled)?;
        let wrong = debug.attach.as_deref().filter(|text| !is_address(text))?;
        Some(Violation::invalid(format!("{path}.debug.attach"), wrong, "must be host:port"))
    };
    all(spec).filter_map(one).collect()
}
