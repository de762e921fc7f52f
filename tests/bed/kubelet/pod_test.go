package kubelet

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	"sigs.k8s.io/yaml"

	"filbert.dev/tests/bed/sandbox"
)

// podFrom is a pod with an address that nothing has been started of, in a cluster with some objects.
func podFrom(t *testing.T, text string, objects ...runtime.Object) *pod {
	t.Helper()
	object := &v1.Pod{}
	if err := yaml.UnmarshalStrict([]byte(text), object); err != nil {
		t.Fatal(err)
	}
	object.UID, object.Namespace = "0123456789abcdef", "attic"
	folder := t.TempDir()
	k := &Kubelet{client: fake.NewClientset(objects...), options: options{folder: folder, logs: folder, backoff: time.Millisecond, sandbox: "/programs/sandbox"}}
	p := newPod(k, newNode(2), object)
	p.address = "10.244.2.9"
	return p
}

func objects() []runtime.Object {
	in := meta.ObjectMeta{Namespace: "attic"}
	named := func(name string) meta.ObjectMeta { in := in; in.Name = name; return in }
	api := &v1.Service{ObjectMeta: meta.ObjectMeta{Namespace: "default", Name: "kubernetes"}, Spec: v1.ServiceSpec{ClusterIP: "10.96.0.1", Ports: []v1.ServicePort{{Port: 443, Protocol: v1.ProtocolTCP}}}}
	own := &v1.Service{ObjectMeta: named("desk"), Spec: v1.ServiceSpec{ClusterIP: "10.96.0.7", Ports: []v1.ServicePort{{Port: 80, Protocol: v1.ProtocolTCP}}}}
	return []runtime.Object{
		api, own,
		&v1.ConfigMap{ObjectMeta: named("colours"), Data: map[string]string{"first": "red"}},
		&v1.Secret{ObjectMeta: named("keys"), Data: map[string][]byte{"door": []byte("brass")}},
	}
}

func TestEnvironmentHasAllSourcesAndTheLastOneWins(t *testing.T) {
	p := podFrom(t, `
metadata: {name: lamp, labels: {shape: round}}
spec:
  nodeName: node-2
  containers:
  - name: main
    resources: {limits: {memory: 64Mi}}
    envFrom: [{configMapRef: {name: colours}}, {secretRef: {name: keys}, prefix: KEY_}, {secretRef: {name: none, optional: true}}]
    env:
    - {name: A, value: "$(first) $(IMAGE) $(nobody) $$(first)"}
    - {name: first, value: blue}
    - {name: B, value: "$(first)"}
    - {name: C, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
    - {name: D, valueFrom: {fieldRef: {fieldPath: "metadata.labels['shape']"}}}
    - {name: E, valueFrom: {resourceFieldRef: {resource: limits.memory}}}
    - {name: F, valueFrom: {configMapKeyRef: {name: colours, key: none, optional: true}}}
`, objects()...)
	values, err := p.environment(&p.containers[0].Container, Image{Environment: map[string]string{"IMAGE": "own", "KEY_door": "lost"}})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"A": "red own $(nobody) $(first)", "first": "blue", "B": "blue", "C": "10.244.2.9", "D": "round", "E": "67108864", "KEY_door": "brass",
		"KUBERNETES_SERVICE_HOST": "10.96.0.1", "DESK_SERVICE_HOST": "10.96.0.7", "HOSTNAME": "lamp",
	} {
		if values[name] != want {
			t.Errorf("%s is %q and not %q", name, values[name], want)
		}
	}
	if value, ok := values["F"]; ok {
		t.Errorf("F is %q", value)
	}
}

func TestWithoutServiceLinksOnlyTheAPIServerIsKnown(t *testing.T) {
	p := podFrom(t, `{metadata: {name: lamp}, spec: {enableServiceLinks: false, containers: [{name: main}]}}`, objects()...)
	values, err := p.environment(&p.containers[0].Container, Image{})
	if err != nil {
		t.Fatal(err)
	}
	if values["KUBERNETES_SERVICE_HOST"] == "" || values["DESK_SERVICE_HOST"] != "" {
		t.Errorf("%v", values)
	}
}

