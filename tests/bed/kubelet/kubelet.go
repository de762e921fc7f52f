// Package kubelet runs Pods as processes of this machine. It serves several nodes at once; each pod has a network namespace, each
// container a root of its own, and images stand for commands (see Images).
//
// It is a kubelet to the API server and to whoever looks at Pods: phases, conditions, restarts, probes, hooks, volumes, logs and
// exec are as they would be. What it leaves out is listed in the README beside.
package kubelet

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

// options are the kubelet's flags.
type options struct {
	kubeconfig string
	nodes      int
	images     string
	sandbox    string
	folder     string
	logs       string
	cgroup     string
	bridge     string
	gateway    string
	dns        string
	backoff    time.Duration
}

// Kubelet holds all pods of its nodes.
type Kubelet struct {
	client  kubernetes.Interface
	options options
	images  Images
	network podNetwork

	mu   sync.Mutex
	pods map[types.UID]*pod
}

// Main is the kubelet's program.
func Main(arguments []string) int {
	var o options
	flags := flag.NewFlagSet("kubelet", flag.ContinueOnError)
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "how the API server is reached")
	flags.IntVar(&o.nodes, "nodes", 1, "how many nodes it serves; node N has the address 10.244.N.1")
	flags.StringVar(&o.images, "images", "", "which command stands for which image")
	flags.StringVar(&o.sandbox, "sandbox", "", "the program that containers begin with")
	flags.StringVar(&o.folder, "folder", "", "where volumes are")
	flags.StringVar(&o.logs, "logs", "", "where containers' output goes")
	flags.StringVar(&o.cgroup, "cgroup", "", "below which containers with a memory limit get a cgroup; empty to keep no limits")
	flags.StringVar(&o.bridge, "bridge", "br0", "the bridge that pods hang on")
	flags.StringVar(&o.gateway, "gateway", "10.244.0.1", "the bridge's address")
	flags.StringVar(&o.dns, "dns", "10.244.0.1", "the name server of pods")
	flags.DurationVar(&o.backoff, "backoff", time.Second, "how long the first restart waits; doubled with each, up to 30 times of it")
	if err := flags.Parse(arguments); err != nil {
		return 2
	}
	if err := run(context.Background(), o); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		return 1
	}
	return 0
}

func run(ctx context.Context, o options) error {
	config, err := clientcmd.BuildConfigFromFlags("", o.kubeconfig)
	if err != nil {
		return err
	}
	config.QPS, config.Burst = 500, 1000
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	images, err := ReadImages(o.images)
	if err != nil {
		return err
	}
	k := &Kubelet{
		client: client, options: o, images: images, pods: map[types.UID]*pod{},
		network: podNetwork{folder: filepath.Join(o.folder, "networks"), bridge: o.bridge, gateway: o.gateway},
	}
	if err := k.network.removeAll(); err != nil {
		return fmt.Errorf("failed to remove the networks of an earlier kubelet's pods: %w", err)
	}
	if o.cgroup != "" {
		if err := prepareCgroup(o.cgroup); err != nil {
			log.Printf("memory limits are not kept: %v", err)
			k.options.cgroup = ""
		}
	}
	for number := 1; number <= o.nodes; number++ {
		node := newNode(number)
		if err := k.network.addNode(node.address); err != nil {
			return fmt.Errorf("failed to give %s its address: %w", node.name, err)
		}
		if err := k.serve(node); err != nil {
			return fmt.Errorf("failed to listen for %s: %w", node.name, err)
		}
		go k.keepNode(ctx, node)
		k.watch(ctx, node)
	}
	go k.provide(ctx)
	log.Printf("serving %d nodes", o.nodes)
	<-ctx.Done()
	return nil
}

// watch follows the pods that are bound to a node.
func (k *Kubelet) watch(ctx context.Context, node *node) {
	factory := informers.NewSharedInformerFactoryWithOptions(k.client, 0, informers.WithTweakListOptions(func(o *meta.ListOptions) {
		o.FieldSelector = fields.OneTermEqualSelector("spec.nodeName", node.name).String()
	}))
	_, err := factory.Core().V1().Pods().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { k.sync(object.(*v1.Pod), node) },
		UpdateFunc: func(_, object any) { k.sync(object.(*v1.Pod), node) },
		DeleteFunc: func(object any) {
			if unknown, ok := object.(cache.DeletedFinalStateUnknown); ok {
				object = unknown.Obj
			}
			k.vanished(object.(*v1.Pod).UID)
		},
	})
	if err != nil {
		log.Printf("failed to follow the pods of %s: %v", node.name, err)
	}
	factory.Start(ctx.Done())
}

// sync takes a pod's newest form: starts it, tells it of a change, or lets it end.
func (k *Kubelet) sync(object *v1.Pod, node *node) {
	k.mu.Lock()
	p := k.pods[object.UID]
	if p == nil {
		isOver := object.Status.Phase == v1.PodSucceeded || object.Status.Phase == v1.PodFailed
		if isOver || object.DeletionTimestamp != nil {
			k.mu.Unlock()
			if object.DeletionTimestamp != nil {
				go k.forget(object)
			}
			return
		}
		p = newPod(k, node, object)
		k.pods[object.UID] = p
		go p.report()
		go p.run()
	}
	k.mu.Unlock()
	p.update(object)
}

// vanished ends a pod that is in the API no more: somebody deleted it without waiting for us.
func (k *Kubelet) vanished(uid types.UID) {
	k.mu.Lock()
	p := k.pods[uid]
	k.mu.Unlock()
	if p != nil {
		p.terminate(0)
	}
}

// forget removes a pod that has ended from the API.
func (k *Kubelet) forget(object *v1.Pod) {
	now := int64(0)
	options := meta.DeleteOptions{GracePeriodSeconds: &now, Preconditions: &meta.Preconditions{UID: &object.UID}}
	for {
		err := k.client.CoreV1().Pods(object.Namespace).Delete(context.Background(), object.Name, options)
		if err == nil || isGone(err) {
			return
		}
		log.Printf("failed to remove pod %s/%s: %v", object.Namespace, object.Name, err)
		time.Sleep(k.options.backoff)
	}
}

// find is a running pod by its name.
func (k *Kubelet) find(namespace, name string) *pod {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, p := range k.pods {
		if p.namespace == namespace && p.name == name {
			return p
		}
	}
	return nil
}
