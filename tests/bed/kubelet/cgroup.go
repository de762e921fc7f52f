package kubelet

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// The file that says, in either version of cgroups, how often the kernel ended a process for want of memory, and the line's word.
var killCounters = []struct{ file, word string }{{"memory.oom_control", "oom_kill"}, {"memory.events", "oom_kill"}}

// prepareCgroup makes the folder of all containers' cgroups. In version 2 children have limits only where the parent says so.
func prepareCgroup(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, parent := range []string{filepath.Dir(folder), folder} {
		control := filepath.Join(parent, "cgroup.subtree_control")
		if _, err := os.Stat(control); err != nil {
			continue
		}
		if err := os.WriteFile(control, []byte("+memory"), 0); err != nil {
			return err
		}
	}
	return nil
}

// limitMemory makes a cgroup in which processes together have so much memory and no more.
func limitMemory(folder string, bytes int64) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	limit := filepath.Join(folder, "memory.limit_in_bytes")
	if _, err := os.Stat(limit); err != nil {
		limit = filepath.Join(folder, "memory.max")
	}
	return os.WriteFile(limit, []byte(strconv.FormatInt(bytes, 10)), 0)
}

// ranOutOfMemory says whether the kernel ended a process of a cgroup for that.
func ranOutOfMemory(folder string) bool {
	for _, counter := range killCounters {
		text, err := os.ReadFile(filepath.Join(folder, counter.file))
		if err != nil {
			continue
		}
		for line := range bytes.Lines(text) {
			if words := strings.Fields(string(line)); len(words) == 2 && words[0] == counter.word && words[1] != "0" {
				return true
			}
		}
	}
	return false
}