func TestWhatIsMissingInAnEnvironmentIsNamed(t *testing.T) {
	for variable, want := range map[string]string{
		`{name: A, valueFrom: {configMapKeyRef: {name: none, key: first}}}`:   `configmaps "none" not found`,
		`{name: A, valueFrom: {configMapKeyRef: {name: colours, key: lost}}}`: "couldn't find key lost in ConfigMap attic/colours",
		`{name: A, valueFrom: {secretKeyRef: {name: keys, key: lost}}}`:       "couldn't find key lost in Secret attic/keys",
		`{name: A, valueFrom: {fieldRef: {fieldPath: spec.colour}}}`:          "unsupported fieldPath: spec.colour",
	} {
		p := podFrom(t, `{metadata: {name: lamp}, spec: {containers: [{name: main, env: [`+variable+`]}]}}`, objects()...)
		if _, err := p.environment(&p.containers[0].Container, Image{}); err == nil || err.Error() != want {
			t.Errorf("%s: %v", variable, err)
		}
	}
}

func TestVolumesHoldWhatTheirSourcesHold(t *testing.T) {
	p := podFrom(t, `
metadata: {name: lamp, labels: {shape: round}}
spec:
  containers: [{name: main}]
  volumes:
  - {name: plain, configMap: {name: colours}}
  - {name: picked, secret: {secretName: keys, defaultMode: 256, items: [{key: door, path: deep/front}]}}
  - {name: shape, downwardAPI: {items: [{path: shape, fieldRef: {fieldPath: "metadata.labels['shape']"}}]}}
  - {name: absent, secret: {secretName: none, optional: true}}
  - {name: scratch, emptyDir: {}}
`, objects()...)
	if err := p.setUpVolumes(); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{"plain/first": "red", "picked/deep/front": "brass", "shape/shape": "round"} {
		got, err := os.ReadFile(p.ownVolume(file))
		if err != nil || string(got) != want {
			t.Errorf("%s is %q, %v", file, got, err)
		}
	}
	info, err := os.Stat(p.ownVolume("picked/deep/front"))
	if err != nil || info.Mode().Perm() != 0o400 {
		t.Errorf("%v, %v", info, err)
	}
	if _, err := os.Stat(p.ownVolume("scratch")); err != nil {
		t.Error(err)
	}
}

func TestAVolumeThatCannotBeSetUpIsNamed(t *testing.T) {
	for source, want := range map[string]string{
		`secret: {secretName: none}`:                                `MountVolume.SetUp failed for volume "v" : secrets "none" not found`,
		`configMap: {name: colours, items: [{key: lost, path: a}]}`: `MountVolume.SetUp failed for volume "v" : configmap references non-existent config key: lost`,
		`nfs: {server: a, path: /b}`:                                `MountVolume.SetUp failed for volume "v" : the bed has no volumes of this type`,
		`hostPath: {path: /no/such/place}`:                          `MountVolume.SetUp failed for volume "v" : stat /no/such/place: no such file or directory`,
	} {
		p := podFrom(t, `{metadata: {name: lamp}, spec: {containers: [{name: main}], volumes: [{name: v, `+source+`}]}}`, objects()...)
		if err := p.setUpVolumes(); err == nil || err.Error() != want {
			t.Errorf("%s: %v", source, err)
		}
	}
}

func TestASubPathStaysInsideOfItsVolume(t *testing.T) {
	volume := t.TempDir()
	path, err := subPath(volume, "../../outside")
	if err != nil || path != filepath.Join(volume, "outside") {
		t.Errorf("%s, %v", path, err)
	}
}

