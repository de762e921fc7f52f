package smoke

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// One bed for all of these; each has a namespace of its own.
func TestBed(t *testing.T) {
	b := newBed(t)
	b.up()
	for _, part := range []struct {
		fact string
		show func(*bed)
	}{
		{"all_components_are_well", componentsAreWell},
		{"a_deployment_is_reached_over_its_service_by_name_and_from_outside_of_pods", deploymentIsReached},
		{"a_stateful_set_keeps_names_and_claims", statefulSetKeepsClaims},
		{"a_job_finds_its_environment_and_volumes", jobFindsItsEnvironment},
		{"a_failing_liveness_probe_restarts_and_a_failing_readiness_probe_takes_away_traffic", probesAct},
		{"init_containers_run_in_order_and_sidecars_end_with_their_pod", sidecarsEnd},
		{"logs_and_exec_and_copied_input_work", logsAndExecWork},
		{"a_deleted_pod_has_its_hook_and_its_grace_period", deletionIsGraceful},
		{"what_cannot_start_says_why", whatCannotStartSaysWhy},
		{"a_service_account_may_do_what_it_is_granted_and_the_audit_log_shows_it", rightsAreKept},
		{"the_api_server_may_go_and_come_back", apiServerReturns},
		{"helm_installs_a_chart", helmInstalls},
	} {
		t.Run(part.fact, func(t *testing.T) {
			inner := *b
			inner.t = t
			part.show(&inner)
		})
	}
}

func componentsAreWell(b *bed) {
	status := b.must("status")
	for _, name := range []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "coredns"} {
		if !strings.Contains(status, name+" ") {
			b.t.Errorf("%s is not in\n%s", name, status)
		}
	}
	// A second `up` leaves it as it is.
	b.up()
	b.expect("nodes", b.kubectl("get", "nodes", "-o", "name"), "node/node-1\nnode/node-2\nnode/node-3\n")
}

func deploymentIsReached(b *bed) {
	b.apply("deployment")
	b.wait("deployment", "condition=Available", "deployment/web")
	b.wait("deployment", "condition=Complete", "job/client")
	answer := b.kubectl("-n", "deployment", "logs", "job/client")
	if !strings.HasPrefix(answer, "web-") {
		b.t.Errorf("the client got %q", answer)
	}
	if outside := b.must("exec", "--", filepath.Join(b.programs, "standin"), "get", "http://web.deployment.svc.cluster.local"); !strings.HasPrefix(outside, "web-") {
		b.t.Errorf("outside of pods the answer is %q", outside)
	}
	var address string
	b.eventually("the load balancer's address", func() (string, bool) {
		address = b.ask("-n", "deployment", "get", "service", "balanced", "-o", "jsonpath={.status.loadBalancer.ingress[0].ip}")
		return address, strings.HasPrefix(address, "10.97.0.")
	})
	if balanced := b.must("exec", "--", filepath.Join(b.programs, "standin"), "get", "http://"+address); !strings.HasPrefix(balanced, "web-") {
		b.t.Errorf("over the load balancer the answer is %q", balanced)
	}
}

func statefulSetKeepsClaims(b *bed) {
	b.apply("statefulset")
	b.kubectl("-n", "statefulset", "rollout", "status", "statefulset/store", "--timeout="+patience.String())
	names := b.must("exec", "--", filepath.Join(b.programs, "standin"), "services", "_http._tcp.store.statefulset.svc.cluster.local")
	b.expect("the SRV record", names, "8080 store-0.store.statefulset.svc.cluster.local.\n8080 store-1.store.statefulset.svc.cluster.local.\n")
	before := b.kubectl("-n", "statefulset", "get", "pod", "store-1", "-o", "jsonpath={.metadata.uid}")
	b.kubectl("-n", "statefulset", "delete", "pod", "store-1")
	b.eventually("store-1 to be there again", func() (string, bool) {
		now := b.ask("-n", "statefulset", "get", "pod", "store-1", "-o", "jsonpath={.metadata.uid} {.status.phase}")
		return now, strings.HasSuffix(now, " Running") && !strings.HasPrefix(now, before)
	})
	written := b.kubectl("-n", "statefulset", "exec", "store-1", "-c", "store", "--", "cat", "/data/lives")
	b.expect("what both lives of store-1 have written", written, "store-1\nstore-1\n")
	b.kubectl("-n", "statefulset", "delete", "statefulset", "store")
	b.kubectl("-n", "statefulset", "delete", "pvc", "--all")
	b.eventually("the volumes to be gone", func() (string, bool) {
		left := b.ask("get", "pv", "-o", "name")
		return left, left == ""
	})
}

