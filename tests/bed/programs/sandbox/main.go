// The first process of a container (`sandbox container`, described on standard input), and of a whole bed
// (`sandbox bed RECORD COMMAND...`). Not for people: the kubelet and `bed up` start it.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"filbert.dev/tests/bed/sandbox"
)

func main() {
	switch arguments := os.Args[1:]; {
	case len(arguments) == 1 && arguments[0] == "container":
		// Returns only with a failure.
		fmt.Fprintln(os.Stderr, "error:", sandbox.RunContainer(os.Stdin))
		os.Exit(128)
	case len(arguments) > 2 && arguments[0] == "bed":
		code, err := sandbox.Reap(arguments[2:], func(self sandbox.Process) error { return record(arguments[1], self) })
		if err != nil {
			fmt.Fprintln(os.Stderr, "error:", err)
			os.Exit(1)
		}
		os.Exit(code)
	default:
		fmt.Fprintln(os.Stderr, "usage: sandbox container | sandbox bed RECORD COMMAND...")
		os.Exit(2)
	}
}

// record writes who the bed's first process is, so that `down` finds it; whole or not at all.
func record(path string, self sandbox.Process) error {
	text, err := json.Marshal(self)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", text, 0o644); err != nil {
		return fmt.Errorf("failed to write the bed's record: %w", err)
	}
	return os.Rename(path+".new", path)
}
