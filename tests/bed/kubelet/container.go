package kubelet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	securejoin "github.com/cyphar/filepath-securejoin"
	v1 "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kubernetes/third_party/forked/golang/expansion"

	"filbert.dev/tests/bed/sandbox"
)

// role says when a container is started, and when again.
type role int

const (
	// regular ones run together, once all others have had their turn.
	regular role = iota
	// initial ones run one after the other, each to its end.
	initial
	// sidecar ones are started in the order of the initial ones, and run until the regular ones have ended.
	sidecar
)

// A container that ran so many times the first delay without ending has its delays begin anew.
const steadyFactor = 20

// Restarts wait at most so many times the first delay.
const longestFactor = 30

// Where containers find the programs that were built with the sandbox, whoever they run as; first on their path, so that the table
// of images names them without a folder.
const programsFolder = "/opt/filbert-bed"

// container is one of a pod's. Fields below the role are guarded by the pod's lock.
type container struct {
	v1.Container
	role role
	// begun is closed when it has started for the first time, its startup probe included.
	begun   chan struct{}
	isBegun bool

	state    v1.ContainerState
	last     v1.ContainerState
	restarts int32
	ready    bool
	started  bool
	process  *process
}

// process is one run of a container.
type process struct {
	id          string
	handle      *os.Process
	began       meta.Time
	environment []string
	user, group int
	log         string
	ended       chan struct{}
}

// startError is why a container cannot be started, in the words that the API has for it.
type startError struct {
	reason string
	cause  error
}

func (e *startError) Error() string { return e.cause.Error() }

func (e *startError) Unwrap() error { return e.cause }

// runsAgain says whether a container that ended with a code is to run again.
func (c *container) runsAgain(policy v1.RestartPolicy, code int32) bool {
	switch c.role {
	case sidecar:
		return true
	case initial:
		return code != 0 && policy != v1.RestartPolicyNever
	default:
		return policy == v1.RestartPolicyAlways || policy == v1.RestartPolicyOnFailure && code != 0
	}
}

// supervise runs a container until it need not run again; the result is its last exit code.
func (p *pod) supervise(c *container) int32 {
	// The kernel ends a container when the thread ends that started it, and so with the kubelet, as a lost node would.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	first := p.kubelet.options.backoff
	for delay := first; ; delay = min(2*delay, longestFactor*first) {
		process, command := p.startPatiently(c)
		if process == nil {
			return 137
		}
		ctx, stop := context.WithCancel(p.ctx)
		if c.role != initial {
			go p.probe(ctx, c)
		}
		err := command.Wait()
		stop()
		terminated := p.judge(c, process, command, err)
		again := p.ctx.Err() == nil && c.runsAgain(p.current().Spec.RestartPolicy, terminated.ExitCode)
		if time.Since(process.began.Time) > steadyFactor*first {
			delay = first
		}
		p.change(func() {
			c.ready, c.started, c.process = c.role == initial && terminated.ExitCode == 0, false, nil
			c.state = v1.ContainerState{Terminated: terminated}
			if again {
				c.last, c.restarts = c.state, c.restarts+1
				if delay > first {
					c.state = v1.ContainerState{Waiting: &v1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: fmt.Sprintf(
						"back-off %s restarting failed container=%s pod=%s_%s(%s)", delay, c.Name, p.name, p.namespace, p.uid)}}
				}
			}
		})
		close(process.ended)
		if !again || !p.wait(delay) {
			return terminated.ExitCode
		}
	}
}

// judge says how a run ended.
func (p *pod) judge(c *container, process *process, command *exec.Cmd, err error) *v1.ContainerStateTerminated {
	terminated := &v1.ContainerStateTerminated{Reason: "Completed", StartedAt: process.began, FinishedAt: meta.Now(), ContainerID: process.id}
	if err == nil {
		return terminated
	}
	terminated.Reason, terminated.ExitCode = "Error", 255
	if status, ok := command.ProcessState.Sys().(syscall.WaitStatus); ok {
		terminated.ExitCode = int32(status.ExitStatus())
		if status.Signaled() {
			terminated.ExitCode = 128 + int32(status.Signal())
		}
	}
	if folder := p.cgroup(c); folder != "" && terminated.ExitCode == 137 && ranOutOfMemory(folder) {
		terminated.Reason = "OOMKilled"
	}
	return terminated
}

