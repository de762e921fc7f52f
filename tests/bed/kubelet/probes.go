package kubelet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/probe"
	grpcprobe "k8s.io/kubernetes/pkg/probe/grpc"
	httpprobe "k8s.io/kubernetes/pkg/probe/http"
	tcpprobe "k8s.io/kubernetes/pkg/probe/tcp"
)

// How the API's probes speak over the network: with the kubelet's own code.
var (
	httpProber = httpprobe.New(false)
	tcpProber  = tcpprobe.New()
	grpcProber = grpcprobe.New()
)

// counter turns single answers into an opinion: so many good or bad ones in a row make it.
type counter struct {
	probe     *v1.Probe
	good, bad int32
}

// add counts an answer, and says whether the last ones make an opinion, which is the answer itself.
func (c *counter) add(good bool) bool {
	if good {
		c.good, c.bad = c.good+1, 0
		return c.good >= max(c.probe.SuccessThreshold, 1)
	}
	c.good, c.bad = 0, c.bad+1
	return c.bad >= max(c.probe.FailureThreshold, 1)
}

// probe asks a container's probes for as long as one run of it lasts: the startup probe until it is good, then the others.
func (p *pod) probe(ctx context.Context, c *container) {
	p.mu.Lock()
	process := c.process
	p.mu.Unlock()
	if process == nil {
		return
	}
	restart := func(probe *v1.Probe, kind string) {
		p.event(v1.EventTypeNormal, "Killing", fmt.Sprintf("Container %s failed %s probe, will be restarted", c.Name, kind))
		grace := p.grace()
		if probe.TerminationGracePeriodSeconds != nil {
			grace = time.Duration(*probe.TerminationGracePeriodSeconds) * time.Second
		}
		go p.stop(c, grace)
	}
	if c.StartupProbe != nil {
		isStarted := false
		p.ask(ctx, c, process, c.StartupProbe, "Startup", func(good bool) bool {
			if isStarted = good; good {
				p.change(c.begin)
			} else {
				restart(c.StartupProbe, "startup")
			}
			return true
		})
		if !isStarted {
			return
		}
	}
	if c.LivenessProbe != nil {
		go p.ask(ctx, c, process, c.LivenessProbe, "Liveness", func(good bool) bool {
			if !good {
				restart(c.LivenessProbe, "liveness")
			}
			return !good
		})
	}
	if c.ReadinessProbe != nil {
		p.ask(ctx, c, process, c.ReadinessProbe, "Readiness", func(good bool) bool {
			p.mu.Lock()
			differs := c.process == process && c.ready != good
			p.mu.Unlock()
			if differs {
				p.change(func() { c.ready = good })
			}
			return false
		})
	}
}

// ask asks one probe in its period, and tells of each opinion until it is told to stop.
func (p *pod) ask(ctx context.Context, c *container, process *process, probe *v1.Probe, kind string, tell func(good bool) (stop bool)) {
	opinion := counter{probe: probe}
	pause := time.Duration(probe.InitialDelaySeconds) * time.Second
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = time.Duration(max(probe.PeriodSeconds, 1)) * time.Second
		err := p.check(ctx, c, process, probe)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			p.event(v1.EventTypeWarning, "Unhealthy", kind+" probe failed: "+err.Error())
		}
		if good := err == nil; opinion.add(good) && tell(good) {
			return
		}
	}
}

// check asks a probe once.
func (p *pod) check(ctx context.Context, c *container, process *process, probe *v1.Probe) error {
	limit := time.Duration(max(probe.TimeoutSeconds, 1)) * time.Second
	switch action := probe.ProbeHandler; {
	case action.Exec != nil:
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		return p.runIn(ctx, process, action.Exec.Command)
	case action.HTTPGet != nil:
		return p.httpGet(c, action.HTTPGet, limit)
	case action.TCPSocket != nil:
		host, port, err := p.target(c, action.TCPSocket)
		if err != nil {
			return err
		}
		result, said, err := tcpProber.Probe(host, port, limit)
		return failure(result, said, err)
	case action.GRPC != nil:
		service := ""
		if action.GRPC.Service != nil {
			service = *action.GRPC.Service
		}
		result, said, err := grpcProber.Probe(p.ip(), service, int(action.GRPC.Port), limit)
		return failure(result, said, err)
	}
	return nil
}

func failure(result probe.Result, said string, err error) error {
	switch {
	case err != nil:
		return err
	case result == probe.Success || result == probe.Warning:
		return nil
	default:
		return errors.New(said)
	}
}

func (p *pod) ip() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.address
}

func (p *pod) target(c *container, action *v1.TCPSocketAction) (string, int, error) {
	port, err := probe.ResolveContainerPort(action.Port, &c.Container)
	host := action.Host
	if host == "" {
		host = p.ip()
	}
	return host, port, err
}

func (p *pod) httpGet(c *container, action *v1.HTTPGetAction, limit time.Duration) error {
	request, err := httpprobe.NewRequestForHTTPGetAction(action, &c.Container, p.ip(), "probe")
	if err != nil {
		return err
	}
	result, said, err := httpProber.Probe(request, limit)
	return failure(result, said, err)
}

// runHook runs what a container wants to have done before it is told to end.
func (p *pod) runHook(ctx context.Context, c *container, process *process, hook *v1.LifecycleHandler) error {
	switch {
	case hook.Exec != nil:
		return p.runIn(ctx, process, hook.Exec.Command)
	case hook.HTTPGet != nil:
		deadline, _ := ctx.Deadline()
		return p.httpGet(c, hook.HTTPGet, time.Until(deadline))
	case hook.TCPSocket != nil:
		host, port, err := p.target(c, hook.TCPSocket)
		if err != nil {
			return err
		}
		connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		if err == nil {
			err = connection.Close()
		}
		return err
	case hook.Sleep != nil:
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(hook.Sleep.Seconds) * time.Second):
		}
	}
	return nil
}

// runIn runs a command inside of a container to its end.
func (p *pod) runIn(ctx context.Context, process *process, command []string) error {
	made := inside(process, command)
	var output strings.Builder
	made.Stdout, made.Stderr = &output, &output
	if err := runGroup(ctx, made); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("command %q timed out", command)
		}
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(output.String()))
	}
	return nil
}

// inside is a command in the namespaces, root, environment and rights of a container's process.
func inside(process *process, command []string) *exec.Cmd {
	target := strconv.Itoa(process.handle.Pid)
	arguments := []string{"--target", target, "--mount", "--net", "--pid", "--uts", "--ipc", "--root", "--wd"}
	if process.user > 0 || process.group > 0 {
		arguments = append(arguments, "--setgid", strconv.Itoa(process.group), "--setuid", strconv.Itoa(process.user))
	}
	made := exec.Command("nsenter", append(append(arguments, "--"), command...)...)
	made.Env = process.environment
	made.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// Something it left in the background may hold its output open.
	made.WaitDelay = time.Second
	return made
}

// runGroup runs a command and, when the context ends first, ends it with all it has started: `nsenter` stands before the command
// itself.
func runGroup(ctx context.Context, command *exec.Cmd) error {
	if err := command.Start(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) })
	defer stop()
	return command.Wait()
}
