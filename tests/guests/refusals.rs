//! What is not for this host is refused by name, before it is compiled.

use filbert_engine::Retry;
use filbert_tests::modules::from_text;

use crate::support::{chain, engine};

/// A component as text, and the words of its refusal.
const REFUSED: [(&str, &str); 11] = [
    (
        r#"(component (import "wasi:clocks/monotonic-clock@0.2.0" (instance (export "now" (func (result u64))))))"#,
        "module `guest` is refused: import `wasi:clocks/monotonic-clock@0.2.0` is not offered by this host",
    ),
    (
        r#"(component (import "filbert:operator/shell@0.1.0" (instance (export "run" (func)))))"#,
        "module `guest` is refused: import `filbert:operator/shell@0.1.0` is unknown to this host (contract 0.1.0)",
    ),
    (r#"(component (import "exec" (func)))"#, "module `guest` is refused: import `exec` is not offered by this host"),
    (
        r#"(component (import "filbert:operator/log@0.2.0" (instance)))"#,
        "module `guest` is refused: import `filbert:operator/log@0.2.0` is of contract 0.2.0; this host speaks 0.1.x",
    ),
    (
        r#"(component (import "filbert:operator/log@0.1.0-rc.1" (instance)))"#,
        "module `guest` is refused: import `filbert:operator/log@0.1.0-rc.1` is of contract 0.1.0-rc.1; this host speaks 0.1.x",
    ),
    (
        r#"(component (import "filbert:operator/log" (instance)))"#,
        "module `guest` is refused: import `filbert:operator/log` is of contract no version; this host speaks 0.1.x",
    ),
    (
        r#"(component (instance $i) (export "filbert:operator/oracle@0.1.0" (instance $i)))"#,
        "module `guest` is refused: export `filbert:operator/oracle@0.1.0` is unknown to this host (contract 0.1.0)",
    ),
    (
        "(component)",
        "module `guest` is refused: it exports none of `module`, `defaulting`, `validation`, `step` of `filbert:operator`",
    ),
    (
        "(module)",
        "`guest` is no module: it is a core module; a component is made of it by `cargo xtask guests` or `wasm-tools component new`",
    ),
    (
        r#"(component (instance $i) (export "filbert:operator/step@0.1.0" (instance $i)))"#,
        "module `guest` does not fit contract 0.1.0: instance export `filbert:operator/step@0.1.0` does not have export `run`",
    ),
    (
        r#"(component
            (import "filbert:operator/log@0.1.0" (instance (export "shout" (func))))
            (instance $i) (export "filbert:operator/step@0.1.0" (instance $i)))"#,
        "module `guest` does not fit contract 0.1.0: component imports instance `filbert:operator/log@0.1.0`, but a matching implementation was not found in the linker: instance export `shout` has the wrong type: function implementation is missing",
    ),
];

#[tokio::test]
async fn what_is_not_for_this_host_is_refused_by_name() {
    let engine = engine();
    for (text, words) in REFUSED {
        let error = engine.load("guest", &from_text(text)).await.err().expect("it is refused");
        assert_eq!(chain(&error), words, "{text}");
        assert_eq!(error.retry(), Retry::WhenChanged, "{text}");
    }
}

#[tokio::test]
async fn what_is_no_webassembly_is_refused() {
    for (bytes, words) in [
        (&b"apiVersion: v1"[..], "`guest` is no module: it does not begin as WebAssembly does"),
        (&b""[..], "`guest` is no module: it does not begin as WebAssembly does"),
        (&b"\0asm\x0d\0\x01\0\x07\xff"[..], "`guest` is no module: unexpected end-of-file (at offset 0xa)"),
    ] {
        let error = engine().load("guest", bytes).await.err().expect("it is refused");
        assert_eq!(chain(&error), words);
        assert_eq!((error.category(), error.retry()), ("unfit", Retry::WhenChanged));
    }
}

/// A role in another shape is found by the one instantiation that comes with loading.
#[tokio::test]
async fn a_role_of_another_shape_is_refused() {
    let wasm = from_text(
        r#"(component
            (core module $m (func (export "describe") (result i32) (i32.const 0)))
            (core instance $i (instantiate $m))
            (func $describe (result u32) (canon lift (core func $i "describe")))
            (instance $role (export "describe" (func $describe)))
            (export "filbert:operator/module@0.1.0" (instance $role)))"#,
    );
    let error = engine().load("guest", &wasm).await.err().expect("it is refused");
    assert_eq!(
        chain(&error),
        "module `guest` does not fit contract 0.1.0: failed to convert function to given type: type mismatch with results: expected `record` found `u32`"
    );
}
