package cluster

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// namespaces are those that a bed has of its own.
const namespaces = syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET

// Programs of the machine that a bed needs, and the package that usually brings them.
var programs = []struct{ name, brings, needer string }{
	{"nft", "nftables", "kube-proxy"},
	{"nsenter", "util-linux", "the kubelet"},
}

// Prerequisites says what the machine lacks, all at once.
func Prerequisites() error {
	if runtime.GOOS != "linux" {
		return &Problem{What: "a bed needs Linux", Hint: "its pods are processes in namespaces; run it in a virtual machine"}
	}
	if os.Geteuid() != 0 {
		return &Problem{What: "a bed needs root", Hint: "it makes namespaces and mounts: run the command with `sudo`"}
	}
	var missing []error
	packages := ""
	for _, program := range programs {
		if _, err := exec.LookPath(program.name); err != nil {
			missing = append(missing, fmt.Errorf("no `%s` on the path, which %s runs", program.name, program.needer))
			packages += " " + program.brings
		}
	}
	if len(missing) > 0 {
		return &Problem{What: "programs are missing on this machine", Cause: errors.Join(missing...), Hint: "install" + packages}
	}
	// Any program that ends at once: root in a container is often not allowed what a bed begins with.
	probe := exec.Command("nsenter", "--version")
	probe.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces}
	if err := probe.Run(); err != nil {
		return &Problem{What: "this machine does not let us make namespaces", Cause: err, Hint: "a bed needs the rights of root on the machine, not only in a container"}
	}
	return nil
}
