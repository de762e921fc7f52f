package kubelet

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"slices"
	"time"

	v1 "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
)

// report writes the status whenever something changed, and again until the API server has taken it.
func (p *pod) report() {
	var written []byte
	for {
		text := p.statusText()
		if !bytes.Equal(text, written) {
			if err := p.patchStatus(text); err == nil || isGone(err) {
				written = text
			} else {
				log.Printf("failed to write the status of pod %s/%s: %v", p.namespace, p.name, err)
				time.AfterFunc(p.kubelet.options.backoff, func() { p.change(func() {}) })
			}
		}
		select {
		case <-p.gone:
			return
		case <-p.changed:
		}
	}
}

func (p *pod) writeStatus() error { return p.patchStatus(p.statusText()) }

func (p *pod) patchStatus(text []byte) error {
	_, err := p.kubelet.client.CoreV1().Pods(p.namespace).Patch(context.Background(), p.name, types.StrategicMergePatchType, text, meta.PatchOptions{}, "status")
	return err
}

// statusText is the status as a patch, which misses a later pod of the same name.
func (p *pod) statusText() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	status := p.status(meta.Now())
	conditions := make([]any, 0, len(status.Conditions))
	for _, condition := range status.Conditions {
		conditions = append(conditions, withoutOldWords(condition))
	}
	// Types of the API always have a JSON form.
	fields, _ := runtime.DefaultUnstructuredConverter.ToUnstructured(&status)
	fields["conditions"] = conditions
	text, _ := json.Marshal(map[string]any{"metadata": map[string]any{"uid": p.object.UID}, "status": fields})
	return text
}

// withoutOldWords is a condition as part of a patch. Patches merge conditions, those of others among them, and what one does not
// mention would stay: a condition that holds now would keep the reason why it did not.
func withoutOldWords(condition v1.PodCondition) map[string]any {
	words := func(text string) any {
		if text == "" {
			return nil
		}
		return text
	}
	return map[string]any{
		"type": condition.Type, "status": condition.Status, "lastTransitionTime": condition.LastTransitionTime,
		"observedGeneration": condition.ObservedGeneration, "reason": words(condition.Reason), "message": words(condition.Message),
	}
}

// status is what the API shows of a pod. The pod's lock is held.
func (p *pod) status(now meta.Time) v1.PodStatus {
	status := v1.PodStatus{
		Phase: p.phase, StartTime: &p.began, HostIP: p.node.address, HostIPs: []v1.HostIP{{IP: p.node.address}},
		ObservedGeneration: p.object.Generation, QOSClass: p.object.Status.QOSClass,
	}
	if p.address != "" {
		status.PodIP, status.PodIPs = p.address, []v1.PodIP{{IP: p.address}}
	}
	var unready []string
	for _, c := range p.containers {
		if c.role == regular {
			status.ContainerStatuses = append(status.ContainerStatuses, c.status())
		} else {
			status.InitContainerStatuses = append(status.InitContainerStatuses, c.status())
		}
		if c.role != initial && !c.ready {
			unready = append(unready, c.Name)
		}
	}
	isRunning := p.phase == v1.PodRunning
	reason, message := "ContainersNotReady", fmt.Sprintf("containers with unready status: %v", unready)
	if p.phase == v1.PodSucceeded {
		reason, message = "PodCompleted", ""
	}
	containersReady := isRunning && len(unready) == 0
	status.Conditions = []v1.PodCondition{
		p.condition(now, v1.PodReadyToStartContainers, p.address != "", "", ""),
		p.condition(now, v1.PodInitialized, p.initialized || len(p.with(initial, sidecar)) == 0, "ContainersNotInitialized", "containers with incomplete status"),
		p.condition(now, v1.ContainersReady, containersReady, reason, message),
		p.gatedCondition(now, containersReady, reason, message),
	}
	return status
}

func (p *pod) gatedCondition(now meta.Time, containersReady bool, reason, message string) v1.PodCondition {
	if containersReady && slices.Contains(gates(p.object), false) {
		return p.condition(now, v1.PodReady, false, "ReadinessGatesNotReady", "readiness gates are not met")
	}
	return p.condition(now, v1.PodReady, containersReady, reason, message)
}

// condition remembers since when it is as it is.
func (p *pod) condition(now meta.Time, kind v1.PodConditionType, holds bool, reason, message string) v1.PodCondition {
	made := v1.PodCondition{Type: kind, Status: v1.ConditionTrue, LastTransitionTime: now, ObservedGeneration: p.object.Generation}
	if !holds {
		made.Status, made.Reason, made.Message = v1.ConditionFalse, reason, message
	}
	if before, known := p.transitions[kind]; known && before.Status == made.Status {
		made.LastTransitionTime = before.LastTransitionTime
	}
	p.transitions[kind] = made
	return made
}

func (c *container) status() v1.ContainerStatus {
	started := c.started
	status := v1.ContainerStatus{
		Name: c.Name, Image: c.Image, ImageID: c.Image, Ready: c.ready, Started: &started, RestartCount: c.restarts,
		State: c.state, LastTerminationState: c.last,
	}
	switch {
	case c.process != nil:
		status.ContainerID = c.process.id
	case c.state.Terminated != nil:
		status.ContainerID = c.state.Terminated.ContainerID
	case c.last.Terminated != nil:
		status.ContainerID = c.last.Terminated.ContainerID
	}
	return status
}
