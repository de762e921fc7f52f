//! What people are told when something is wrong with what they hand over. All that is said is in `bad_input.txt`;
//! `BLESS=1` writes it anew.

use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::Path;

use crate::support::{Place, built};

/// One mistake: what is prepared, and what is typed.
struct Mistake {
    name: &'static str,
    prepare: fn(&Place),
    typed: &'static [&'static str],
}

const GREETING: &str = "apiVersion: example.dev/v1\nkind: Greeting\nmetadata: {name: spring}\nspec: {who: Ann}\n";
const CONFIG_MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: lamp}\n";
const LANTERNS: &str = "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: lanterns.light.example}
spec:
  group: light.example
  scope: Namespaced
  names: {kind: Lantern, listKind: LanternList, plural: lanterns, singular: lantern}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
---
apiVersion: light.example/v1
kind: Lantern
metadata: {name: red}
";

fn resources(place: &Place, text: &str) {
    place.write("resources.yaml", text.as_bytes());
}

/// The built module with other bytes in place of some, of the same length.
fn hello_with(from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut wasm = built("hello.wasm");
    let places: Vec<_> = wasm.windows(from.len()).enumerate().filter(|(_, it)| *it == from.as_bytes()).collect();
    let starts: Vec<_> = places.into_iter().map(|(start, _)| start).collect();
    assert!(!starts.is_empty(), "`{from}` is in the module");
    for start in starts {
        wasm[start..start + from.len()].copy_from_slice(to.as_bytes());
    }
    wasm
}

fn kubeconfig(place: &Place, server: &str) {
    let text = format!(
        "apiVersion: v1\nkind: Config\nclusters: [{{name: far, cluster: {{server: '{server}'}}}}]\nusers: [{{name: ann, user: {{}}}}]\ncontexts: [{{name: far, context: {{cluster: far, user: ann}}}}]\ncurrent-context: far\n"
    );
    place.write("kubeconfig", text.as_bytes());
}

const PLAN: &[&str] = &["plan", "--modules", "modules", "-f", "resources.yaml"];
const RENDER: &[&str] = &["render", "--modules", "modules", "-f", "resources.yaml"];
const DEV: &[&str] = &["dev", "--modules", "modules", "--once", "-f", "resources.yaml"];
const INSPECT: &[&str] = &["module", "inspect", "lamp.wasm"];
const EXPLAIN: &[&str] = &["explain", "greeting/spring", "--modules", "modules", "--kubeconfig", "kubeconfig"];
const NOTHING: fn(&Place) = |_| {};

