package cluster

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"filbert.dev/tests/bed/sandbox"
)

// Folder is where a bed keeps everything: who it is, certificates, the database, volumes, logs.
type Folder string

// OpenFolder makes a path absolute, so that it means the same in every process of the bed.
func OpenFolder(path string) (Folder, error) {
	absolute, err := filepath.Abs(path)
	return Folder(absolute), err
}

func (f Folder) path(elements ...string) string {
	return filepath.Join(append([]string{string(f)}, elements...)...)
}

func (f Folder) record() string { return f.path("bed.json") }

// Kubeconfig is the administrator's. It works inside of the bed's network only.
func (f Folder) Kubeconfig() string { return f.kubeconfig("admin") }

func (f Folder) kubeconfig(user string) string { return f.path(user + ".kubeconfig") }

// AuditLog has a line for each request that the API server answered: who, what, and with which answer.
func (f Folder) AuditLog() string { return f.path("log", "audit.log") }

func (f Folder) log(component string) string { return f.path("log", component+".log") }

func (f Folder) certificate(name string) string { return f.path("certificates", name+".crt") }

func (f Folder) key(name string) string { return f.path("certificates", name+".key") }

// identity tells beds apart where they share a place: in the cgroups of the machine.
func (f Folder) identity() string {
	return fmt.Sprintf("filbert-bed-%x", sha256.Sum256([]byte(f)))[:len("filbert-bed-")+8]
}

// recorded is the bed's first process; nil where none was recorded.
func (f Folder) recorded() (*sandbox.Process, error) {
	text, err := os.ReadFile(f.record())
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var process sandbox.Process
	if err := json.Unmarshal(text, &process); err != nil {
		return nil, fmt.Errorf("`%s` cannot be read: %w", f.record(), err)
	}
	return &process, nil
}

// running is the bed's first process where it is alive.
func (f Folder) running() (*sandbox.Process, error) {
	process, err := f.recorded()
	if err != nil || process == nil || !process.IsAlive() {
		return nil, err
	}
	return process, nil
}

// lock keeps two commands from bringing the same bed up or down at once. It is released with the process at the latest.
func (f Folder) lock() (release func(), err error) {
	if err := os.MkdirAll(filepath.Dir(string(f)), 0o755); err != nil {
		return nil, err
	}
	// Beside the folder: that one comes and goes.
	path := string(f) + ".lock"
	for {
		file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
		if err != nil {
			return nil, err
		}
		if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			file.Close()
			return nil, &Problem{What: fmt.Sprintf("another command works on the bed in `%s`", f), Cause: err, Hint: "wait for it to end"}
		}
		held, err := file.Stat()
		if err != nil {
			return nil, err
		}
		// Whoever held it before has removed it while we opened it: what we hold is nobody's lock any more.
		if now, err := os.Stat(path); err == nil && os.SameFile(held, now) {
			return func() { _ = os.Remove(path); file.Close() }, nil
		}
		file.Close()
	}
}

// logTail is the end of a component's log, for a message.
func (f Folder) logTail(component string, lines int) string {
	text, err := os.ReadFile(f.log(component))
	if err != nil {
		return ""
	}
	all := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	if len(all) > lines {
		all = all[len(all)-lines:]
	}
	return strings.Join(all, "\n")
}
