package cluster

import (
	"errors"
	"os"
	"path/filepath"
	"time"
)

// Where the memory controller is: a hierarchy of its own (version 1), or the one of all controllers (version 2).
var memoryControllers = []string{"/sys/fs/cgroup/memory", "/sys/fs/cgroup"}

// cgroup is the folder below which containers with a memory limit get theirs; empty where the machine has no memory controller
// that we may use, and limits are not kept.
func (f Folder) cgroup() string {
	for _, controller := range memoryControllers {
		if _, err := os.Stat(filepath.Join(controller, "cgroup.procs")); err == nil {
			return filepath.Join(controller, f.identity())
		}
	}
	return ""
}

// removeCgroups removes what containers left. Processes that have just ended may hold theirs for a moment.
func (f Folder) removeCgroups() error {
	parent := f.cgroup()
	if parent == "" {
		return nil
	}
	var err error
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		children, _ := filepath.Glob(filepath.Join(parent, "*", "cgroup.procs"))
		for _, child := range children {
			_ = os.Remove(filepath.Dir(child))
		}
		if err = os.Remove(parent); err == nil || errors.Is(err, os.ErrNotExist) {
			return nil
		}
	}
	return err
}
