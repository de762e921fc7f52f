package cluster

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// notUp is what commands answer that need a bed.
func (f Folder) notUp() error {
	return &Problem{What: fmt.Sprintf("no bed is up in `%s`", f), Hint: "cargo xtask bed up"}
}

// Exec becomes a command in the bed's network: with the cluster's names, addresses and kubeconfig, and `kubectl` and `helm` of the
// bed first on its path. It returns only where that failed.
func Exec(folder Folder, programs string, command []string) error {
	process, err := folder.running()
	if err != nil {
		return err
	}
	if process == nil {
		return folder.notUp()
	}
	// Namespaces belong to a thread; the thread that calls exec is the one that stays.
	runtime.LockOSThread()
	if err := enterNetwork(process.Number); err != nil {
		return &Problem{What: "failed to enter the bed's network", Cause: err, Hint: "this needs root"}
	}
	if err := folder.useNames(); err != nil {
		return &Problem{What: "failed to make the cluster's names known", Cause: err}
	}
	for name, value := range map[string]string{
		"KUBECONFIG":  folder.Kubeconfig(),
		"FILBERT_BED": string(folder),
		"PATH":        programs + string(filepath.ListSeparator) + os.Getenv("PATH"),
		"NO_PROXY":    "*",
	} {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	program, err := exec.LookPath(command[0])
	if err != nil {
		return &Problem{What: fmt.Sprintf("failed to find `%s`", command[0]), Cause: err}
	}
	return &Problem{What: fmt.Sprintf("failed to start `%s`", program), Cause: syscall.Exec(program, command, os.Environ())}
}

func enterNetwork(process int) error {
	file, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", process))
	if err != nil {
		return err
	}
	defer file.Close()
	return unix.Setns(int(file.Fd()), unix.CLONE_NEWNET)
}

// useNames lays the bed's resolver over the machine's, for this process and its children only.
func (f Folder) useNames() error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	target, err := filepath.EvalSymlinks("/etc/resolv.conf")
	if err != nil {
		// A machine without a resolver has nothing to lay it over.
		return nil
	}
	return unix.Mount(f.path("resolv.conf"), target, "", unix.MS_BIND, "")
}
