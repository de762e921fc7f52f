// Package smoke brings up a whole bed and looks at what works in it, and that nothing is left of it after.
// `cargo xtask bed test` builds the programs and says where they are; without that these tests are skipped.
package smoke

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// How long anything may take to come about. Nothing is asserted about how long it does take.
const patience = 60 * time.Second

// bed is one under test.
type bed struct {
	t        *testing.T
	programs string
	folder   string
}

// newBed is a bed in a folder of its own that is not up; it is gone when the test ends, whatever the test did.
func newBed(t *testing.T) *bed {
	t.Helper()
	programs := os.Getenv("FILBERT_BED_PROGRAMS")
	if programs == "" {
		t.Skip("FILBERT_BED_PROGRAMS does not say where the programs are; `cargo xtask bed test` does")
	}
	b := &bed{t: t, programs: programs, folder: filepath.Join(t.TempDir(), "bed")}
	t.Cleanup(func() {
		if t.Failed() {
			b.showLogs()
		}
		if output, err := b.command("down").CombinedOutput(); err != nil {
			t.Errorf("down: %v\n%s", err, output)
		}
	})
	return b
}

func (b *bed) command(action string, arguments ...string) *exec.Cmd {
	return exec.Command(filepath.Join(b.programs, "bed"), append([]string{action, "--folder", b.folder}, arguments...)...)
}

// run runs a command of the bed to its end and answers what it printed.
func (b *bed) run(action string, arguments ...string) (output string, err error) {
	command := b.command(action, arguments...)
	var printed, complained bytes.Buffer
	command.Stdout, command.Stderr = &printed, &complained
	if err := command.Run(); err != nil {
		return printed.String(), fmt.Errorf("%s %v: %w\n%s", action, arguments, err, complained.String())
	}
	return printed.String(), nil
}

func (b *bed) must(action string, arguments ...string) string {
	b.t.Helper()
	output, err := b.run(action, arguments...)
	if err != nil {
		b.t.Fatal(err)
	}
	return output
}

// up brings it up with the project's images and some more, by name.
func (b *bed) up() {
	b.t.Helper()
	images, err := filepath.Abs("../images.json")
	if err != nil {
		b.t.Fatal(err)
	}
	b.must("up", "--images", images)
}

// kubectl runs the real one in the bed.
func (b *bed) kubectl(arguments ...string) string {
	b.t.Helper()
	return b.must("exec", append([]string{"--", "kubectl"}, arguments...)...)
}

// apply applies a file of testdata to a fresh namespace, which it answers.
func (b *bed) apply(name string) {
	b.t.Helper()
	file, err := filepath.Abs(filepath.Join("testdata", name+".yaml"))
	if err != nil {
		b.t.Fatal(err)
	}
	b.kubectl("create", "namespace", name)
	b.kubectl("-n", name, "apply", "-f", file)
}

// wait waits for what `kubectl wait` can wait for.
func (b *bed) wait(namespace, condition, object string) {
	b.t.Helper()
	output, err := b.run("exec", "--", "kubectl", "-n", namespace, "wait", "--for="+condition, object, "--timeout="+patience.String())
	if err != nil {
		described, _ := b.run("exec", "--", "kubectl", "-n", namespace, "describe", "pods")
		b.t.Fatalf("%v\n%s\n%s", err, output, described)
	}
}

// eventually asks until an answer is what is wanted.
func (b *bed) eventually(what string, ask func() (answer string, good bool)) {
	b.t.Helper()
	var answer string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		var good bool
		if answer, good = ask(); good {
			return
		}
	}
	b.t.Fatalf("waited %s for %s; the last answer is\n%s", patience, what, answer)
}

// ask is kubectl where a failure is an answer too.
func (b *bed) ask(arguments ...string) string {
	output, err := b.run("exec", append([]string{"--", "kubectl"}, arguments...)...)
	if err != nil {
		return err.Error()
	}
	return output
}

func (b *bed) showLogs() {
	logs, _ := filepath.Glob(filepath.Join(b.folder, "log", "*.log"))
	for _, log := range logs {
		if strings.HasSuffix(log, "audit.log") {
			continue
		}
		text, _ := os.ReadFile(log)
		lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
		b.t.Logf("%s ends with\n%s", filepath.Base(log), strings.Join(lines[max(len(lines)-20, 0):], "\n"))
	}
}

// expect compares texts that people would compare by eye.
func (b *bed) expect(what, got, want string) {
	b.t.Helper()
	if got != want {
		b.t.Fatalf("%s is\n%q\nand not\n%q", what, got, want)
	}
}