// startPatiently tries to start a container until it succeeds or the pod is to end.
func (p *pod) startPatiently(c *container) (*process, *exec.Cmd) {
	said := ""
	for {
		process, command, err := p.start(c)
		if err == nil {
			return process, command
		}
		failed := &startError{"CreateContainerConfigError", err}
		_ = errors.As(err, &failed)
		if said != err.Error() {
			said = err.Error()
			p.event(v1.EventTypeWarning, "Failed", "Error: "+said)
			p.change(func() {
				c.state = v1.ContainerState{Waiting: &v1.ContainerStateWaiting{Reason: failed.reason, Message: said}}
			})
		}
		if !p.wait(p.kubelet.options.backoff) {
			return nil, nil
		}
	}
}

// start starts a container once.
func (p *pod) start(c *container) (*process, *exec.Cmd, error) {
	image, ok := p.kubelet.images.Find(c.Image)
	if !ok {
		return nil, nil, &startError{"ImagePullBackOff", fmt.Errorf("Back-off pulling image %q: not in the bed's table of images", c.Image)}
	}
	made, err := p.describe(c, image)
	if err != nil {
		return nil, nil, err
	}
	if made.Cgroup != "" {
		limit := c.Resources.Limits[v1.ResourceMemory]
		if err := limitMemory(made.Cgroup, limit.Value()); err != nil {
			return nil, nil, err
		}
	}
	p.mu.Lock()
	restarts := c.restarts
	p.mu.Unlock()
	folder := filepath.Join(p.logs, c.Name)
	if err := errors.Join(os.MkdirAll(folder, 0o755), os.MkdirAll(made.Root, 0o755)); err != nil {
		return nil, nil, err
	}
	file := filepath.Join(folder, fmt.Sprint(restarts, ".log"))
	output, err := os.Create(file)
	if err != nil {
		return nil, nil, err
	}
	defer output.Close()
	command, err := p.clone(made, output)
	if err != nil {
		return nil, nil, &startError{"RunContainerError", err}
	}
	started := &process{
		id: fmt.Sprintf("process://%s-%s-%d", p.uid, c.Name, restarts), handle: command.Process, began: meta.Now(),
		environment: made.Environment, user: made.User, group: made.Group, log: file, ended: make(chan struct{}),
	}
	p.change(func() {
		c.process = started
		c.state = v1.ContainerState{Running: &v1.ContainerStateRunning{StartedAt: started.began}}
		if c.StartupProbe == nil {
			c.begin()
		}
	})
	return started, command, nil
}

// begin marks a container as started. The pod's lock is held.
func (c *container) begin() {
	c.started, c.ready = true, c.ReadinessProbe == nil && c.role != initial
	if !c.isBegun {
		c.isBegun = true
		close(c.begun)
	}
}

// clone starts the sandbox program in new namespaces, and returns when it has become the container's command.
func (p *pod) clone(made *sandbox.Container, output *os.File) (*exec.Cmd, error) {
	text, err := json.Marshal(made)
	if err != nil {
		return nil, err
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer read.Close()
	command := exec.Command(p.kubelet.options.sandbox, "container")
	command.Stdin, command.Stdout, command.Stderr, command.ExtraFiles = bytes.NewReader(text), output, output, []*os.File{write}
	command.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC,
		Pdeathsig:  syscall.SIGKILL, Setsid: true,
	}
	err = command.Start()
	write.Close()
	if err != nil {
		return nil, err
	}
	failure, err := io.ReadAll(read)
	if err == nil && len(failure) == 0 {
		return command, nil
	}
	_ = command.Process.Kill()
	_ = command.Wait()
	return nil, fmt.Errorf("%s", failure)
}

// describe says what a container is made of.
func (p *pod) describe(c *container, image Image) (*sandbox.Container, error) {
	object := p.current()
	values, err := p.environment(&c.Container, image)
	if err != nil {
		return nil, err
	}
	expand := expansion.MappingFuncFor(values)
	made := &sandbox.Container{
		Root: filepath.Join(p.folder, "roots", c.Name), Hostname: p.hostname(), Directory: c.WorkingDir, Environment: assignments(values),
		Command: image.commandLine(c.Command, c.Args), Cgroup: p.cgroup(c), Files: p.files(object),
	}
	made.Mounts = append(made.Mounts, sandbox.Mount{Source: filepath.Dir(p.kubelet.options.sandbox), Target: programsFolder, ReadOnly: true})
	for i, word := range made.Command {
		made.Command[i] = expansion.Expand(word, expand)
	}
	if made.Directory == "" {
		made.Directory = image.Directory
	}
	if !object.Spec.HostNetwork {
		made.NetworkNamespace = p.kubelet.network.file(p.networkName())
	}
	for _, mount := range c.VolumeMounts {
		source, err := p.volumeFolder(mount.Name)
		if err != nil {
			return nil, err
		}
		if below := expansion.Expand(mount.SubPathExpr, expand) + mount.SubPath; below != "" {
			if source, err = subPath(source, below); err != nil {
				return nil, err
			}
		}
		made.Mounts = append(made.Mounts, sandbox.Mount{Source: source, Target: mount.MountPath, ReadOnly: mount.ReadOnly})
	}
	if err := applySecurity(made, image, object.Spec.SecurityContext, c.SecurityContext); err != nil {
		return nil, err
	}
	return made, nil
}

