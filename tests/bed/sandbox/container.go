// Package sandbox holds the first steps of processes that get namespaces of their own: of a container, and of the bed
// itself. It is built into a small program of its own, because each container begins with it: the program with the
// control plane takes a tenth of a second to start, this one a few milliseconds.
package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"syscall"

	securejoin "github.com/cyphar/filepath-securejoin"
	"golang.org/x/sys/unix"
)

// FailureDescriptor is the file to which a container's first process writes why the command could not be started. It is
// closed by a successful exec, so whoever reads its other end sees an end without a word.
const FailureDescriptor = 3

// Mount is a file or folder of the machine that a container sees at a place of its own.
type Mount struct {
	Source   string `json:"source"`
	Target   string `json:"target"`
	ReadOnly bool   `json:"readOnly"`
}

// Container says what a container is made of. It travels as JSON over standard input.
type Container struct {
	// Root is an empty folder on which the container's root is built.
	Root string `json:"root"`
	// NetworkNamespace is the file of the pod's network namespace; empty to stay in the caller's.
	NetworkNamespace string `json:"networkNamespace"`
	// Cgroup is a folder below the memory controller; empty where there is no limit.
	Cgroup   string `json:"cgroup"`
	Hostname string `json:"hostname"`
	// Files are written into the new root: `/etc/hosts` and the like.
	Files        map[string]string `json:"files"`
	Mounts       []Mount           `json:"mounts"`
	Directory    string            `json:"directory"`
	Command      []string          `json:"command"`
	Environment  []string          `json:"environment"`
	User         int               `json:"user"`
	Group        int               `json:"group"`
	Groups       []int             `json:"groups"`
	ReadOnlyRoot bool              `json:"readOnlyRoot"`
}

// RunContainer turns the calling process, which has new mount, process, host name and IPC namespaces, into a container. It
// returns only where that failed; the reason is also written to the failure descriptor.
func RunContainer(input io.Reader) error {
	failure := os.NewFile(FailureDescriptor, "failure")
	unix.CloseOnExec(FailureDescriptor)
	var container Container
	err := json.NewDecoder(input).Decode(&container)
	if err == nil {
		err = container.run()
	}
	_, _ = io.WriteString(failure, err.Error())
	return err
}

func (c *Container) run() error {
	// Namespaces and the signal at the parent's death belong to a thread; exec must happen on the one that has them.
	runtime.LockOSThread()
	if c.Cgroup != "" {
		if err := os.WriteFile(filepath.Join(c.Cgroup, "cgroup.procs"), []byte("0"), 0); err != nil {
			return fmt.Errorf("failed to join the memory cgroup: %w", err)
		}
	}
	if c.NetworkNamespace != "" {
		if err := joinNetwork(c.NetworkNamespace); err != nil {
			return fmt.Errorf("failed to join the pod's network: %w", err)
		}
	}
	root, err := c.buildRoot()
	if err != nil {
		return err
	}
	for _, mount := range c.Mounts {
		if err := mount.bind(root); err != nil {
			return fmt.Errorf("failed to mount `%s` at `%s`: %w", mount.Source, mount.Target, err)
		}
	}
	if c.ReadOnlyRoot {
		if err := unix.Mount("", root, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
			return fmt.Errorf("failed to make the root read-only: %w", err)
		}
	}
	if err := enterRoot(root); err != nil {
		return fmt.Errorf("failed to enter the new root: %w", err)
	}
	if err := unix.Sethostname([]byte(c.Hostname)); err != nil {
		return fmt.Errorf("failed to set the host name: %w", err)
	}
	directory := c.Directory
	if directory == "" {
		directory = "/"
	}
	if err := os.Chdir(directory); err != nil {
		return fmt.Errorf("failed to enter the working directory: %w", err)
	}
	if err := c.becomeUser(); err != nil {
		return err
	}
	return c.exec()
}

func joinNetwork(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	return unix.Setns(int(file.Fd()), unix.CLONE_NEWNET)
}

