package kubelet

import (
	"context"
	"fmt"
	"os"
	"sort"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	podresource "k8s.io/kubernetes/pkg/api/v1/resource"
	"k8s.io/kubernetes/pkg/fieldpath"
	"k8s.io/kubernetes/pkg/kubelet/envvars"
	"k8s.io/kubernetes/third_party/forked/golang/expansion"
)

// environment is what a container's process finds in its environment; later sources win: the machine's path, the image, services,
// `envFrom`, `env`. The home is not the machine's: what its owner has there, such as a kubeconfig, is no pod's business.
func (p *pod) environment(c *v1.Container, image Image) (map[string]string, error) {
	values := map[string]string{"PATH": programsFolder + ":" + os.Getenv("PATH"), "HOSTNAME": p.hostname(), "HOME": "/"}
	for name, value := range image.Environment {
		values[name] = value
	}
	services, err := p.services()
	if err != nil {
		return nil, err
	}
	for _, variable := range envvars.FromServices(services) {
		values[variable.Name] = variable.Value
	}
	for _, source := range c.EnvFrom {
		data, err := p.sourceData(source)
		if err != nil {
			return nil, err
		}
		for name, value := range data {
			values[source.Prefix+name] = value
		}
	}
	expand := expansion.MappingFuncFor(values)
	for _, variable := range c.Env {
		if variable.ValueFrom == nil {
			values[variable.Name] = expansion.Expand(variable.Value, expand)
			continue
		}
		value, found, err := p.valueFrom(c, variable.ValueFrom)
		if err != nil {
			return nil, err
		}
		if found {
			values[variable.Name] = value
		}
	}
	return values, nil
}

// assignments writes values the way a process takes them, in an order of their own.
func assignments(values map[string]string) []string {
	list := make([]string, 0, len(values))
	for name, value := range values {
		list = append(list, name+"="+value)
	}
	sort.Strings(list)
	return list
}

// services are those a pod is told of: the API server's, and its own namespace's unless it does not want them.
func (p *pod) services() ([]*v1.Service, error) {
	client := p.kubelet.client.CoreV1()
	var found []*v1.Service
	api, err := client.Services("default").Get(p.ctx, "kubernetes", meta.GetOptions{})
	if err == nil {
		found = append(found, api)
	} else if !apierrors.IsNotFound(err) {
		return nil, err
	}
	if wanted := p.current().Spec.EnableServiceLinks; wanted != nil && !*wanted {
		return found, nil
	}
	listed, err := client.Services(p.namespace).List(p.ctx, meta.ListOptions{})
	if err != nil {
		return nil, err
	}
	for i := range listed.Items {
		if address := listed.Items[i].Spec.ClusterIP; address != "" && address != v1.ClusterIPNone {
			found = append(found, &listed.Items[i])
		}
	}
	return found, nil
}

func (p *pod) sourceData(source v1.EnvFromSource) (map[string]string, error) {
	values := map[string]string{}
	if from := source.ConfigMapRef; from != nil {
		object, err := p.configMap(p.ctx, from.Name, isTrue(from.Optional))
		if err != nil {
			return nil, err
		}
		for name, value := range object.Data {
			values[name] = value
		}
	}
	if from := source.SecretRef; from != nil {
		object, err := p.secret(p.ctx, from.Name, isTrue(from.Optional))
		if err != nil {
			return nil, err
		}
		for name, value := range object.Data {
			values[name] = string(value)
		}
	}
	return values, nil
}

// valueFrom is a variable's value from elsewhere. It is not found where it may be absent and is.
func (p *pod) valueFrom(c *v1.Container, source *v1.EnvVarSource) (value string, found bool, err error) {
	switch {
	case source.FieldRef != nil:
		value, err = p.field(source.FieldRef.FieldPath)
		return value, true, err
	case source.ResourceFieldRef != nil:
		name := source.ResourceFieldRef.ContainerName
		if name == "" {
			name = c.Name
		}
		value, err = podresource.ExtractResourceValueByContainerName(source.ResourceFieldRef, p.current(), name)
		return value, true, err
	case source.ConfigMapKeyRef != nil:
		from := source.ConfigMapKeyRef
		object, err := p.configMap(p.ctx, from.Name, isTrue(from.Optional))
		if err != nil {
			return "", false, err
		}
		value, found = object.Data[from.Key]
		if !found && !isTrue(from.Optional) {
			return "", false, fmt.Errorf("couldn't find key %s in ConfigMap %s/%s", from.Key, p.namespace, from.Name)
		}
	case source.SecretKeyRef != nil:
		from := source.SecretKeyRef
		object, err := p.secret(p.ctx, from.Name, isTrue(from.Optional))
		if err != nil {
			return "", false, err
		}
		bytes, present := object.Data[from.Key]
		if !present && !isTrue(from.Optional) {
			return "", false, fmt.Errorf("couldn't find key %s in Secret %s/%s", from.Key, p.namespace, from.Name)
		}
		value, found = string(bytes), present
	}
	return value, found, nil
}

func isTrue(flag *bool) bool { return flag != nil && *flag }

// configMap is one of the pod's namespace; an empty one where it may be absent and is.
func (p *pod) configMap(ctx context.Context, name string, optional bool) (*v1.ConfigMap, error) {
	object, err := p.kubelet.client.CoreV1().ConfigMaps(p.namespace).Get(ctx, name, meta.GetOptions{})
	if optional && apierrors.IsNotFound(err) {
		return &v1.ConfigMap{}, nil
	}
	return object, err
}

// secret is one of the pod's namespace; an empty one where it may be absent and is.
func (p *pod) secret(ctx context.Context, name string, optional bool) (*v1.Secret, error) {
	object, err := p.kubelet.client.CoreV1().Secrets(p.namespace).Get(ctx, name, meta.GetOptions{})
	if optional && apierrors.IsNotFound(err) {
		return &v1.Secret{}, nil
	}
	return object, err
}

// field is a field of the pod. The API's object does not have those of its status yet that we decide.
func (p *pod) field(path string) (string, error) {
	p.mu.Lock()
	object, address := p.object, p.address
	p.mu.Unlock()
	switch path {
	case "status.podIP", "status.podIPs":
		return address, nil
	case "status.hostIP", "status.hostIPs":
		return p.node.address, nil
	case "spec.nodeName":
		return object.Spec.NodeName, nil
	case "spec.serviceAccountName":
		return object.Spec.ServiceAccountName, nil
	}
	return fieldpath.ExtractFieldPathAsString(object, path)
}
