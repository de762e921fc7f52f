package cluster

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

// Up brings a bed up and returns when a Pod can be created in it. What a crashed one left in the folder is removed first; where a
// bed runs there already it stays as it is.
func Up(folder Folder, options Options, say func(string)) error {
	if err := Prerequisites(); err != nil {
		return err
	}
	release, err := folder.lock()
	if err != nil {
		return err
	}
	defer release()
	running, err := folder.running()
	if err != nil {
		return err
	}
	if running != nil {
		say("a bed is up in " + string(folder))
		return nil
	}
	if _, err := os.Stat(folder.record()); err == nil {
		say("removing what an earlier bed left")
	}
	if err := folder.remove(); err != nil {
		return err
	}
	if err := os.MkdirAll(folder.path("log"), 0o755); err != nil {
		return &Problem{What: "failed to make the bed's folder", Cause: err}
	}
	err = folder.begin(options, say)
	if err != nil {
		// Its logs stay, for whoever looks for the reason; the next `up` or `down` removes them.
		_ = folder.endProcesses()
		_ = folder.removeCgroups()
	}
	return err
}

// begin starts the tree of processes and follows it until it is up.
func (f Folder) begin(options Options, say func(string)) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	log, err := os.Create(f.log("bed"))
	if err != nil {
		return err
	}
	defer log.Close()
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer read.Close()
	command := exec.Command(options.Sandbox, "bed", f.record(), program, "supervise",
		"--folder", string(f), fmt.Sprintf("--nodes=%d", options.Nodes), "--images", options.Images, "--sandbox", options.Sandbox)
	command.Stdout, command.Stderr, command.ExtraFiles = log, log, []*os.File{write}
	command.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces, Setsid: true}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	defer signal.Stop(signals)
	err = command.Start()
	write.Close()
	if err != nil {
		return &Problem{What: "failed to make the bed's namespaces", Cause: err, Hint: "this needs the rights of root on the machine, not only in a container"}
	}
	go func() {
		if _, ok := <-signals; ok {
			// Not left behind half made.
			_ = command.Process.Signal(syscall.SIGTERM)
		}
	}()
	// From here on nobody waits for it but the machine's first process; its record is how it is found.
	defer func() { _ = command.Process.Release() }()
	return f.follow(read, say)
}

func (f Folder) follow(from io.Reader, say func(string)) error {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var word progress
		if err := json.Unmarshal(lines.Bytes(), &word); err != nil {
			return err
		}
		switch {
		case word.Ready:
			return nil
		case word.Failure != "":
			problem := &Problem{What: word.Failure, Hint: word.Hint}
			if word.Cause != "" {
				problem.Cause = errors.New(word.Cause)
			}
			return problem
		default:
			say(word.Step)
		}
	}
	return &Problem{What: "the bed ended while it was coming up", Cause: fmt.Errorf("its log ends with\n%s", f.logTail("bed", 15))}
}

// Down ends a bed and removes all of it. Where none is, it does nothing and says so.
func Down(folder Folder) (wasThere bool, err error) {
	release, err := folder.lock()
	if err != nil {
		return false, err
	}
	defer release()
	if _, err := os.Stat(string(folder)); errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return true, folder.remove()
}

// remove ends the recorded bed, if it runs, and removes cgroups and the folder.
func (f Folder) remove() error {
	if _, err := os.Stat(string(f)); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	// A folder that is not a bed's, given by mistake, must not vanish.
	if entries, err := os.ReadDir(string(f)); err == nil && len(entries) > 0 && !f.isBed() {
		return &Problem{What: fmt.Sprintf("`%s` is not the folder of a bed", f), Hint: "give one that does not exist yet"}
	}
	if err := f.endProcesses(); err != nil {
		return &Problem{What: "failed to end the bed", Cause: err}
	}
	if err := f.removeCgroups(); err != nil {
		return &Problem{What: "failed to remove the bed's cgroups", Cause: err}
	}
	if err := os.RemoveAll(string(f)); err != nil {
		return &Problem{What: "failed to remove the bed's folder", Cause: err}
	}
	return nil
}

// isBed says whether a folder looks like one that `up` made.
func (f Folder) isBed() bool {
	for _, name := range []string{f.record(), f.log("bed")} {
		if _, err := os.Stat(name); err == nil {
			return true
		}
	}
	return false
}

// endProcesses asks the recorded process to end, and makes it. A process that has got its number since is left alone: signals go
// through a handle, and the time of start is looked at after the handle was opened.
func (f Folder) endProcesses() error {
	process, err := f.recorded()
	if err != nil || process == nil {
		return err
	}
	handle, err := os.FindProcess(process.Number)
	if err != nil {
		return nil
	}
	defer func() { _ = handle.Release() }()
	if !process.IsAlive() {
		return nil
	}
	for _, attempt := range []struct {
		signal syscall.Signal
		limit  time.Duration
	}{{syscall.SIGTERM, 2 * endLimit}, {syscall.SIGKILL, endLimit}} {
		if err := handle.Signal(attempt.signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return err
		}
		for deadline := time.Now().Add(attempt.limit); time.Now().Before(deadline); time.Sleep(pollInterval) {
			if !process.IsAlive() {
				return nil
			}
		}
	}
	return fmt.Errorf("process %d does not end", process.Number)
}
