package kubelet

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"runtime"
	"time"

	coordination "k8s.io/api/coordination/v1"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/component-base/version"
)

// The port of every node's kubelet server.
const serverPort = 10250

// A lease is renewed every heartbeat; each so many of them the whole status is written, as kubelets do when nothing changed.
const (
	heartbeat        = 2 * time.Second
	heartbeatsStatus = 10
	leaseSeconds     = int32(20)
)

// node is one of those this kubelet serves.
type node struct {
	name      string
	address   string
	addresses *addressPool
}

func newNode(number int) *node {
	return &node{
		name:      fmt.Sprintf("node-%d", number),
		address:   fmt.Sprintf("10.244.%d.1", number),
		addresses: newAddressPool(number),
	}
}

// What a node claims to have: more than tests ask for, and little enough that a test can ask for too much.
var capacity = v1.ResourceList{
	v1.ResourceCPU:              resource.MustParse("32"),
	v1.ResourceMemory:           resource.MustParse("64Gi"),
	v1.ResourcePods:             resource.MustParse("110"),
	v1.ResourceEphemeralStorage: resource.MustParse("100Gi"),
}

func (n *node) object() *v1.Node {
	return &v1.Node{ObjectMeta: meta.ObjectMeta{Name: n.name, Labels: map[string]string{
		v1.LabelHostname: n.name, v1.LabelOSStable: "linux", v1.LabelArchStable: runtime.GOARCH,
		v1.LabelTopologyZone: "zone-" + n.name, v1.LabelTopologyRegion: "bed",
	}}}
}

func (n *node) status(since meta.Time) v1.NodeStatus {
	return v1.NodeStatus{
		Capacity: capacity, Allocatable: capacity,
		Addresses:       []v1.NodeAddress{{Type: v1.NodeInternalIP, Address: n.address}, {Type: v1.NodeHostName, Address: n.name}},
		DaemonEndpoints: v1.NodeDaemonEndpoints{KubeletEndpoint: v1.DaemonEndpoint{Port: serverPort}},
		NodeInfo: v1.NodeSystemInfo{
			KubeletVersion: version.Get().GitVersion, OperatingSystem: "linux", Architecture: runtime.GOARCH,
			OSImage: "processes of the machine", ContainerRuntimeVersion: "process://1",
		},
		Conditions: []v1.NodeCondition{{
			Type: v1.NodeReady, Status: v1.ConditionTrue, Reason: "KubeletReady", LastHeartbeatTime: meta.Now(), LastTransitionTime: since,
		}},
	}
}

// keepNode registers a node and keeps its lease and its status fresh, whatever becomes of the API server meanwhile.
func (k *Kubelet) keepNode(ctx context.Context, n *node) {
	since, registered := meta.Now(), false
	for beat := 0; ctx.Err() == nil; beat++ {
		if !registered {
			_, err := k.client.CoreV1().Nodes().Create(ctx, n.object(), meta.CreateOptions{})
			if registered = err == nil || errors.IsAlreadyExists(err); !registered {
				log.Printf("failed to register %s: %v", n.name, err)
			}
			beat = 0
		}
		if registered && beat%heartbeatsStatus == 0 {
			// Numbers, times and lists of our own types always have a JSON form.
			patch, _ := json.Marshal(map[string]any{"status": n.status(since)})
			if _, err := k.client.CoreV1().Nodes().Patch(ctx, n.name, types.StrategicMergePatchType, patch, meta.PatchOptions{}, "status"); err != nil {
				log.Printf("failed to write the status of %s: %v", n.name, err)
				registered = !errors.IsNotFound(err)
			}
		}
		if err := k.renewLease(ctx, n); err != nil {
			log.Printf("failed to renew the lease of %s: %v", n.name, err)
		}
		time.Sleep(heartbeat)
	}
}

func (k *Kubelet) renewLease(ctx context.Context, n *node) error {
	now, seconds := meta.NowMicro(), leaseSeconds
	spec := coordination.LeaseSpec{HolderIdentity: &n.name, LeaseDurationSeconds: &seconds, RenewTime: &now}
	patch, _ := json.Marshal(map[string]any{"spec": spec})
	leases := k.client.CoordinationV1().Leases(v1.NamespaceNodeLease)
	_, err := leases.Patch(ctx, n.name, types.MergePatchType, patch, meta.PatchOptions{})
	if errors.IsNotFound(err) {
		lease := &coordination.Lease{ObjectMeta: meta.ObjectMeta{Name: n.name, Namespace: v1.NamespaceNodeLease}, Spec: spec}
		_, err = leases.Create(ctx, lease, meta.CreateOptions{})
	}
	return err
}
