package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"syscall"
	"time"
)

// State is one component as `status` shows it.
type State struct {
	Name    string    `json:"name"`
	Running bool      `json:"running"`
	Since   time.Time `json:"since"`
	// Outcome says how it ended, where it does not run.
	Outcome string `json:"outcome,omitempty"`
	// Health is empty where it is well.
	Health string `json:"health,omitempty"`
}

// A socket's path may only be about a hundred bytes long, and a folder's any length: both sides name it from inside the folder.
const socket = "control.socket"

// How signals are called in commands.
var signals = map[string]syscall.Signal{
	"stop": syscall.SIGTERM, "kill": syscall.SIGKILL, "pause": syscall.SIGSTOP, "resume": syscall.SIGCONT,
}

// serveControl answers the commands that `status`, `component` and tests send.
func (s *supervisor) serveControl() error {
	if err := os.Chdir(string(s.folder)); err != nil {
		return err
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /components", func(w http.ResponseWriter, r *http.Request) { _ = json.NewEncoder(w).Encode(s.states(r.Context())) })
	mux.HandleFunc("POST /components/{name}/{action}", func(w http.ResponseWriter, r *http.Request) {
		if err := s.act(r.PathValue("name"), r.PathValue("action")); err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
		}
	})
	go func() { _ = http.Serve(listener, mux) }()
	return nil
}

func (s *supervisor) states(ctx context.Context) []State {
	var states []State
	for _, component := range s.components {
		state := State{Name: component.name}
		s.mu.Lock()
		process := s.processes[component.name]
		if process != nil {
			state.Running, state.Since = process.isRunning(), process.began
			if !state.Running {
				state.Outcome = process.outcome()
			}
		}
		s.mu.Unlock()
		if state.Running {
			if err := component.isHealthy(ctx); err != nil {
				state.Health = err.Error()
			}
		}
		states = append(states, state)
	}
	return states
}

func (s *supervisor) act(name, action string) error {
	index := slices.IndexFunc(s.components, func(c component) bool { return c.name == name })
	if index < 0 {
		return fmt.Errorf("there is no component `%s`", name)
	}
	if action == "start" {
		return s.launch(s.components[index])
	}
	signal, ok := signals[action]
	if !ok {
		return fmt.Errorf("a component cannot be told to `%s`", action)
	}
	if signal == syscall.SIGTERM || signal == syscall.SIGKILL {
		return s.halt(name, signal)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	process := s.processes[name]
	if process == nil || !process.isRunning() {
		return fmt.Errorf("%s does not run", name)
	}
	return process.command.Process.Signal(signal)
}

// ask sends a command to the bed that runs in a folder.
func (f Folder) ask(method, path string, answer any) error {
	if err := os.Chdir(string(f)); err != nil {
		return err
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}
	client := &http.Client{Timeout: startLimit, Transport: &http.Transport{DialContext: dial}}
	request, err := http.NewRequest(method, "http://bed"+path, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s", bytes.TrimSpace(body))
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(body, answer)
}