func jobFindsItsEnvironment(b *bed) {
	b.apply("job")
	b.wait("job", "condition=Complete", "job/look")
	want, err := os.ReadFile("testdata/job.golden")
	if err != nil {
		b.t.Fatal(err)
	}
	b.expect("what the job saw", b.kubectl("-n", "job", "logs", "job/look"), string(want))
}

func probesAct(b *bed) {
	b.apply("probes")
	b.wait("probes", "condition=Ready", "pod/fickle")
	b.kubectl("-n", "probes", "exec", "fickle", "--", "rm", "/tmp/ready")
	b.wait("probes", "condition=Ready=false", "pod/fickle")
	b.eventually("no ready endpoint", func() (string, bool) {
		ready := b.ask("-n", "probes", "get", "endpointslices", "-o", "jsonpath={.items[*].endpoints[*].conditions.ready}")
		return ready, ready == "false"
	})
	b.expect("restarts", b.kubectl("-n", "probes", "get", "pod", "fickle", "-o", "jsonpath={.status.containerStatuses[0].restartCount}"), "0")
	b.kubectl("-n", "probes", "exec", "fickle", "--", "rm", "/tmp/alive")
	b.wait("probes", "jsonpath={.status.containerStatuses[0].restartCount}=1", "pod/fickle")
	// It makes its files anew when it starts.
	b.wait("probes", "condition=Ready", "pod/fickle")
	b.expect("the log of the first run", b.kubectl("-n", "probes", "logs", "fickle", "--previous"), "begun\ntold to end\n")
}

func sidecarsEnd(b *bed) {
	b.apply("sidecar")
	b.wait("sidecar", "condition=Complete", "job/order")
	b.expect("the order of things", b.kubectl("-n", "sidecar", "logs", "job/order", "-c", "main"), "first\nside\nsecond\n")
	b.eventually("the sidecar to have ended", func() (string, bool) {
		reason := b.ask("-n", "sidecar", "get", "pods", "-o", "jsonpath={.items[0].status.initContainerStatuses[1].state.terminated.reason}")
		return reason, reason == "Completed"
	})
}

func logsAndExecWork(b *bed) {
	b.apply("talk")
	b.wait("talk", "condition=Ready", "pod/talker")
	b.expect("the last line", b.kubectl("-n", "talk", "logs", "talker", "--tail=1"), "three\n")
	b.eventually("the short one's start", func() (string, bool) {
		id := b.ask("-n", "talk", "get", "pod", "short", "-o", "jsonpath={.status.containerStatuses[0].containerID}")
		return id, strings.HasPrefix(id, "process://")
	})
	b.expect("a followed log", b.kubectl("-n", "talk", "logs", "short", "-f"), "one\ntwo\n")
	b.expect("who runs", b.kubectl("-n", "talk", "exec", "talker", "--", "sh", "-c", "id -u; hostname; echo $WORD"), "1000\ntalker\nspoken\n")
	command := b.command("exec", "--", "kubectl", "-n", "talk", "exec", "-i", "talker", "--", "sh", "-c", "cat; exit 3")
	command.Stdin = strings.NewReader("said\n")
	output, err := command.Output()
	b.expect("what was said", string(output), "said\n")
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 3 {
		b.t.Errorf("the command's exit code became %v", err)
	}
}