const MISTAKES: &[Mistake] = &[
    // The command line.
    Mistake { name: "unknown command", prepare: NOTHING, typed: &["plam"] },
    Mistake { name: "unknown flag", prepare: NOTHING, typed: &["plan", "--modles", "modules"] },
    Mistake { name: "missing flag", prepare: NOTHING, typed: &["plan"] },
    Mistake { name: "unknown format", prepare: NOTHING, typed: &["modules", "-o", "xml"] },
    Mistake { name: "no duration", prepare: NOTHING, typed: &["dev", "--timeout", "soon"] },
    Mistake { name: "no address", prepare: NOTHING, typed: &["dev", "--listen", "127.0.0.1:99999"] },
    Mistake { name: "no resource to explain", prepare: NOTHING, typed: &["explain", "spring"] },
    // Files with resources.
    Mistake { name: "missing file", prepare: NOTHING, typed: PLAN },
    Mistake { name: "empty file", prepare: |place| resources(place, ""), typed: PLAN },
    Mistake { name: "comments only", prepare: |place| resources(place, "# later\n---\n"), typed: RENDER },
    Mistake {
        name: "broken YAML",
        prepare: |place| resources(place, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n\tname: lamp\n"),
        typed: PLAN,
    },
    Mistake {
        name: "several documents, one broken",
        prepare: |place| resources(place, &format!("{CONFIG_MAP}---\n{GREETING}---\nkind: [\n")),
        typed: DEV,
    },
    Mistake { name: "no object", prepare: |place| resources(place, "just words\n"), typed: PLAN },
    Mistake {
        name: "no name",
        prepare: |place| resources(place, &format!("{CONFIG_MAP}---\napiVersion: v1\nkind: Secret\n")),
        typed: PLAN,
    },
    Mistake {
        name: "unknown kind",
        prepare: |place| resources(place, &CONFIG_MAP.replace("ConfigMap", "ConfigMop")),
        typed: PLAN,
    },
    Mistake {
        name: "resource without definition",
        prepare: |place| resources(place, &GREETING.replace("example.dev/v1", "hazelcast.com/v1alpha1")),
        typed: RENDER,
    },
    Mistake { name: "kind without pipeline", prepare: |place| resources(place, LANTERNS), typed: PLAN },
    Mistake { name: "kind without pipeline, in dev", prepare: |place| resources(place, LANTERNS), typed: DEV },
    Mistake { name: "nothing to do", prepare: |place| resources(place, CONFIG_MAP), typed: RENDER },
    Mistake {
        name: "field of another type",
        prepare: |place| resources(place, &GREETING.replace("who: Ann", "who: [Ann]")),
        typed: PLAN,
    },
    Mistake {
        name: "resource that cannot settle",
        prepare: |place| {
            resources(place, &format!("{GREETING}---\n{}", GREETING.replace("Ann", "''").replace("spring", "autumn")));
        },
        typed: DEV,
    },
    Mistake {
        name: "resource that is kept from settling",
        prepare: |place| resources(place, &format!("{}---\n{GREETING}", CONFIG_MAP.replace("lamp", "spring-greeting"))),
        typed: &["dev", "--modules", "modules", "--once", "--timeout", "1s", "-f", "resources.yaml"],
    },
    Mistake {
        name: "a module for a resource",
        prepare: |place| resources(place, &place.read("modules/hello.yaml")),
        typed: DEV,
    },
    Mistake {
        name: "resource that cannot be rendered",
        prepare: |place| resources(place, &GREETING.replace("Ann", "''")),
        typed: RENDER,
    },
    // Components.
    Mistake { name: "missing module", prepare: NOTHING, typed: INSPECT },
    Mistake { name: "garbage", prepare: |place| place.write("lamp.wasm", b"garbage"), typed: INSPECT },
    Mistake { name: "empty module", prepare: |place| place.write("lamp.wasm", b""), typed: INSPECT },
    Mistake {
        name: "truncated module",
        prepare: |place| place.write("lamp.wasm", &built("hello.wasm")[..1000]),
        typed: INSPECT,
    },
    Mistake {
        name: "directory for a module",
        prepare: |place| std::fs::create_dir(place.path("lamp.wasm")).expect("made"),
        typed: INSPECT,
    },
    Mistake {
        name: "wrong contract version",
        prepare: |place| place.write("lamp.wasm", &hello_with("@0.1.0", "@0.9.0")),
        typed: INSPECT,
    },
    Mistake {
        name: "import that the host does not have",
        prepare: |place| place.write("lamp.wasm", &hello_with("filbert:operator/log@", "filbert:operator/fog@")),
        typed: INSPECT,
    },
    // The modules folder.
    Mistake { name: "no modules folder", prepare: NOTHING, typed: &["modules", "--modules", "nowhere"] },
    Mistake {
        name: "a file for a modules folder",
        prepare: |place| place.write("nowhere", b""),
        typed: &["crds", "--modules", "nowhere"],
    },
    Mistake {
        name: "garbage in the folder",
        prepare: |place| {
            resources(place, GREETING);
            place.write("modules/hello.wasm", b"garbage");
        },
        typed: PLAN,
    },
    Mistake {
        name: "directory in the folder",
        prepare: |place| {
            resources(place, GREETING);
            std::fs::create_dir(place.path("modules/lamp.wasm")).expect("made");
        },
        typed: PLAN,
    },
    Mistake {
        name: "broken YAML in the folder",
        prepare: |place| {
            resources(place, GREETING);
            place.edit("modules/hello.yaml", "spec:", "spec: ]");
        },
        typed: PLAN,
    },
    Mistake {
        name: "unknown field of a module",
        prepare: |place| {
            resources(place, GREETING);
            place.edit("modules/hello.yaml", "grants:", "grant:");
        },
        typed: PLAN,
    },
    Mistake {
        name: "two modules of one name",
        prepare: |place| {
            resources(place, GREETING);
            place.write("modules/other.yaml", place.read("modules/hello.yaml").as_bytes());
        },
        typed: PLAN,
    },
    Mistake {
        name: "module without its component",
        prepare: |place| {
            resources(place, GREETING);
            place.edit("modules/hello.yaml", "hello.wasm", "hullo.wasm");
        },
        typed: PLAN,
    },
    Mistake {
        name: "pipeline that names a missing module",
        prepare: |place| {
            resources(place, GREETING);
            place.edit("modules/hello.yaml", "- module: hello\n      step", "- module: hullo\n      step");
        },
        typed: PLAN,
    },
    Mistake {
        name: "pipeline that names a missing step",
        prepare: |place| {
            resources(place, GREETING);
            place.edit("modules/hello.yaml", "step: greet", "step: great");
        },
        typed: PLAN,
    },
    Mistake {
        name: "pipeline with a parameter that is not there",
        prepare: |place| {
            resources(place, GREETING);
            place.edit("modules/hello.yaml", "step: greet", "step: greet\n      parameters: {volume: loud}");
        },
        typed: PLAN,
    },
    Mistake {
        name: "all of it, listed",
        prepare: |place| place.write("modules/lamp.wasm", b"garbage"),
        typed: &["modules", "--modules", "modules"],
    },
    // The machine.
    Mistake {
        name: "cache folder that cannot be made",
        prepare: |place| {
            resources(place, GREETING);
            place.write("file", b"");
        },
        typed: &["plan", "--modules", "modules", "--cache", "file/code", "-f", "resources.yaml"],
    },
    Mistake {
        name: "read-only cache folder",
        prepare: |place| {
            resources(place, GREETING);
            std::fs::create_dir(place.path("code")).expect("made");
            set_mode(&place.path("code"), 0o555);
        },
        typed: &["plan", "--modules", "modules", "--cache", "code", "-f", "resources.yaml"],
    },
    // Clusters.
    Mistake { name: "missing kubeconfig", prepare: NOTHING, typed: EXPLAIN },
    Mistake { name: "broken kubeconfig", prepare: |place| place.write("kubeconfig", b"clusters: ]\n"), typed: EXPLAIN },
    Mistake { name: "empty kubeconfig", prepare: |place| place.write("kubeconfig", b""), typed: EXPLAIN },
    Mistake {
        name: "missing context",
        prepare: |place| kubeconfig(place, "http://127.0.0.1:1"),
        typed: &["explain", "greeting/spring", "--kubeconfig", "kubeconfig", "--context", "near"],
    },
    Mistake { name: "cluster that refuses", prepare: |place| kubeconfig(place, "http://127.0.0.1:1"), typed: EXPLAIN },
    // Recordings.
    Mistake { name: "missing recording", prepare: NOTHING, typed: &["replay", "pass.json", "--modules", "modules"] },
    Mistake {
        name: "no recording",
        prepare: |place| place.write("pass.json", b"{}"),
        typed: &["replay", "pass.json", "--modules", "modules"],
    },
];

fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("set");
}

