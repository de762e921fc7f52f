package smoke

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// namespaces are those of the bed's own processes, as the machine numbers them.
func (b *bed) namespaces() (first int, found map[string]bool) {
	b.t.Helper()
	text, err := os.ReadFile(filepath.Join(b.folder, "bed.json"))
	if err != nil {
		b.t.Fatal(err)
	}
	var record struct{ Pid int }
	if err := json.Unmarshal(text, &record); err != nil {
		b.t.Fatal(err)
	}
	found = map[string]bool{}
	for _, kind := range []string{"net", "mnt", "pid_for_children"} {
		name, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(record.Pid), "ns", kind))
		if err != nil {
			b.t.Fatal(err)
		}
		found[name] = true
	}
	return record.Pid, found
}

// inside lists the processes of the whole machine that are in one of these namespaces.
func inside(namespaces map[string]bool) (found []string) {
	links, _ := filepath.Glob("/proc/[0-9]*/ns/*")
	for _, link := range links {
		if hasEnded(filepath.Dir(filepath.Dir(link))) {
			continue
		}
		if name, err := os.Readlink(link); err == nil && namespaces[name] {
			line, _ := os.ReadFile(filepath.Join(filepath.Dir(filepath.Dir(link)), "cmdline"))
			found = append(found, link+" of "+strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}

// nothingIsLeft looks at the whole machine for processes in namespaces, mounts, cgroups and names of network namespaces.
func (b *bed) nothingIsLeft(namespaces map[string]bool) {
	b.t.Helper()
	for _, process := range inside(namespaces) {
		b.t.Errorf("still in a namespace of the bed: %s", process)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		b.t.Fatal(err)
	}
	if strings.Contains(string(mounts), b.folder) {
		b.t.Errorf("mounts are left:\n%s", mounts)
	}
}

// hasEnded says that a process is gone, or only waits for the machine's first process to notice. The first process of a bed gets
// there when all others have ended.
func hasEnded(process string) bool {
	stat, err := os.ReadFile(filepath.Join(process, "stat"))
	return err != nil || strings.Contains(string(stat), ") Z ")
}

func (b *bed) noCgroupIsLeft(before []string) {
	b.t.Helper()
	if left := cgroups(); len(left) > len(before) {
		b.t.Errorf("cgroups are left: %v, and there were %v before", left, before)
	}
}

func cgroups() []string {
	var found []string
	for _, pattern := range []string{"/sys/fs/cgroup/filbert-bed-*", "/sys/fs/cgroup/memory/filbert-bed-*"} {
		folders, _ := filepath.Glob(pattern)
		found = append(found, folders...)
	}
	return found
}

func TestDownLeavesNothingBehind(t *testing.T) {
	b := newBed(t)
	before := cgroups()
	b.up()
	b.apply("talk")
	b.wait("talk", "condition=Ready", "pod/talker")
	_, namespaces := b.namespaces()
	b.must("down")
	b.nothingIsLeft(namespaces)
	b.noCgroupIsLeft(before)
	if left, _ := filepath.Glob(b.folder + "*"); len(left) > 0 {
		t.Errorf("files are left: %v", left)
	}
	// Where there is none, there is nothing to do.
	b.must("down")
	if _, err := b.run("status"); err == nil || !strings.Contains(err.Error(), "no bed is up") {
		t.Errorf("after that the status is %v", err)
	}
	if _, err := b.run("exec", "--", "true"); err == nil || !strings.Contains(err.Error(), "no bed is up") {
		t.Errorf("after that a command fails with %v", err)
	}
}

func TestACrashedBedLeavesNoProcessAndTheNextUpRemovesTheRest(t *testing.T) {
	b := newBed(t)
	before := cgroups()
	b.up()
	b.apply("talk")
	b.wait("talk", "condition=Ready", "pod/talker")
	first, namespaces := b.namespaces()
	if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	// The others are killed by the kernel once their first process has ended, each in its own time.
	b.eventually("the end of all processes", func() (string, bool) {
		left := inside(namespaces)
		return strings.Join(left, "\n"), len(left) == 0 && hasEnded(filepath.Join("/proc", strconv.Itoa(first)))
	})
	b.nothingIsLeft(namespaces)
	b.up()
	b.expect("namespaces of the crashed one", b.kubectl("get", "namespaces", "-l", "kubernetes.io/metadata.name=talk", "-o", "name"), "")
	b.must("down")
	b.noCgroupIsLeft(before)
}

func TestAComponentThatEndsAtItsStartIsNamedWithTheEndOfItsLog(t *testing.T) {
	b := newBed(t)
	images := filepath.Join(t.TempDir(), "images.json")
	if err := os.WriteFile(images, []byte(`{"lamp": {"entrypiont": ["lamp"]}}`), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := b.run("up", "--images", images)
	if err == nil {
		t.Fatal("it came up")
	}
	for _, part := range []string{"error: kubelet ended at its start: exit status 1", "unknown field \"entrypiont\"", "hint: the whole log is "} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in\n%v", part, err)
		}
	}
	if _, err := b.run("status"); err == nil || !strings.Contains(err.Error(), "no bed is up") {
		t.Errorf("after that the status is %v", err)
	}
}

func TestDownLeavesAProcessAloneThatHasGotTheNumber(t *testing.T) {
	b := newBed(t)
	if err := os.MkdirAll(b.folder, 0o755); err != nil {
		t.Fatal(err)
	}
	// This test's own number, with another time of start.
	record, err := json.Marshal(map[string]int{"pid": os.Getpid(), "started": 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b.folder, "bed.json"), record, 0o644); err != nil {
		t.Fatal(err)
	}
	b.must("down")
	if _, err := os.Stat(b.folder); err == nil {
		t.Error("the folder is left")
	}
}

func TestAFolderOfSomethingElseIsNotRemoved(t *testing.T) {
	b := newBed(t)
	other := filepath.Join(b.folder, "letters")
	if err := os.MkdirAll(other, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, action := range []string{"up", "down"} {
		if _, err := b.run(action); err == nil || !strings.Contains(err.Error(), "is not the folder of a bed") {
			t.Errorf("%s says %v", action, err)
		}
	}
	if err := os.RemoveAll(b.folder); err != nil {
		t.Fatal(err)
	}
}
