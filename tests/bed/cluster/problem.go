// Package cluster brings a bed up and down: it makes the namespaces, starts the components in them, and watches over them.
//
// A bed is one tree of processes in process, mount and network namespaces of its own. Nothing of it has a name outside (no
// entry below /run/netns, no mount, no open port), so beds never collide, and when the tree's first process ends, the kernel ends
// the rest. What is left for `down`, or for `up` after a crash, is a folder and the cgroups of containers.
package cluster

import (
	"errors"
	"fmt"
	"io"
)

// Problem is a failure told to a person: what failed, why, and what to do about it where that is known.
type Problem struct {
	What  string
	Cause error
	Hint  string
}

func (p *Problem) Error() string { return p.What }

func (p *Problem) Unwrap() error { return p.Cause }

// Report prints a failure with its causes and its hint.
func Report(to io.Writer, err error) {
	fmt.Fprintln(to, "error:", err)
	hint := ""
	for ; err != nil; err = errors.Unwrap(err) {
		problem, ok := err.(*Problem)
		if !ok {
			// Wrapped by `%w`: its text has the causes in it already.
			break
		}
		if problem.Cause != nil {
			fmt.Fprintln(to, "caused by:", problem.Cause)
		}
		if problem.Hint != "" {
			hint = problem.Hint
		}
	}
	if hint != "" {
		fmt.Fprintln(to, "hint:", hint)
	}
}