/// What was typed and what came of it.
fn told(place: &Place, typed: &[&str]) -> String {
    let output = place.run(typed);
    let code = output.status.code().expect("not ended by a signal");
    let mut text = format!("$ filbert {}\n", typed.join(" "));
    for stream in [&output.stdout, &output.stderr] {
        for line in place.neutral(stream).lines().filter(|line| !is_beside(line)) {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{}", without_digests(line));
        }
    }
    let _ = writeln!(text, "exit {code}");
    text
}

/// Digests of modules change with every compiler.
fn without_digests(line: &str) -> String {
    let is_digest = |word: &&str| word.len() == 12 && word.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
    line.split(' ').map(|word| if is_digest(&word) { "(a digest)  " } else { word }).collect::<Vec<_>>().join(" ")
}

/// What differs from run to run, and is no part of the error.
fn is_beside(line: &str) -> bool {
    let beside = ["compiling ", "module hello 0", "API server on ", "  export KUBECONFIG", "hello                 "];
    // Lines of the log begin with the time.
    beside.iter().any(|start| line.starts_with(start)) || line.get(..4).is_some_and(|year| year.parse::<u32>().is_ok())
}

/// Compares with one part of `bad_input.txt`.
fn compare(parts: &[(&str, String)]) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/command/bad_input.txt");
    let now: Vec<_> = parts.iter().map(|(name, text)| format!("## {name}\n{text}\n")).collect();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&file, now.concat()).expect("written");
    }
    let listed = std::fs::read_to_string(&file).unwrap_or_default();
    for (name, text) in parts {
        let header = format!("## {name}\n");
        let start = listed.find(&header).unwrap_or_else(|| panic!("`bad_input.txt` has `{name}`; `BLESS=1` writes it"));
        let rest = &listed[start + header.len()..];
        let end = rest.find("\n## ").map_or(rest.len(), |end| end + 1);
        assert_eq!(rest[..end].trim_end(), text.trim_end(), "{name}");
    }
    assert_eq!(listed.matches("## ").count(), parts.len(), "each is in `bad_input.txt`, and nothing else");
}

