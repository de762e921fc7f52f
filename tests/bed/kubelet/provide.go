package kubelet

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	corelisters "k8s.io/client-go/listers/core/v1"
	storagelisters "k8s.io/client-go/listers/storage/v1"
	"k8s.io/client-go/tools/cache"
)

// Provisioner is the name under which storage classes ask for volumes that are folders of the bed.
const Provisioner = "filbert.dev/bed"

const (
	wantedProvisioner = "volume.kubernetes.io/storage-provisioner"
	madeBy            = "pv.kubernetes.io/provisioned-by"
	// Addresses of load balancers are loadBalancers followed by a number; kube-proxy answers them.
	loadBalancers    = "10.97.0."
	lastLoadBalancer = 254
)

// provider does what in other clusters a storage driver and a cloud do.
type provider struct {
	kubelet  *Kubelet
	claims   corelisters.PersistentVolumeClaimLister
	volumes  corelisters.PersistentVolumeLister
	services corelisters.ServiceLister
	classes  storagelisters.StorageClassLister
}

// provide makes volumes for claims, removes released ones, and gives load balancers their addresses, whenever one of them changed.
func (k *Kubelet) provide(ctx context.Context) {
	factory := informers.NewSharedInformerFactory(k.client, 0)
	core, classes := factory.Core().V1(), factory.Storage().V1().StorageClasses()
	p := &provider{
		kubelet: k, claims: core.PersistentVolumeClaims().Lister(), volumes: core.PersistentVolumes().Lister(),
		services: core.Services().Lister(), classes: classes.Lister(),
	}
	changed := make(chan struct{}, 1)
	notice := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	handler := cache.ResourceEventHandlerFuncs{AddFunc: func(any) { notice() }, UpdateFunc: func(_, _ any) { notice() }, DeleteFunc: func(any) { notice() }}
	for _, informer := range []cache.SharedIndexInformer{
		core.PersistentVolumeClaims().Informer(), core.PersistentVolumes().Informer(), core.Services().Informer(), classes.Informer(),
	} {
		if _, err := informer.AddEventHandler(handler); err != nil {
			log.Printf("failed to follow what is to be provided: %v", err)
		}
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
		if err := errors.Join(p.makeVolumes(ctx), p.removeVolumes(ctx), p.addressServices(ctx)); err != nil {
			log.Printf("failed to provide: %v", err)
			time.AfterFunc(k.options.backoff, notice)
		}
	}
}

func (p *provider) makeVolumes(ctx context.Context) error {
	claims, err := p.claims.List(labels.Everything())
	if err != nil {
		return err
	}
	for _, claim := range claims {
		if claim.Spec.VolumeName != "" || claim.Annotations[wantedProvisioner] != Provisioner || claim.Spec.StorageClassName == nil {
			continue
		}
		class, err := p.classes.Get(*claim.Spec.StorageClassName)
		if err != nil {
			return err
		}
		volume := volumeFor(claim, filepath.Join(p.kubelet.options.folder, "claims"))
		if class.ReclaimPolicy != nil {
			volume.Spec.PersistentVolumeReclaimPolicy = *class.ReclaimPolicy
		}
		if _, err := p.kubelet.client.CoreV1().PersistentVolumes().Create(ctx, volume, meta.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
			return err
		}
	}
	return nil
}

// volumeFor is the volume that the volume controller will bind to a claim: a folder, and of any size.
func volumeFor(claim *v1.PersistentVolumeClaim, folder string) *v1.PersistentVolume {
	name, mode := "pvc-"+string(claim.UID), v1.PersistentVolumeFilesystem
	return &v1.PersistentVolume{
		ObjectMeta: meta.ObjectMeta{Name: name, Annotations: map[string]string{madeBy: Provisioner}},
		Spec: v1.PersistentVolumeSpec{
			Capacity: claim.Spec.Resources.Requests, AccessModes: claim.Spec.AccessModes, StorageClassName: *claim.Spec.StorageClassName, VolumeMode: &mode,
			PersistentVolumeReclaimPolicy: v1.PersistentVolumeReclaimDelete,
			PersistentVolumeSource:        v1.PersistentVolumeSource{HostPath: &v1.HostPathVolumeSource{Path: filepath.Join(folder, name)}},
			ClaimRef: &v1.ObjectReference{
				Kind: "PersistentVolumeClaim", APIVersion: "v1", Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID, ResourceVersion: claim.ResourceVersion,
			},
		},
	}
}

// removeVolumes removes the released ones that are to be deleted, with what is in them.
func (p *provider) removeVolumes(ctx context.Context) error {
	volumes, err := p.volumes.List(labels.Everything())
	if err != nil {
		return err
	}
	for _, volume := range volumes {
		isReleased := volume.Status.Phase == v1.VolumeReleased && volume.Spec.PersistentVolumeReclaimPolicy == v1.PersistentVolumeReclaimDelete
		if !isReleased || volume.Annotations[madeBy] != Provisioner || volume.Spec.HostPath == nil || volume.DeletionTimestamp != nil {
			continue
		}
		if err := os.RemoveAll(volume.Spec.HostPath.Path); err != nil {
			return err
		}
		if err := p.kubelet.client.CoreV1().PersistentVolumes().Delete(ctx, volume.Name, meta.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			return err
		}
	}
	return nil
}

func (p *provider) addressServices(ctx context.Context) error {
	services, err := p.services.List(labels.Everything())
	if err != nil {
		return err
	}
	taken := map[string]bool{}
	for _, service := range services {
		for _, ingress := range service.Status.LoadBalancer.Ingress {
			taken[ingress.IP] = true
		}
	}
	for _, service := range services {
		if service.Spec.Type != v1.ServiceTypeLoadBalancer || len(service.Status.LoadBalancer.Ingress) > 0 || service.DeletionTimestamp != nil {
			continue
		}
		address, err := freeAddress(taken)
		if err != nil {
			return err
		}
		changed := service.DeepCopy()
		changed.Status.LoadBalancer.Ingress = []v1.LoadBalancerIngress{{IP: address}}
		if _, err := p.kubelet.client.CoreV1().Services(service.Namespace).UpdateStatus(ctx, changed, meta.UpdateOptions{}); err != nil && !isGone(err) {
			return err
		}
	}
	return nil
}

// freeAddress takes the first one that nobody has.
func freeAddress(taken map[string]bool) (string, error) {
	for number := 1; number <= lastLoadBalancer; number++ {
		if address := fmt.Sprint(loadBalancers, number); !taken[address] {
			taken[address] = true
			return address, nil
		}
	}
	return "", fmt.Errorf("all addresses of load balancers are taken")
}