// subPath is a place inside of a volume, made where it is missing, and never outside of it.
func subPath(volume, below string) (string, error) {
	path, err := securejoin.SecureJoin(volume, below)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return path, os.MkdirAll(path, 0o777)
	}
	return path, nil
}

// applySecurity says as whom a container runs: what it says itself, else what its pod says, else its image.
func applySecurity(made *sandbox.Container, image Image, pod *v1.PodSecurityContext, own *v1.SecurityContext) error {
	made.User = image.User
	nonRoot := false
	choose := func(user, group *int64, must *bool) {
		if user != nil {
			made.User = int(*user)
		}
		if group != nil {
			made.Group = int(*group)
		}
		if must != nil {
			nonRoot = *must
		}
	}
	if pod != nil {
		choose(pod.RunAsUser, pod.RunAsGroup, pod.RunAsNonRoot)
		for _, group := range pod.SupplementalGroups {
			made.Groups = append(made.Groups, int(group))
		}
		if pod.FSGroup != nil {
			made.Groups = append(made.Groups, int(*pod.FSGroup))
		}
	}
	if own != nil {
		choose(own.RunAsUser, own.RunAsGroup, own.RunAsNonRoot)
		made.ReadOnlyRoot = own.ReadOnlyRootFilesystem != nil && *own.ReadOnlyRootFilesystem
	}
	if nonRoot && made.User == 0 {
		return errors.New("container has runAsNonRoot and image will run as root")
	}
	return nil
}

// cgroup is the folder of a container's memory limit; empty where it has none.
func (p *pod) cgroup(c *container) string {
	if _, limited := c.Resources.Limits[v1.ResourceMemory]; !limited || p.kubelet.options.cgroup == "" {
		return ""
	}
	return filepath.Join(p.kubelet.options.cgroup, p.uid+"-"+c.Name)
}

func (p *pod) hostname() string {
	if name := p.current().Spec.Hostname; name != "" {
		return name
	}
	return p.name
}

// files are those of a machine's that say who a pod is.
func (p *pod) files(object *v1.Pod) map[string]string {
	p.mu.Lock()
	address := p.address
	p.mu.Unlock()
	name := p.hostname()
	var hosts strings.Builder
	fmt.Fprintf(&hosts, "127.0.0.1 localhost\n::1 localhost\n%s ", address)
	if object.Spec.Subdomain != "" {
		fmt.Fprintf(&hosts, "%s.%s.%s.svc.cluster.local ", name, object.Spec.Subdomain, p.namespace)
	}
	fmt.Fprintln(&hosts, name)
	for _, alias := range object.Spec.HostAliases {
		fmt.Fprintln(&hosts, alias.IP, strings.Join(alias.Hostnames, " "))
	}
	resolver := fmt.Sprintf("nameserver %s\nsearch %s.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n", p.kubelet.options.dns, p.namespace)
	return map[string]string{"/etc/hosts": hosts.String(), "/etc/hostname": name + "\n", "/etc/resolv.conf": resolver}
}

// stop ends a container: its hook first, then a signal, and when the pod's grace period or the one given here is over, for good.
func (p *pod) stop(c *container, grace time.Duration) {
	p.mu.Lock()
	process := c.process
	p.mu.Unlock()
	if process == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	go func() {
		select {
		case <-p.kill:
			cancel()
		case <-ctx.Done():
		}
	}()
	if c.Lifecycle != nil && c.Lifecycle.PreStop != nil && grace > 0 {
		if err := p.runHook(ctx, c, process, c.Lifecycle.PreStop); err != nil {
			p.event(v1.EventTypeWarning, "FailedPreStopHook", err.Error())
		}
	}
	p.signal(process, syscall.SIGTERM)
	select {
	case <-process.ended:
		return
	case <-ctx.Done():
	}
	p.signal(process, syscall.SIGKILL)
	<-process.ended
}

func (p *pod) signal(process *process, how syscall.Signal) {
	if err := process.handle.Signal(how); err != nil && !errors.Is(err, os.ErrProcessDone) {
		log.Printf("failed to signal %s: %v", process.id, err)
	}
}
