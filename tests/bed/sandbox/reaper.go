package sandbox

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Process is a process as the machine knows it. A number alone may have been given to another process since; together with
// its time of start it is never anybody else's.
type Process struct {
	Number int `json:"pid"`
	// Started is counted in ticks since the machine started, as the kernel says it.
	Started uint64 `json:"started"`
}

// Self is the calling process, seen from where /proc was mounted.
func Self() (Process, error) {
	link, err := os.Readlink("/proc/self")
	if err != nil {
		return Process{}, err
	}
	number, err := strconv.Atoi(link)
	if err != nil {
		return Process{}, err
	}
	return Lookup(number)
}

// errEnded says that a process has ended, and only waits for its parent to notice.
var errEnded = errors.New("the process has ended")

// Lookup is the process that has a number now.
func Lookup(number int) (Process, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", number))
	if err != nil {
		return Process{}, err
	}
	started, err := startTime(string(text))
	return Process{Number: number, Started: started}, err
}

// IsAlive says whether this very process still runs.
func (p Process) IsAlive() bool {
	now, err := Lookup(p.Number)
	return err == nil && now == p
}

// startTime is the 22nd field of a process's `stat`, unless the third says that it has ended. The second one, its name, may contain
// anything, even `)`.
func startTime(stat string) (uint64, error) {
	const state, started = 3 - 3, 22 - 3
	end := strings.LastIndexByte(stat, ')')
	fields := strings.Fields(stat[end+1:])
	if end < 0 || len(fields) <= started {
		return 0, errors.New("the kernel's description of a process is cut short")
	}
	if fields[state] == "Z" || fields[state] == "X" {
		return 0, errEnded
	}
	return strconv.ParseUint(fields[started], 10, 64)
}

// Reap is the first process of a bed, which has new process, mount and network namespaces: it gives them their own /proc, runs
// one command, collects every process that lost its parent, and ends with the command. With it end, by the kernel's doing, all
// processes of the bed, and with the last of them its mounts and networks; so nothing of a bed can be left over.
//
// Before anything else it calls `announce` with itself as the machine knows it.
func Reap(command []string, announce func(Process) error) (int, error) {
	self, err := Self()
	if err != nil {
		return 0, fmt.Errorf("failed to look at /proc: %w", err)
	}
	if err := announce(self); err != nil {
		return 0, err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return 0, fmt.Errorf("failed to make mounts private: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return 0, fmt.Errorf("failed to mount /proc: %w", err)
	}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	child := exec.Command(command[0], command[1:]...)
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	// The pipe over which the bed says how its start went.
	child.ExtraFiles = []*os.File{os.NewFile(3, "progress")}
	if err := child.Start(); err != nil {
		return 0, fmt.Errorf("failed to start `%s`: %w", command[0], err)
	}
	for _, file := range child.ExtraFiles {
		_ = file.Close()
	}
	go func() {
		for received := range signals {
			_ = child.Process.Signal(received)
		}
	}()
	for {
		var status syscall.WaitStatus
		number, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return 0, fmt.Errorf("failed to wait for processes: %w", err)
		case number == child.Process.Pid && status.Signaled():
			return 128 + int(status.Signal()), nil
		case number == child.Process.Pid:
			return status.ExitStatus(), nil
		}
	}
}