func deletionIsGraceful(b *bed) {
	folder := b.t.TempDir()
	if err := os.Chmod(folder, 0o777); err != nil {
		b.t.Fatal(err)
	}
	text, err := os.ReadFile("testdata/graceful.yaml")
	if err != nil {
		b.t.Fatal(err)
	}
	file := filepath.Join(b.t.TempDir(), "graceful.yaml")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(text), "FOLDER", folder)), 0o644); err != nil {
		b.t.Fatal(err)
	}
	b.kubectl("create", "namespace", "graceful")
	b.kubectl("-n", "graceful", "apply", "-f", file)
	b.wait("graceful", "condition=Ready", "pod/polite")
	b.wait("graceful", "condition=Ready", "pod/stubborn")
	b.kubectl("-n", "graceful", "delete", "pod", "polite", "stubborn")
	said, err := os.ReadFile(filepath.Join(folder, "said"))
	if err != nil {
		b.t.Fatal(err)
	}
	b.expect("the polite one's last words", string(said), "hook\nsignal\n")
	b.expect("pods", b.kubectl("-n", "graceful", "get", "pods", "-o", "name"), "")
}

func whatCannotStartSaysWhy(b *bed) {
	b.apply("broken")
	for pod, want := range map[string]string{
		"no-image": "ImagePullBackOff", "no-config": "CreateContainerConfigError", "root": "CreateContainerConfigError",
		"no-program": "RunContainerError", "crash": "CrashLoopBackOff",
	} {
		b.wait("broken", "jsonpath={.status.containerStatuses[0].state.waiting.reason}="+want, "pod/"+pod)
	}
	b.wait("broken", "jsonpath={.status.conditions[?(@.type==\"PodScheduled\")].reason}=Unschedulable", "pod/huge")
}

func rightsAreKept(b *bed) {
	b.apply("rights")
	b.wait("rights", "condition=Complete", "job/ask")
	said := b.kubectl("-n", "rights", "logs", "job/ask")
	if !strings.Contains(said, "configmap/kube-root-ca.crt\n") || !strings.Contains(said, "cannot list resource \"secrets\"") {
		b.t.Errorf("the service account was told\n%s", said)
	}
	audit, err := os.ReadFile(filepath.Join(b.folder, "log", "audit.log"))
	if err != nil {
		b.t.Fatal(err)
	}
	codes := map[string]float64{}
	for _, line := range strings.Split(strings.TrimSpace(string(audit)), "\n") {
		var event struct {
			Verb           string
			User           struct{ Username string }
			ObjectRef      struct{ Resource string }
			ResponseStatus struct{ Code float64 }
		}
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			b.t.Fatalf("%v in %s", err, line)
		}
		if event.User.Username == "system:serviceaccount:rights:asker" && event.Verb == "list" {
			codes[event.ObjectRef.Resource] = event.ResponseStatus.Code
		}
	}
	if codes["configmaps"] != 200 || codes["secrets"] != 403 {
		b.t.Errorf("the audit log says %v", codes)
	}
}

func apiServerReturns(b *bed) {
	b.must("component", "kube-apiserver", "kill")
	if _, err := b.run("status"); err == nil || !strings.Contains(err.Error(), "not well") {
		b.t.Errorf("without an API server the status is %v", err)
	}
	b.must("component", "kube-apiserver", "start")
	b.eventually("the API server's answer", func() (string, bool) {
		ready := b.ask("get", "--raw", "/readyz")
		return ready, ready == "ok"
	})
	b.kubectl("create", "namespace", "after")
	b.eventually("controllers at work", func() (string, bool) {
		account := b.ask("-n", "after", "get", "serviceaccount", "default", "-o", "name")
		return account, account == "serviceaccount/default\n"
	})
}

func helmInstalls(b *bed) {
	chart, err := filepath.Abs("testdata/chart")
	if err != nil {
		b.t.Fatal(err)
	}
	b.must("exec", "--", "helm", "install", "greeter", chart, "--namespace", "charts", "--create-namespace", "--wait", "--timeout", patience.String())
	b.expect("replicas", b.kubectl("-n", "charts", "get", "deployment", "greeter", "-o", "jsonpath={.status.availableReplicas}"), "1")
	b.must("exec", "--", "helm", "uninstall", "greeter", "--namespace", "charts", "--wait")
	b.expect("deployments", b.kubectl("-n", "charts", "get", "deployments", "-o", "name"), "")
}
