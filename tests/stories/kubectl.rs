//! The real `kubectl` against the embedded API server, over HTTPS.
//!
//! `cargo xtask kubectl` builds it and runs these; `FILBERT_KUBECTL` says where it is.

use std::fmt::Debug;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use filbert_apiserver::{ApiServer, Serving};
use filbert_tests::world::World;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// Keeps a test that is wrong from waiting for ever.
const PATIENCE: Duration = Duration::from_mins(2);

/// A server, and `kubectl` with a home of its own.
struct Kubectl {
    program: PathBuf,
    home: tempfile::TempDir,
    _serving: Serving,
}

/// What a command said.
#[derive(Debug)]
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Kubectl {
    async fn with(server: &ApiServer) -> Self {
        let program = std::env::var_os("FILBERT_KUBECTL").expect("`cargo xtask kubectl` sets FILBERT_KUBECTL");
        let home = tempfile::tempdir().expect("a temporary folder");
        let serving = server.serve(([127, 0, 0, 1], 0).into()).await.expect("a free port");
        std::fs::write(home.path().join("config"), serving.kubeconfig()).expect("written");
        Self { program: program.into(), home, _serving: serving }
    }

    /// A server of its own, with the simulated controllers.
    async fn alone() -> Self {
        Self::with(&ApiServer::builder().garbage_collector(true).stand_ins(true).build()).await
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.args(words(line)).current_dir(self.home.path());
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home.path())
            .env("KUBECONFIG", self.home.path().join("config"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    async fn try_with(&self, line: &str, input: &str) -> Said {
        let mut child = self.command(line).spawn().expect("kubectl starts");
        let mut stdin = child.stdin.take().expect("it is piped");
        let run = async {
            stdin.write_all(input.as_bytes()).await.expect("kubectl reads");
            drop(stdin);
            child.wait_with_output().await.expect("kubectl ends")
        };
        let output = timeout(PATIENCE, run).await.unwrap_or_else(|_| panic!("`kubectl {line}` does not end"));
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("kubectl writes text").trim_end().to_owned();
        Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// What a command that must succeed prints.
    async fn run_with(&self, line: &str, input: &str) -> String {
        let said = self.try_with(line, input).await;
        assert_eq!(said.code, Some(0), "`kubectl {line}`: {said:?}");
        said.out
    }

    async fn run(&self, line: &str) -> String {
        self.run_with(line, "").await
    }

    async fn tells(&self, line: &str, expected: &str) {
        assert_eq!(self.run(line).await, expected, "`kubectl {line}`");
    }

    async fn tells_with(&self, line: &str, input: &str, expected: &str) {
        assert_eq!(self.run_with(line, input).await, expected, "`kubectl {line}`");
    }

    /// What a command that must fail complains about.
    async fn fails_with(&self, line: &str, input: &str) -> String {
        let said = self.try_with(line, input).await;
        assert_eq!(said.code, Some(1), "`kubectl {line}`: {said:?}");
        said.err
    }
}

/// Words between blanks; single quotes hold one together.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for letter in line.chars() {
        match letter {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            _ => words.last_mut().expect("there is one").push(letter),
        }
    }
    words
}

const TIDE: &str = "{apiVersion: v1, kind: ConfigMap, metadata: {name: tide}, data: {level: low, wind: west}}";

const FLEET: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: fleet}
spec:
  replicas: 2
  selector: {matchLabels: {app: tug}}
  template:
    metadata: {labels: {app: tug}}
    spec: {containers: [{name: tug, image: tug}]}
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs kubectl: `cargo xtask kubectl`"]
async fn objects_are_created_shown_changed_and_deleted() {
    let kubectl = Kubectl::alone().await;
    kubectl.tells_with("create -f -", TIDE, "configmap/tide created").await;
    let refused = kubectl.fails_with("create -f -", TIDE).await;
    assert!(refused.ends_with("configmaps \"tide\" already exists"), "{refused}");
    kubectl.tells("get cm tide -o jsonpath={.data}", r#"{"level":"low","wind":"west"}"#).await;
    let table = kubectl.run("get cm --no-headers").await;
    assert_eq!(words(&table).into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>()[..2], ["tide", "2"]);
    for (kind, patch) in [
        ("strategic", r#"{"data":{"level":"high"}}"#),
        ("merge", r#"{"data":{"wind":null}}"#),
        ("json", r#"[{"op":"add","path":"/data/moon","value":"full"}]"#),
    ] {
        kubectl.tells(&format!("patch cm tide --type={kind} -p '{patch}'"), "configmap/tide patched").await;
    }
    kubectl.tells("get cm tide -o jsonpath={.data}", r#"{"level":"high","moon":"full"}"#).await;
    kubectl.tells("label cm tide sea=north", "configmap/tide labeled").await;
    kubectl.tells("annotate cm tide seen=yes", "configmap/tide annotated").await;
    kubectl.tells("get cm -l sea=north -o name", "configmap/tide").await;
    kubectl.tells("get cm tide -o jsonpath={.metadata.annotations.seen}", "yes").await;
    kubectl.tells("label cm tide sea-", "configmap/tide unlabeled").await;
    kubectl.tells("delete cm tide", "configmap \"tide\" deleted from default namespace").await;
    let missing = kubectl.fails_with("get cm tide", "").await;
    assert_eq!(missing, "Error from server (NotFound): configmaps \"tide\" not found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs kubectl: `cargo xtask kubectl`"]
async fn apply_changes_what_it_applied_and_leaves_the_rest() {
    let kubectl = Kubectl::alone().await;
    kubectl.tells_with("apply -f -", TIDE, "configmap/tide created").await;
    kubectl.tells_with("apply -f -", TIDE, "configmap/tide unchanged").await;
    kubectl.run(r#"patch cm tide -p '{"data":{"moon":"full"}}'"#).await;
    let changed = TIDE.replace("level: low, ", "level: high").replace("wind: west", "");
    let diff = kubectl.try_with("diff -f -", &changed).await;
    assert_eq!(diff.code, Some(1), "differences are no error and make 1: {diff:?}");
    assert!(diff.out.contains("\n-  level: low\n") && diff.out.contains("\n+  level: high\n"), "{diff:?}");
    kubectl.tells_with("apply -f -", &changed, "configmap/tide configured").await;
    kubectl.tells("get cm tide -o jsonpath={.data}", r#"{"level":"high","moon":"full"}"#).await;
    let refused = kubectl.fails_with("apply -f -", &TIDE.replace(", data:", ", dada:")).await;
    assert!(refused.contains("strict decoding error: unknown field \"dada\""), "{refused}");
    // A built-in kind whose lists are merged by key, and a custom one whose are not.
    kubectl.tells_with("apply -f -", FLEET, "deployment.apps/fleet created").await;
    let patch = r#"{"spec":{"template":{"spec":{"containers":[{"name":"bell","image":"bell"}]}}}}"#;
    kubectl.run(&format!("patch deploy fleet -p '{patch}'")).await;
    kubectl
        .tells_with("apply -f -", &FLEET.replace("image: tug", "image: tug:2"), "deployment.apps/fleet configured")
        .await;
    kubectl.tells("get deploy fleet -o 'jsonpath={.spec.template.spec.containers[*].image}'", "bell tug:2").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs kubectl: `cargo xtask kubectl`"]
async fn server_side_apply_tells_conflicts_and_takes_over_by_force() {
    let kubectl = Kubectl::alone().await;
    let apply = "apply --server-side -f -";
    kubectl.tells_with(apply, TIDE, "configmap/tide serverside-applied").await;
    let other = TIDE.replace("low", "high").replace(", wind: west", "");
    let conflict = kubectl.fails_with(&format!("{apply} --field-manager=pilot"), &other).await;
    assert!(
        conflict.starts_with("error: Apply failed with 1 conflict: conflict with \"kubectl\": .data.level"),
        "{conflict}"
    );
    kubectl.tells("get cm tide -o jsonpath={.data.level}", "low").await;
    let force = format!("{apply} --field-manager=pilot --force-conflicts");
    kubectl.tells_with(&force, &other, "configmap/tide serverside-applied").await;
    kubectl.tells("get cm tide -o jsonpath={.data}", r#"{"level":"high","wind":"west"}"#).await;
    let managers = "get cm tide --show-managed-fields -o 'jsonpath={.metadata.managedFields[*].manager}'";
    kubectl.tells(managers, "kubectl pilot").await;
    // What was applied by the client before is taken over without a conflict.
    let chart = TIDE.replace("tide", "chart");
    kubectl.tells_with("apply -f -", &chart, "configmap/chart created").await;
    kubectl.tells_with(apply, &chart.replace("low", "high"), "configmap/chart serverside-applied").await;
    let owners = "get cm chart --show-managed-fields -o 'jsonpath={range .metadata.managedFields[*]}{.manager} {.operation}{\"\\n\"}{end}'";
    let owners = kubectl.run(owners).await;
    let mut owners: Vec<_> = owners.lines().collect();
    owners.sort_unstable();
    assert_eq!(owners, ["kubectl Apply", "kubectl-last-applied Apply"]);
    let dry = kubectl.run_with(&format!("{apply} --dry-run=server"), &TIDE.replace("tide", "ghost")).await;
    assert_eq!(dry, "configmap/ghost serverside-applied (server dry run)");
    kubectl.tells("get cm ghost --ignore-not-found", "").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs kubectl: `cargo xtask kubectl`"]
async fn deletes_cascade_as_asked() {
    let kubectl = Kubectl::alone().await;
    let launch = async || {
        kubectl.run_with("apply -f -", FLEET).await;
        kubectl.run("rollout status deploy fleet").await;
        kubectl.run("get rs -l app=tug -o name").await
    };
    let deleted = "deployment.apps \"fleet\" deleted from default namespace";
    let set = launch().await;
    kubectl.tells("delete deploy fleet --cascade=background", deleted).await;
    kubectl.run(&format!("wait --for=delete {set}")).await;
    kubectl.run("wait --for=delete pods -l app=tug").await;
    // Foreground: the owner goes last, and kubectl waits for it.
    launch().await;
    kubectl.tells("delete deploy fleet --cascade=foreground", deleted).await;
    kubectl.tells("get rs,pods -l app=tug -o name", "").await;
    let set = launch().await;
    kubectl.tells("delete deploy fleet --cascade=orphan", deleted).await;
    kubectl.tells(&format!("get {set} -o jsonpath={{.metadata.ownerReferences}}"), "").await;
    kubectl.tells("get rs -l app=tug -o name", &set).await;
    assert_eq!(kubectl.run("get pods -l app=tug -o name").await.lines().count(), 2, "they run on");
}

/// The next line that a running command prints.
async fn line(lines: &mut tokio::io::Lines<BufReader<tokio::process::ChildStdout>>) -> String {
    let line = timeout(PATIENCE, lines.next_line()).await.expect("a line comes");
    line.expect("kubectl writes text").expect("kubectl does not end")
}

fn lines(child: &mut Child) -> tokio::io::Lines<BufReader<tokio::process::ChildStdout>> {
    BufReader::new(child.stdout.take().expect("it is piped")).lines()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs kubectl: `cargo xtask kubectl`"]
async fn a_watch_prints_what_is_there_and_each_change() {
    let kubectl = Kubectl::alone().await;
    kubectl.run_with("create -f -", TIDE).await;
    let format = "'jsonpath={.type} {.object.metadata.name} {.object.data.level}{\"\\n\"}'";
    let watch = format!("get cm -w --output-watch-events -o {format}");
    let mut child = kubectl.command(&watch).spawn().expect("kubectl starts");
    let mut lines = lines(&mut child);
    assert_eq!(line(&mut lines).await, "ADDED tide low");
    kubectl.run(r#"patch cm tide -p '{"data":{"level":"high"}}'"#).await;
    kubectl.run("delete cm tide").await;
    assert_eq!(line(&mut lines).await, "MODIFIED tide high");
    assert_eq!(line(&mut lines).await, "DELETED tide high");
    child.kill().await.expect("it runs");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs kubectl: `cargo xtask kubectl`"]
async fn typed_commands_speak_protobuf_and_are_understood() {
    let kubectl = Kubectl::alone().await;
    for (command, says) in [
        ("create namespace pier", "namespace/pier created"),
        ("create configmap tide --from-literal=level=low", "configmap/tide created"),
        ("create secret generic key --from-literal=a=b", "secret/key created"),
        ("create deployment fleet --image=tug --replicas=2 --port=80", "deployment.apps/fleet created"),
        ("expose deployment fleet", "service/fleet exposed"),
        ("autoscale deployment fleet --max=5 --cpu=50%", "horizontalpodautoscaler.autoscaling/fleet autoscaled"),
        ("create role pilot --verb=get --resource=pods", "role.rbac.authorization.k8s.io/pilot created"),
        ("create rolebinding pilot --role=pilot --user=ann", "rolebinding.rbac.authorization.k8s.io/pilot created"),
        ("create job count --image=abacus", "job.batch/count created"),
        ("create cronjob bell --image=bell --schedule='0 * * * *'", "cronjob.batch/bell created"),
        ("create ingress gate --rule=tug.example/*=fleet:80", "ingress.networking.k8s.io/gate created"),
        ("create pdb fleet --selector=app=fleet --min-available=1", "poddisruptionbudget.policy/fleet created"),
        ("create serviceaccount ann", "serviceaccount/ann created"),
        ("get secret key -o jsonpath={.data.a}", "Yg=="),
        (
            "get deploy fleet -o 'jsonpath={.spec.replicas} {.spec.template.spec.containers[0].ports[0].containerPort}'",
            "2 80",
        ),
        ("get svc fleet -o 'jsonpath={.spec.ports[0].targetPort}'", "80"),
        ("get hpa fleet -o 'jsonpath={.spec.metrics[0].resource.target.averageUtilization}'", "50"),
        ("get pdb fleet -o jsonpath={.spec.minAvailable}", "1"),
        ("get cronjob bell -o jsonpath={.spec.schedule}", "0 * * * *"),
        ("auth can-i create pods", "yes"),
        ("auth whoami -o jsonpath={.status.userInfo.username}", "kubernetes-admin"),
    ] {
        kubectl.tells(command, says).await;
    }
    let listed = kubectl.run("auth can-i --list --no-headers").await;
    assert!(listed.starts_with("*.*"), "{listed}");
    assert!(!kubectl.run("create token ann").await.is_empty());
    kubectl.run("wait --for=condition=complete job/count").await;
    kubectl.tells("scale deployment fleet --replicas=3", "deployment.apps/fleet scaled").await;
    kubectl.run("rollout status deployment fleet").await;
    kubectl.tells("get deploy fleet -o jsonpath={.status.readyReplicas}", "3").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs kubectl: `cargo xtask kubectl`"]
async fn a_hazelcast_is_applied_explained_described_scaled_and_deleted() {
    let world = World::start().await;
    let kubectl = Kubectl::with(&world.server).await;
    let resources = kubectl.run("api-resources --api-group=hazelcast.com -o name").await;
    assert_eq!(
        resources,
        "hazelcastendpoints.hazelcast.com\nhazelcasts.hazelcast.com\nmanagementcenters.hazelcast.com"
    );
    let explained = kubectl.run("explain hazelcast.spec.clusterSize").await;
    assert!(
        explained.contains("FIELD: clusterSize <integer>") && explained.contains("How many members."),
        "{explained}"
    );
    let explained = kubectl.run("explain sts.spec.replicas").await;
    assert!(explained.contains("FIELD: replicas <integer>"), "{explained}");

    let library =
        "{apiVersion: hazelcast.com/v1alpha1, kind: Hazelcast, metadata: {name: library}, spec: {clusterSize: 2}}";
    kubectl.tells_with("apply -f -", library, "hazelcast.hazelcast.com/library created").await;
    kubectl.tells("wait --for=condition=Ready hz/library", "hazelcast.hazelcast.com/library condition met").await;
    kubectl.run("wait --for=jsonpath={.status.phase}=Running hz/library").await;
    let table = kubectl.run("get hz").await;
    assert!(table.starts_with("NAME      STATUS    MEMBERS\nlibrary   Running   2/2"), "{table}");
    kubectl.run("wait --for=create event --field-selector=involvedObject.name=library,reason=Settled").await;
    let described = kubectl.run("describe hz library").await;
    let (_, events) = described.rsplit_once("\nEvents:").expect("they are described");
    assert!(events.contains("Normal  Settled") && events.contains("every step is done"), "{described}");
    let refused = kubectl.fails_with("apply -f -", &library.replace("clusterSize: 2", "clusterSize: -2")).await;
    assert!(refused.contains("spec.clusterSize: Invalid value: -2"), "{refused}");
    kubectl.tells("scale hz library --replicas=3", "hazelcast.hazelcast.com/library scaled").await;
    kubectl.run("wait --for=jsonpath={.status.readyReplicas}=3 sts/library").await;
    // The host's finalizer is done with before kubectl comes back.
    kubectl.tells("delete hz library", "hazelcast.hazelcast.com \"library\" deleted from default namespace").await;
    kubectl.run("wait --for=delete sts/library svc/library").await;
}