func TestAContainerRunsAsWhomItSaysElseItsPodElseItsImage(t *testing.T) {
	number := func(n int64) *int64 { return &n }
	yes := true
	for _, c := range []struct {
		image Image
		pod   *v1.PodSecurityContext
		own   *v1.SecurityContext
		want  int
		fails bool
	}{
		{image: Image{User: 7}, want: 7},
		{image: Image{User: 7}, pod: &v1.PodSecurityContext{RunAsUser: number(8)}, want: 8},
		{image: Image{User: 7}, pod: &v1.PodSecurityContext{RunAsUser: number(8)}, own: &v1.SecurityContext{RunAsUser: number(9)}, want: 9},
		{image: Image{User: 7}, pod: &v1.PodSecurityContext{RunAsNonRoot: &yes}, want: 7},
		{own: &v1.SecurityContext{RunAsNonRoot: &yes}, fails: true},
	} {
		made := &sandbox.Container{}
		err := applySecurity(made, c.image, c.pod, c.own)
		if made.User != c.want || (err != nil) != c.fails {
			t.Errorf("%+v: %d, %v", c, made.User, err)
		}
	}
}

func TestWhatRunsAgainDependsOnRoleAndPolicyAndCode(t *testing.T) {
	for _, c := range []struct {
		role   role
		policy v1.RestartPolicy
		code   int32
		want   bool
	}{
		{regular, v1.RestartPolicyAlways, 0, true}, {regular, v1.RestartPolicyOnFailure, 0, false}, {regular, v1.RestartPolicyOnFailure, 1, true},
		{regular, v1.RestartPolicyNever, 1, false}, {initial, v1.RestartPolicyAlways, 0, false}, {initial, v1.RestartPolicyAlways, 1, true},
		{initial, v1.RestartPolicyNever, 1, false}, {sidecar, v1.RestartPolicyNever, 0, true},
	} {
		if got := (&container{role: c.role}).runsAgain(c.policy, c.code); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func TestAProbesOpinionTakesAnswersInARow(t *testing.T) {
	opinion := counter{probe: &v1.Probe{SuccessThreshold: 2, FailureThreshold: 3}}
	var made []bool
	for _, good := range []bool{true, true, false, false, true, false, false, false} {
		made = append(made, opinion.add(good))
	}
	want := []bool{false, true, false, false, false, false, false, true}
	if text, _ := json.Marshal(made); string(text) != string(must(json.Marshal(want))) {
		t.Errorf("%v", made)
	}
}

func must(text []byte, _ error) []byte { return text }

func TestStatusTellsOfEachContainerAndRemembersSinceWhen(t *testing.T) {
	p := podFrom(t, `{metadata: {name: lamp}, spec: {initContainers: [{name: first}], containers: [{name: main}, {name: other}]}}`)
	early, late := meta.NewTime(time.Unix(100, 0)), meta.NewTime(time.Unix(200, 0))
	before := p.status(early)
	if len(before.InitContainerStatuses) != 1 || len(before.ContainerStatuses) != 2 || before.Phase != v1.PodPending {
		t.Errorf("%+v", before)
	}
	p.phase, p.initialized = v1.PodRunning, true
	p.containers[1].ready = true
	partly := p.status(late)
	if ready := conditionOf(partly, v1.PodReady); ready.Status != v1.ConditionFalse || ready.Message != "containers with unready status: [other]" || ready.LastTransitionTime != early {
		t.Errorf("%+v", ready)
	}
	if initialized := conditionOf(partly, v1.PodInitialized); initialized.Status != v1.ConditionTrue || initialized.LastTransitionTime != late {
		t.Errorf("%+v", initialized)
	}
	p.containers[2].ready = true
	if ready := conditionOf(p.status(late), v1.PodReady); ready.Status != v1.ConditionTrue {
		t.Errorf("%+v", ready)
	}
}

func TestAReadinessGateKeepsAPodUnready(t *testing.T) {
	p := podFrom(t, `{metadata: {name: lamp}, spec: {readinessGates: [{conditionType: example.com/lit}], containers: [{name: main}]}}`)
	p.phase, p.containers[0].ready = v1.PodRunning, true
	now := meta.Now()
	if ready := conditionOf(p.status(now), v1.PodReady); ready.Reason != "ReadinessGatesNotReady" {
		t.Errorf("%+v", ready)
	}
	p.object.Status.Conditions = []v1.PodCondition{{Type: "example.com/lit", Status: v1.ConditionTrue}}
	if ready := conditionOf(p.status(now), v1.PodReady); ready.Status != v1.ConditionTrue {
		t.Errorf("%+v", ready)
	}
}

func conditionOf(status v1.PodStatus, kind v1.PodConditionType) v1.PodCondition {
	for _, condition := range status.Conditions {
		if condition.Type == kind {
			return condition
		}
	}
	return v1.PodCondition{}
}

func TestAPodEndsAsItsRegularContainersEnded(t *testing.T) {
	p := podFrom(t, `{metadata: {name: lamp}, spec: {containers: [{name: main}, {name: other}]}}`)
	ended := func(code int32) v1.ContainerState {
		return v1.ContainerState{Terminated: &v1.ContainerStateTerminated{ExitCode: code}}
	}
	p.containers[0].state, p.containers[1].state = ended(0), ended(0)
	if phase := p.outcome(); phase != v1.PodSucceeded {
		t.Error(phase)
	}
	p.containers[1].state = ended(3)
	if phase := p.outcome(); phase != v1.PodFailed {
		t.Error(phase)
	}
}

func TestAddressesAreNewForAsLongAsThereAreAny(t *testing.T) {
	pool := newAddressPool(4)
	first, err := pool.take()
	if err != nil || first != "10.244.4.2" {
		t.Fatalf("%s, %v", first, err)
	}
	pool.release(first)
	for number := 3; number <= lastHost; number++ {
		if address, err := pool.take(); err != nil || address == first {
			t.Fatalf("%s, %v", address, err)
		}
	}
	if again, err := pool.take(); err != nil || again != first {
		t.Errorf("%s, %v", again, err)
	}
	if address, err := pool.take(); err == nil {
		t.Errorf("%s is taken twice", address)
	}
}

func TestTheTailOfALogIsItsLastLines(t *testing.T) {
	for _, c := range []struct {
		text  string
		lines int
		want  string
	}{
		{"a\nb\nc\n", 1, "c\n"}, {"a\nb\nc\n", 2, "b\nc\n"}, {"a\nb\nc\n", 9, "a\nb\nc\n"}, {"a\nb\nc", 1, "c"}, {"a\nb\nc", 2, "b\nc"},
		{"a\nb\n", 0, ""}, {"", 3, ""}, {"\n\n", 1, "\n"},
	} {
		reader := strings.NewReader(c.text)
		if err := skipToTail(reader, c.lines); err != nil {
			t.Fatal(err)
		}
		if rest, _ := io.ReadAll(reader); string(rest) != c.want {
			t.Errorf("the last %d lines of %q are %q", c.lines, c.text, rest)
		}
	}
}

func TestALimitedLogEndsAtItsLimit(t *testing.T) {
	var out strings.Builder
	n, err := io.Copy(&limited{to: &out, left: 4}, strings.NewReader("abcdef"))
	if out.String() != "abcd" || n != 4 || err == nil {
		t.Errorf("%q, %d, %v", out.String(), n, err)
	}
}

func TestAClaimGetsAVolumeThatIsBoundToItAlone(t *testing.T) {
	class := "standard"
	claim := &v1.PersistentVolumeClaim{
		ObjectMeta: meta.ObjectMeta{Namespace: "attic", Name: "box", UID: "77", ResourceVersion: "5"},
		Spec:       v1.PersistentVolumeClaimSpec{StorageClassName: &class, AccessModes: []v1.PersistentVolumeAccessMode{v1.ReadWriteOnce}},
	}
	volume := volumeFor(claim, "/claims")
	if volume.Name != "pvc-77" || volume.Spec.HostPath.Path != "/claims/pvc-77" || volume.Spec.ClaimRef.UID != "77" || volume.Spec.StorageClassName != class {
		t.Errorf("%+v", volume)
	}
}

func TestOutOfMemoryIsReadFromEitherVersionOfCgroups(t *testing.T) {
	for _, c := range []struct {
		file, text string
		want       bool
	}{
		{"memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n", true}, {"memory.oom_control", "oom_kill_disable 0\noom_kill 0\n", false},
		{"memory.events", "low 0\noom 1\noom_kill 2\n", true}, {"memory.events", "oom 1\noom_kill 0\n", false}, {"other", "", false},
	} {
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, c.file), []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := ranOutOfMemory(folder); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