#[test]
fn every_mistake_is_told_with_cause_and_hint_and_the_right_exit_code() {
    let parts: Vec<_> = MISTAKES
        .iter()
        .map(|Mistake { name, prepare, typed }| {
            let place = Place::with_hello();
            prepare(&place);
            (*name, told(&place, typed))
        })
        .collect();
    compare(&parts);
}

#[test]
fn a_port_in_use_is_told() {
    let place = Place::with_hello();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let text = told(&place, &["dev", "--modules", "modules", "--once", "--listen", &address]);
    assert_eq!(
        text.replace(&address, "ADDRESS"),
        "$ filbert dev --modules modules --once --listen ADDRESS\nerror: failed to listen on ADDRESS\ncaused by: Address already in use (os error 98)\nhint: does another program use the port? `--listen 127.0.0.1:0` takes a free one\nexit 1\n"
    );
}

#[test]
fn a_cluster_that_never_answers_is_told_after_a_while() {
    let place = Place::with_hello();
    // Connections are made by the system, and nobody takes them.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = silent.local_addr().expect("an address").to_string();
    for scheme in ["http", "https"] {
        kubeconfig(&place, &format!("{scheme}://{address}"));
        let text =
            told(&place, &["explain", "greeting/spring", "--kubeconfig", "kubeconfig", "--request-timeout", "500ms"]);
        assert_eq!(
            text.replace(&address, "ADDRESS"),
            format!(
                "$ filbert explain greeting/spring --kubeconfig kubeconfig --request-timeout 500ms\nerror: the API server at {scheme}://ADDRESS/ does not answer\ncaused by: nothing came within 500ms\nhint: is the cluster running, and is this the right kubeconfig? `--request-timeout` waits longer\nexit 1\n"
            )
        );
    }
}

#[test]
#[allow(clippy::print_stderr, reason = "a skipped test says so")]
fn a_module_without_permission_is_told() {
    let place = Place::with_hello();
    place.write("lamp.wasm", &built("hello.wasm"));
    set_mode(&place.path("lamp.wasm"), 0);
    if std::fs::read(place.path("lamp.wasm")).is_ok() {
        eprintln!("skipped: this user may read everything");
        return;
    }
    assert_eq!(
        told(&place, INSPECT),
        "$ filbert module inspect lamp.wasm\nerror: failed to read `lamp.wasm`\ncaused by: Permission denied (os error 13)\nhint: name a component: a file that ends in `.wasm`, as `cargo xtask guests` puts below target/modules\nexit 1\n"
    );
}

#[test]
fn a_reader_that_goes_away_ends_every_command_quietly() {
    let place = Place::with_hello();
    resources(&place, GREETING);
    let commands: [&[&str]; 6] = [
        PLAN,
        RENDER,
        DEV,
        &["modules", "--modules", "modules"],
        &["module", "inspect", "modules/hello.wasm"],
        &["--help"],
    ];
    for typed in commands {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = place.filbert(typed);
        let output = command.stdout(writer).stderr(std::process::Stdio::piped()).output().expect("started");
        let told = place.neutral(&output.stderr);
        let told: Vec<_> = told.lines().filter(|line| !is_beside(line)).collect();
        assert_eq!((told, output.status.code()), (Vec::new(), Some(0)), "{typed:?}");
    }
}