// buildRoot lays a writable layer in memory over the machine's root, so that the programs of the machine are there and
// nothing a container writes leaves it.
func (c *Container) buildRoot() (string, error) {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return "", fmt.Errorf("failed to make mounts private: %w", err)
	}
	// An upper layer may not lie below its lower one, and the machine's root is above everything but another file system.
	if err := unix.Mount("tmpfs", c.Root, "tmpfs", 0, "mode=755"); err != nil {
		return "", fmt.Errorf("failed to mount the layer in memory: %w", err)
	}
	upper, work, root := filepath.Join(c.Root, "upper"), filepath.Join(c.Root, "work"), filepath.Join(c.Root, "root")
	for _, folder := range []string{upper, work, root} {
		if err := os.Mkdir(folder, 0o755); err != nil {
			return "", err
		}
	}
	if err := unix.Mount("overlay", root, "overlay", 0, "lowerdir=/,upperdir="+upper+",workdir="+work); err != nil {
		return "", fmt.Errorf("failed to mount the overlay: %w", err)
	}
	if err := unix.Mount("proc", root+"/proc", "proc", 0, ""); err != nil {
		return "", fmt.Errorf("failed to mount /proc: %w", err)
	}
	for _, folder := range []string{"/dev", "/sys"} {
		if err := unix.Mount(folder, root+folder, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			return "", fmt.Errorf("failed to mount %s: %w", folder, err)
		}
	}
	names := make([]string, 0, len(c.Files))
	for name := range c.Files {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		// The machine's own may be a link to somewhere else.
		_ = os.Remove(root + name)
		if err := os.WriteFile(root+name, []byte(c.Files[name]), 0o644); err != nil {
			return "", fmt.Errorf("failed to write `%s`: %w", name, err)
		}
	}
	return root, nil
}

func (m Mount) bind(root string) error {
	info, err := os.Stat(m.Source)
	if err != nil {
		return err
	}
	// `/var/run` is an absolute link to `/run`: followed as it stands it would lead out of the new root.
	target, err := securejoin.SecureJoin(root, m.Target)
	if err != nil {
		return err
	}
	if info.IsDir() {
		err = os.MkdirAll(target, 0o755)
	} else if err = os.MkdirAll(filepath.Dir(target), 0o755); err == nil {
		var file *os.File
		if file, err = os.OpenFile(target, os.O_CREATE, 0o644); err == nil {
			err = file.Close()
		}
	}
	if err != nil {
		return err
	}
	if err := unix.Mount(m.Source, target, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return err
	}
	if m.ReadOnly {
		return unix.Mount("", target, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, "")
	}
	return nil
}

func enterRoot(root string) error {
	if err := os.Chdir(root); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return err
	}
	return unix.Unmount(".", unix.MNT_DETACH)
}

func (c *Container) becomeUser() error {
	if c.User > 0 || c.Group > 0 || len(c.Groups) > 0 {
		if err := syscall.Setgroups(c.Groups); err != nil {
			return fmt.Errorf("failed to set groups: %w", err)
		}
	}
	if c.Group > 0 {
		if err := syscall.Setgid(c.Group); err != nil {
			return fmt.Errorf("failed to set the group: %w", err)
		}
	}
	if c.User > 0 {
		if err := syscall.Setuid(c.User); err != nil {
			return fmt.Errorf("failed to set the user: %w", err)
		}
		// Forgotten by the kernel with a change of user; without it the container would outlive the kubelet.
		if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
			return fmt.Errorf("failed to tie the container to the kubelet: %w", err)
		}
	}
	return nil
}

func (c *Container) exec() error {
	if len(c.Command) == 0 {
		return fmt.Errorf("no command specified")
	}
	os.Clearenv()
	for _, variable := range c.Environment {
		if name, value, ok := strings.Cut(variable, "="); ok {
			if err := os.Setenv(name, value); err != nil {
				return fmt.Errorf("failed to set `%s`: %w", name, err)
			}
		}
	}
	program, err := exec.LookPath(c.Command[0])
	if err != nil {
		return err
	}
	return fmt.Errorf("failed to start `%s`: %w", program, syscall.Exec(program, c.Command, os.Environ()))
}
