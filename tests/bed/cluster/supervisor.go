package cluster

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"k8s.io/client-go/kubernetes"
)

// How long a component may take to become healthy, and how long a cluster to become usable. Many times what they need on a small
// and busy machine.
const startLimit = 90 * time.Second

// How long components may take to end when they are asked to.
const endLimit = 10 * time.Second

// progress is one line over the pipe to `up`.
type progress struct {
	Step  string `json:"step,omitempty"`
	Ready bool   `json:"ready,omitempty"`
	// Failure, with its cause and hint, is the last word.
	Failure string `json:"failure,omitempty"`
	Cause   string `json:"cause,omitempty"`
	Hint    string `json:"hint,omitempty"`
}

// supervisor runs inside of the bed's namespaces and holds its components.
type supervisor struct {
	folder     Folder
	options    Options
	components []component

	mu        sync.Mutex
	processes map[string]*process
}

// process is a component while it runs and after.
type process struct {
	command *exec.Cmd
	began   time.Time
	ended   chan struct{}
	// asked says that somebody wanted it to end.
	asked bool
	err   error
}

// Supervise brings up a bed in the namespaces of the calling process, tells `up` about it, and holds it until it is asked to end.
func Supervise(folder Folder, options Options) error {
	report := json.NewEncoder(os.NewFile(3, "progress"))
	syscall.CloseOnExec(3)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	s := &supervisor{folder: folder, options: options, components: folder.components(options), processes: map[string]*process{}}
	defer s.end()
	err := s.start(ctx, func(step string) { _ = report.Encode(progress{Step: step}) })
	if err != nil {
		said := progress{Failure: err.Error()}
		var problem *Problem
		if errors.As(err, &problem) {
			said.Hint = problem.Hint
			if problem.Cause != nil {
				said.Cause = problem.Cause.Error()
			}
		}
		_ = report.Encode(said)
		return err
	}
	_ = report.Encode(progress{Ready: true})
	<-ctx.Done()
	return nil
}

func (s *supervisor) start(ctx context.Context, say func(string)) error {
	say("network")
	if err := buildNetwork(); err != nil {
		return &Problem{What: "failed to make the bed's network", Cause: err, Hint: "network namespaces, bridges and veth pairs need a kernel that has them, and the right to use them"}
	}
	if err := s.folder.writeIdentities(); err != nil {
		return &Problem{What: "failed to make certificates", Cause: err}
	}
	for name, text := range s.folder.configuration() {
		if err := os.WriteFile(s.folder.path(name), []byte(text), 0o644); err != nil {
			return &Problem{What: "failed to write the configuration", Cause: err}
		}
	}
	if err := s.serveControl(); err != nil {
		return &Problem{What: "failed to listen for commands", Cause: err}
	}
	for _, component := range s.components {
		if !component.isFoundation {
			continue
		}
		say(component.name)
		if err := s.launch(component); err != nil {
			return err
		}
		if err := s.await(ctx, component.name+" to be healthy", component.isHealthy); err != nil {
			return err
		}
	}
	client, err := s.folder.client()
	if err != nil {
		return &Problem{What: "failed to make a client", Cause: err}
	}
	if err := s.await(ctx, "the API server to take objects", func(ctx context.Context) error { return createObjects(ctx, client) }); err != nil {
		return err
	}
	return s.startOthers(ctx, say, client)
}

func (s *supervisor) startOthers(ctx context.Context, say func(string), client kubernetes.Interface) error {
	for _, component := range s.components {
		if component.isFoundation {
			continue
		}
		say(component.name)
		if err := s.launch(component); err != nil {
			return err
		}
	}
	for _, component := range s.components {
		if err := s.await(ctx, component.name+" to be healthy", component.isHealthy); err != nil {
			return err
		}
	}
	say("nodes")
	return s.await(ctx, "the cluster to be usable", func(ctx context.Context) error {
		if what := lacks(ctx, client, s.options.Nodes); what != "" {
			return errors.New(what)
		}
		return nil
	})
}

var healthClient = &http.Client{
	Timeout: 2 * time.Second,
	// Components sign their own certificates; nobody else can be at their addresses.
	Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true},
}

func (c component) isHealthy(ctx context.Context) error {
	if c.health == "" {
		return nil
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.health, nil)
	if err != nil {
		return err
	}
	response, err := healthClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", c.health, response.Status)
	}
	return nil
}

// await asks until the answer is good. A component that ends meanwhile is the reason why it never will be.
func (s *supervisor) await(ctx context.Context, what string, ask func(context.Context) error) error {
	deadline := time.Now().Add(startLimit)
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		if dead := s.firstDead(); dead != nil {
			return dead
		}
		if time.Now().After(deadline) {
			return &Problem{What: fmt.Sprintf("waited %s for %s", startLimit, what), Cause: err, Hint: "logs are in " + s.folder.path("log")}
		}
		select {
		case <-ctx.Done():
			return &Problem{What: "was asked to end before the bed was up"}
		case <-time.After(pollInterval):
		}
	}
}

// firstDead is the failure of a component that ended by itself.
func (s *supervisor) firstDead() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, component := range s.components {
		process := s.processes[component.name]
		if process == nil || process.asked || process.isRunning() {
			continue
		}
		return &Problem{
			What:  fmt.Sprintf("%s ended at its start: %s", component.name, process.outcome()),
			Cause: fmt.Errorf("the end of its log is\n%s", s.folder.logTail(component.name, 15)),
			Hint:  "the whole log is " + s.folder.log(component.name),
		}
	}
	return nil
}

func (p *process) isRunning() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// outcome says how an ended process ended.
func (p *process) outcome() string {
	if p.err == nil {
		return "exit status 0"
	}
	return p.err.Error()
}

// launch starts a component that does not run.
func (s *supervisor) launch(component component) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.processes[component.name]; old != nil && old.isRunning() {
		return &Problem{What: component.name + " runs already"}
	}
	log, err := os.OpenFile(s.folder.log(component.name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	command := exec.Command("/proc/self/exe", append([]string{component.name}, component.arguments...)...)
	command.Stdout, command.Stderr, command.Dir = log, log, string(s.folder)
	if err := command.Start(); err != nil {
		return &Problem{What: "failed to start " + component.name, Cause: err}
	}
	started := &process{command: command, began: time.Now(), ended: make(chan struct{})}
	s.processes[component.name] = started
	go func() {
		err := command.Wait()
		s.mu.Lock()
		started.err = err
		s.mu.Unlock()
		close(started.ended)
	}()
	return nil
}

// halt ends a component with a signal and waits for it.
func (s *supervisor) halt(name string, how syscall.Signal) error {
	s.mu.Lock()
	process := s.processes[name]
	if process == nil || !process.isRunning() {
		s.mu.Unlock()
		return &Problem{What: name + " does not run"}
	}
	process.asked = true
	s.mu.Unlock()
	_ = process.command.Process.Signal(how)
	select {
	case <-process.ended:
	case <-time.After(endLimit):
		_ = process.command.Process.Kill()
		<-process.ended
	}
	return nil
}

// end ends all components: first those that others do not need.
func (s *supervisor) end() {
	for i := len(s.components) - 1; i >= 0; i-- {
		if s.components[i].isFoundation {
			_ = s.halt(s.components[i].name, syscall.SIGTERM)
			continue
		}
		// None of these keeps anything; asking them would only take time.
		_ = s.halt(s.components[i].name, syscall.SIGKILL)
	}
}
