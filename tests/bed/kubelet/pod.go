package kubelet

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A pod that says nothing about it has this long to end.
const defaultGrace = 30 * time.Second

// pod is one that runs here, from the moment it is bound to a node until it has ended and is cleared away.
type pod struct {
	kubelet   *Kubelet
	node      *node
	namespace string
	name      string
	uid       string
	folder    string
	logs      string
	began     meta.Time

	// ctx ends when the pod is to end: nothing is started after that.
	ctx    context.Context
	cancel context.CancelFunc
	// over is closed when everything has ended that `run` started.
	over chan struct{}
	// kill is closed when whatever still runs is to be killed.
	kill     chan struct{}
	killOnce sync.Once
	changed  chan struct{}
	// gone is closed when the pod is in the API no more.
	gone           chan struct{}
	networkRemoval sync.Once

	mu          sync.Mutex
	object      *v1.Pod
	address     string
	containers  []*container
	phase       v1.PodPhase
	initialized bool
	terminating bool
	graceGiven  time.Duration
	killTimer   *time.Timer
	transitions map[v1.PodConditionType]v1.PodCondition
	tokens      map[string]token
}

func newPod(k *Kubelet, n *node, object *v1.Pod) *pod {
	uid := string(object.UID)
	p := &pod{
		kubelet: k, node: n, namespace: object.Namespace, name: object.Name, uid: uid, object: object, began: meta.Now(), phase: v1.PodPending,
		folder: filepath.Join(k.options.folder, "pods", uid), logs: filepath.Join(k.options.logs, object.Namespace+"_"+object.Name+"_"+uid[:8]),
		over: make(chan struct{}), kill: make(chan struct{}), changed: make(chan struct{}, 1), gone: make(chan struct{}),
		transitions: map[v1.PodConditionType]v1.PodCondition{}, tokens: map[string]token{},
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	reason := "ContainerCreating"
	if len(object.Spec.InitContainers) > 0 {
		reason = "PodInitializing"
	}
	add := func(spec v1.Container, role role) {
		p.containers = append(p.containers, &container{
			Container: spec, role: role, begun: make(chan struct{}),
			state: v1.ContainerState{Waiting: &v1.ContainerStateWaiting{Reason: reason}},
		})
	}
	for _, spec := range object.Spec.InitContainers {
		if spec.RestartPolicy != nil && *spec.RestartPolicy == v1.ContainerRestartPolicyAlways {
			add(spec, sidecar)
		} else {
			add(spec, initial)
		}
	}
	for _, spec := range object.Spec.Containers {
		add(spec, regular)
	}
	return p
}

// current is the pod's newest form.
func (p *pod) current() *v1.Pod {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.object
}

// change changes what the status is made of, and has it reported.
func (p *pod) change(do func()) {
	p.mu.Lock()
	do()
	p.mu.Unlock()
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// update takes the newest form from the API: annotations and labels may have changed, and it may be deleted now.
func (p *pod) update(object *v1.Pod) {
	p.mu.Lock()
	gated := !slices.Equal(gates(p.object), gates(object))
	p.object = object
	p.mu.Unlock()
	if gated {
		p.change(func() {})
	}
	if object.DeletionTimestamp != nil {
		grace := defaultGrace
		if seconds := object.DeletionGracePeriodSeconds; seconds != nil {
			grace = time.Duration(*seconds) * time.Second
		}
		p.terminate(grace)
	}
}

// gates are those conditions that others set and readiness waits for.
func gates(object *v1.Pod) []bool {
	var met []bool
	for _, gate := range object.Spec.ReadinessGates {
		met = append(met, slices.ContainsFunc(object.Status.Conditions, func(c v1.PodCondition) bool {
			return c.Type == gate.ConditionType && c.Status == v1.ConditionTrue
		}))
	}
	return met
}

// run takes a pod through its life: network, volumes, init containers in order, then all others until they have ended.
func (p *pod) run() {
	defer close(p.over)
	if !p.prepare(p.setUpNetwork) || !p.prepare(p.setUpVolumes) {
		return
	}
	go p.refreshVolumes()
	var sidecars sync.WaitGroup
	defer sidecars.Wait()
	for _, c := range p.with(initial, sidecar) {
		if c.role == sidecar {
			sidecars.Go(func() { p.supervise(c) })
			select {
			case <-c.begun:
			case <-p.ctx.Done():
				return
			}
		} else if code := p.supervise(c); p.ctx.Err() != nil {
			return
		} else if code != 0 {
			p.finish(v1.PodFailed)
			return
		}
	}
	p.change(func() { p.initialized, p.phase = true, v1.PodRunning })
	var regulars sync.WaitGroup
	for _, c := range p.with(regular) {
		regulars.Go(func() { p.supervise(c) })
	}
	regulars.Wait()
	if p.ctx.Err() == nil {
		p.finish(p.outcome())
	}
}

// outcome is the phase of a pod whose regular containers have ended.
func (p *pod) outcome() v1.PodPhase {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.containers {
		if c.role == regular && (c.state.Terminated == nil || c.state.Terminated.ExitCode != 0) {
			return v1.PodFailed
		}
	}
	return v1.PodSucceeded
}

// finish ends the sidecars of a pod that has nothing left to do, and says how it ended.
func (p *pod) finish(phase v1.PodPhase) {
	p.cancel()
	p.stopSidecars(p.grace())
	p.tearDownNetwork()
	p.change(func() { p.phase = phase })
}

func (p *pod) with(roles ...role) []*container {
	var found []*container
	for _, c := range p.containers {
		if slices.Contains(roles, c.role) {
			found = append(found, c)
		}
	}
	return found
}

func (p *pod) grace() time.Duration {
	if seconds := p.current().Spec.TerminationGracePeriodSeconds; seconds != nil {
		return time.Duration(*seconds) * time.Second
	}
	return defaultGrace
}

// prepare tries a step until it succeeds or the pod is to end. Containers say what they wait for.
func (p *pod) prepare(step func() error) bool {
	said := ""
	for {
		err := step()
		if err == nil {
			return true
		}
		var failed *startError
		reason := "ContainerCreating"
		if errors.As(err, &failed) {
			reason = failed.reason
		}
		if said != err.Error() {
			said = err.Error()
			p.event(v1.EventTypeWarning, "FailedMount", said)
			p.change(func() {
				for _, c := range p.containers {
					c.state = v1.ContainerState{Waiting: &v1.ContainerStateWaiting{Reason: reason}}
				}
			})
		}
		if !p.wait(p.kubelet.options.backoff) {
			return false
		}
	}
}

// wait says whether the pod is still to live after so long.
func (p *pod) wait(long time.Duration) bool {
	select {
	case <-p.ctx.Done():
		return false
	case <-time.After(long):
		return true
	}
}

func (p *pod) networkName() string { return p.uid[:8] }

func (p *pod) setUpNetwork() error {
	object := p.current()
	if object.Spec.HostNetwork {
		p.change(func() { p.address = p.node.address })
		return nil
	}
	p.mu.Lock()
	address := p.address
	p.mu.Unlock()
	if address == "" {
		taken, err := p.node.addresses.take()
		if err != nil {
			return err
		}
		p.change(func() { p.address = taken })
		address = taken
	}
	err := p.kubelet.network.add(p.networkName(), address)
	if err != nil {
		_ = p.kubelet.network.remove(p.networkName(), address)
	}
	return err
}

func (p *pod) tearDownNetwork() {
	p.mu.Lock()
	address := p.address
	p.mu.Unlock()
	if p.current().Spec.HostNetwork || address == "" {
		return
	}
	// A second time the address may be another pod's.
	p.networkRemoval.Do(func() {
		if err := p.kubelet.network.remove(p.networkName(), address); err != nil {
			log.Printf("failed to remove the network of pod %s/%s: %v", p.namespace, p.name, err)
		}
		p.node.addresses.release(address)
	})
}

// terminate ends a pod: hooks, signal, and after the grace period the end of whatever is left. Called again it can only shorten
// that period.
func (p *pod) terminate(grace time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	first := !p.terminating
	if !first && grace >= p.graceGiven {
		return
	}
	p.terminating, p.graceGiven = true, grace
	if p.killTimer != nil {
		p.killTimer.Stop()
	}
	p.killTimer = time.AfterFunc(grace, func() { p.killOnce.Do(func() { close(p.kill) }) })
	if first {
		go p.end(grace)
	}
}

func (p *pod) end(grace time.Duration) {
	p.event(v1.EventTypeNormal, "Killing", "Stopping containers")
	p.cancel()
	var all sync.WaitGroup
	for _, c := range p.with(regular, initial) {
		all.Go(func() { p.stop(c, grace) })
	}
	all.Wait()
	p.stopSidecars(grace)
	<-p.over
	p.tearDownNetwork()
	p.clear()
	// Its last words, before it is gone.
	p.change(func() {
		if p.phase == v1.PodPending || p.phase == v1.PodRunning {
			p.phase = v1.PodFailed
		}
	})
	if err := p.writeStatus(); err != nil && !isGone(err) {
		log.Printf("failed to write the last status of pod %s/%s: %v", p.namespace, p.name, err)
	}
	object := p.current()
	p.kubelet.forget(object)
	p.kubelet.mu.Lock()
	delete(p.kubelet.pods, object.UID)
	p.kubelet.mu.Unlock()
	close(p.gone)
}

// stopSidecars ends them in the order opposite to their start.
func (p *pod) stopSidecars(grace time.Duration) {
	sidecars := p.with(sidecar)
	slices.Reverse(sidecars)
	for _, c := range sidecars {
		p.stop(c, grace)
	}
}

// clear removes what only the pod needed. Its logs stay for as long as the bed.
func (p *pod) clear() {
	for _, c := range p.containers {
		if folder := p.cgroup(c); folder != "" {
			_ = os.Remove(folder)
		}
	}
	if err := os.RemoveAll(p.folder); err != nil {
		log.Printf("failed to remove the folder of pod %s/%s: %v", p.namespace, p.name, err)
	}
}

// event tells about a pod, once and without waiting: nothing depends on it.
func (p *pod) event(kind, reason, message string) {
	object, now := p.current(), meta.Now()
	event := &v1.Event{
		ObjectMeta:     meta.ObjectMeta{Name: fmt.Sprintf("%s.%x", p.name, now.UnixNano()), Namespace: p.namespace},
		InvolvedObject: v1.ObjectReference{Kind: "Pod", APIVersion: "v1", Namespace: p.namespace, Name: p.name, UID: object.UID},
		Type:           kind, Reason: reason, Message: message, FirstTimestamp: now, LastTimestamp: now, Count: 1,
		Source: v1.EventSource{Component: "kubelet", Host: p.node.name},
	}
	go func() {
		if _, err := p.kubelet.client.CoreV1().Events(p.namespace).Create(context.Background(), event, meta.CreateOptions{}); err != nil {
			log.Printf("failed to write event %s of pod %s/%s: %v", reason, p.namespace, p.name, err)
		}
	}()
}

// isGone says that an object is no more, or that another one has its name now.
func isGone(err error) bool { return apierrors.IsNotFound(err) || apierrors.IsConflict(err) }
