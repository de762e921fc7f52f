package kubelet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/remotecommand"
	utilexec "k8s.io/utils/exec"
)

// executor runs commands inside of one run of a container.
type executor struct{ process *process }

// ExecInContainer is what the streaming server calls for `kubectl exec`.
func (e executor) ExecInContainer(
	ctx context.Context, _ string, _ types.UID, _ string, command []string,
	in io.Reader, out, complaints io.WriteCloser, tty bool, resize <-chan remotecommand.TerminalSize, _ time.Duration,
) error {
	made := inside(e.process, command)
	if tty {
		return runTerminal(ctx, made, in, out, resize)
	}
	if out != nil {
		made.Stdout = out
	}
	if complaints != nil {
		made.Stderr = complaints
	}
	if in != nil {
		// Not `made.Stdin`: the command may end while its caller still has something to say.
		pipe, err := made.StdinPipe()
		if err != nil {
			return err
		}
		go func() {
			_, _ = io.Copy(pipe, in)
			_ = pipe.Close()
		}()
	}
	return exitError(runGroup(ctx, made))
}

// exitError is a command's exit code in the form in which the streaming server passes it on.
func exitError(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		return utilexec.CodeExitError{Err: err, Code: exit.ExitCode()}
	}
	return err
}

// runTerminal runs a command on a terminal of its own.
func runTerminal(ctx context.Context, command *exec.Cmd, in io.Reader, out io.Writer, resize <-chan remotecommand.TerminalSize) error {
	control, terminal, err := openTerminal()
	if err != nil {
		return fmt.Errorf("failed to make a terminal: %w", err)
	}
	defer control.Close()
	command.Stdin, command.Stdout, command.Stderr = terminal, terminal, terminal
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if in != nil {
		go func() { _, _ = io.Copy(control, in) }()
	}
	if resize != nil {
		go func() {
			for size := range resize {
				_ = unix.IoctlSetWinsize(int(control.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: size.Height, Col: size.Width})
			}
		}()
	}
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		// Ends with an error when the last process has closed the terminal, as terminals do.
		_, _ = io.Copy(out, control)
	}()
	err = command.Start()
	_ = terminal.Close()
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) })
	defer stop()
	err = command.Wait()
	select {
	case <-copied:
	case <-time.After(time.Second):
		// Something it left in the background still holds the terminal.
	}
	return exitError(err)
}

// openTerminal makes a pair: what we hold, and what the command has.
func openTerminal() (control, terminal *os.File, err error) {
	control, err = os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	number, err := unix.IoctlGetInt(int(control.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(control.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		terminal, err = os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|syscall.O_NOCTTY, 0)
	}
	if err != nil {
		return nil, nil, errors.Join(err, control.Close())
	}
	return control, terminal, nil
}

// forwarder connects streams with ports of one pod.
type forwarder struct{ pod *pod }

// PortForward is what the streaming server calls for `kubectl port-forward`.
func (f forwarder) PortForward(ctx context.Context, _ string, _ types.UID, port int32, stream io.ReadWriteCloser) error {
	defer stream.Close()
	connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(f.pod.ip(), strconv.Itoa(int(port))))
	if err != nil {
		return err
	}
	defer connection.Close()
	ended := make(chan error, 2)
	pass := func(to io.Writer, from io.Reader) {
		_, err := io.Copy(to, from)
		ended <- err
	}
	go pass(connection, stream)
	go pass(stream, connection)
	return <-ended
}
