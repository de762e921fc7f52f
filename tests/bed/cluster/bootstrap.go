package cluster

import (
	"context"
	"fmt"
	"time"

	v1 "k8s.io/api/core/v1"
	rbac "k8s.io/api/rbac/v1"
	storage "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"filbert.dev/tests/bed/kubelet"
)

const dnsUser = "system:coredns"

func (f Folder) client() (kubernetes.Interface, error) {
	config, err := clientcmd.BuildConfigFromFlags("", f.Kubeconfig())
	if err != nil {
		return nil, err
	}
	return kubernetes.NewForConfig(config)
}

// createObjects creates what every cluster has and no component makes: the right of the DNS server to look at services, and a
// default storage class.
func createObjects(ctx context.Context, client kubernetes.Interface) error {
	options := meta.CreateOptions{}
	_, err := client.RbacV1().ClusterRoles().Create(ctx, &rbac.ClusterRole{
		ObjectMeta: meta.ObjectMeta{Name: dnsUser},
		Rules: []rbac.PolicyRule{
			{APIGroups: []string{""}, Resources: []string{"services", "pods", "namespaces"}, Verbs: []string{"list", "watch"}},
			{APIGroups: []string{"discovery.k8s.io"}, Resources: []string{"endpointslices"}, Verbs: []string{"list", "watch"}},
		},
	}, options)
	if err != nil && !errors.IsAlreadyExists(err) {
		return err
	}
	_, err = client.RbacV1().ClusterRoleBindings().Create(ctx, &rbac.ClusterRoleBinding{
		ObjectMeta: meta.ObjectMeta{Name: dnsUser},
		RoleRef:    rbac.RoleRef{APIGroup: rbac.GroupName, Kind: "ClusterRole", Name: dnsUser},
		Subjects:   []rbac.Subject{{APIGroup: rbac.GroupName, Kind: rbac.UserKind, Name: dnsUser}},
	}, options)
	if err != nil && !errors.IsAlreadyExists(err) {
		return err
	}
	mode, policy := storage.VolumeBindingWaitForFirstConsumer, v1.PersistentVolumeReclaimDelete
	_, err = client.StorageV1().StorageClasses().Create(ctx, &storage.StorageClass{
		ObjectMeta:  meta.ObjectMeta{Name: "standard", Annotations: map[string]string{"storageclass.kubernetes.io/is-default-class": "true"}},
		Provisioner: kubelet.Provisioner, ReclaimPolicy: &policy, VolumeBindingMode: &mode,
	}, options)
	if err != nil && !errors.IsAlreadyExists(err) {
		return err
	}
	return nil
}

// lacks says what a fresh cluster still lacks before a Pod can be created in it and be started; empty where nothing.
func lacks(ctx context.Context, client kubernetes.Interface, nodes int) string {
	if _, err := client.CoreV1().ServiceAccounts("default").Get(ctx, "default", meta.GetOptions{}); err != nil {
		return fmt.Sprintf("no default service account: %v", err)
	}
	if _, err := client.CoreV1().ConfigMaps("default").Get(ctx, "kube-root-ca.crt", meta.GetOptions{}); err != nil {
		return fmt.Sprintf("no published root certificate: %v", err)
	}
	listed, err := client.CoreV1().Nodes().List(ctx, meta.ListOptions{})
	if err != nil {
		return fmt.Sprintf("nodes cannot be listed: %v", err)
	}
	ready := 0
	for _, node := range listed.Items {
		for _, condition := range node.Status.Conditions {
			// A new node is closed until the node controller has seen it ready.
			if condition.Type == v1.NodeReady && condition.Status == v1.ConditionTrue && len(node.Spec.Taints) == 0 {
				ready++
			}
		}
	}
	if ready < nodes {
		return fmt.Sprintf("%d of %d nodes are ready", ready, nodes)
	}
	return ""
}

// pollInterval is short against what is waited for, and long against what asking costs.
const pollInterval = 50 * time.Millisecond
