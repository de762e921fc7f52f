package kubelet

import (
	"errors"
	"fmt"
	"io/fs"
	"log"
	"maps"
	"os"
	"path/filepath"
	"time"

	authentication "k8s.io/api/authentication/v1"
	v1 "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	podresource "k8s.io/kubernetes/pkg/api/v1/resource"
	"k8s.io/kubernetes/pkg/volume/configmap"
	"k8s.io/kubernetes/pkg/volume/secret"
	volumeutil "k8s.io/kubernetes/pkg/volume/util"
)

// How long after a change of a ConfigMap or Secret the files of it change, at most. A real kubelet takes a minute.
const refreshInterval = 2 * time.Second

// token is one of a service account, bound to the pod.
type token struct {
	text  string
	renew time.Time
}

// payload are the files of a volume.
type payload = map[string]volumeutil.FileProjection

func (p *pod) ownVolume(name string) string { return filepath.Join(p.folder, "volumes", name) }

// setUpVolumes brings all volumes up to date; called again, it changes what has changed.
func (p *pod) setUpVolumes() error {
	object := p.current()
	for _, volume := range object.Spec.Volumes {
		if err := p.setUpVolume(object, volume); err != nil {
			return fmt.Errorf("MountVolume.SetUp failed for volume %q : %w", volume.Name, err)
		}
	}
	return nil
}

func (p *pod) setUpVolume(object *v1.Pod, volume v1.Volume) error {
	var files payload
	var err error
	switch source := volume.VolumeSource; {
	case source.EmptyDir != nil:
		return writableFolder(p.ownVolume(volume.Name))
	case source.ConfigMap != nil:
		from := source.ConfigMap
		files, err = p.configMapFiles(from.Name, from.Items, from.DefaultMode, from.Optional)
	case source.Secret != nil:
		from := source.Secret
		files, err = p.secretFiles(from.SecretName, from.Items, from.DefaultMode, from.Optional)
	case source.DownwardAPI != nil:
		files, err = p.downwardFiles(source.DownwardAPI.Items, source.DownwardAPI.DefaultMode)
	case source.Projected != nil:
		files, err = p.projectedFiles(source.Projected)
	default:
		_, err = p.volumeFolder(volume.Name)
		return err
	}
	if err != nil {
		return err
	}
	return p.writeFiles(object, volume.Name, files)
}

// writableFolder is one that any user may write to: who that will be is each container's own affair.
func writableFolder(path string) error {
	if err := os.MkdirAll(path, 0o777); err != nil {
		return err
	}
	return os.Chmod(path, 0o777)
}

// writeFiles swaps all files of a volume at once, as a kubelet does, so that a reader never sees old ones beside new ones.
func (p *pod) writeFiles(object *v1.Pod, name string, files payload) error {
	folder := p.ownVolume(name)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	writer, err := volumeutil.NewAtomicWriter(folder, p.namespace+"/"+p.name)
	if err != nil {
		return err
	}
	return writer.Write(files, func(below string) error {
		security := object.Spec.SecurityContext
		if security == nil || security.FSGroup == nil {
			return nil
		}
		return shareWithGroup(filepath.Join(folder, below), int(*security.FSGroup))
	})
}

// shareWithGroup lets a group read what only the owner might.
func shareWithGroup(folder string, group int) error {
	return filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		return errors.Join(os.Lchown(path, -1, group), os.Chmod(path, info.Mode()|0o440))
	})
}

func (p *pod) configMapFiles(name string, items []v1.KeyToPath, mode *int32, optional *bool) (payload, error) {
	object, err := p.configMap(p.ctx, name, isTrue(optional))
	if err != nil {
		return nil, err
	}
	return configmap.MakePayload(items, object, orDefault(mode), isTrue(optional))
}

func (p *pod) secretFiles(name string, items []v1.KeyToPath, mode *int32, optional *bool) (payload, error) {
	object, err := p.secret(p.ctx, name, isTrue(optional))
	if err != nil {
		return nil, err
	}
	return secret.MakePayload(items, object, orDefault(mode), isTrue(optional))
}

// orDefault is the mode that the API fills in, where a caller has not been through it.
func orDefault(mode *int32) *int32 {
	if mode != nil {
		return mode
	}
	usual := int32(0o644)
	return &usual
}

func (p *pod) downwardFiles(items []v1.DownwardAPIVolumeFile, mode *int32) (payload, error) {
	files := payload{}
	for _, item := range items {
		var value string
		var err error
		if item.FieldRef != nil {
			value, err = p.field(item.FieldRef.FieldPath)
		} else if from := item.ResourceFieldRef; from != nil {
			value, err = podresource.ExtractResourceValueByContainerName(from, p.current(), from.ContainerName)
		}
		if err != nil {
			return nil, err
		}
		own := orDefault(mode)
		if item.Mode != nil {
			own = item.Mode
		}
		files[item.Path] = volumeutil.FileProjection{Data: []byte(value), Mode: *own}
	}
	return files, nil
}

func (p *pod) projectedFiles(projected *v1.ProjectedVolumeSource) (payload, error) {
	files := payload{}
	for _, source := range projected.Sources {
		var more payload
		var err error
		switch {
		case source.ConfigMap != nil:
			more, err = p.configMapFiles(source.ConfigMap.Name, source.ConfigMap.Items, projected.DefaultMode, source.ConfigMap.Optional)
		case source.Secret != nil:
			more, err = p.secretFiles(source.Secret.Name, source.Secret.Items, projected.DefaultMode, source.Secret.Optional)
		case source.DownwardAPI != nil:
			more, err = p.downwardFiles(source.DownwardAPI.Items, projected.DefaultMode)
		case source.ServiceAccountToken != nil:
			var text string
			text, err = p.token(source.ServiceAccountToken)
			more = payload{source.ServiceAccountToken.Path: {Data: []byte(text), Mode: *orDefault(projected.DefaultMode)}}
		}
		if err != nil {
			return nil, err
		}
		maps.Copy(files, more)
	}
	return files, nil
}

// token is one that is good for a while yet: it is made anew at four fifths of its life.
func (p *pod) token(from *v1.ServiceAccountTokenProjection) (string, error) {
	key := from.Audience + "\n" + from.Path
	p.mu.Lock()
	kept, object := p.tokens[key], p.object
	p.mu.Unlock()
	now := time.Now()
	if now.Before(kept.renew) {
		return kept.text, nil
	}
	request := &authentication.TokenRequest{Spec: authentication.TokenRequestSpec{
		ExpirationSeconds: from.ExpirationSeconds,
		BoundObjectRef:    &authentication.BoundObjectReference{Kind: "Pod", APIVersion: "v1", Name: p.name, UID: object.UID},
	}}
	if from.Audience != "" {
		request.Spec.Audiences = []string{from.Audience}
	}
	answer, err := p.kubelet.client.CoreV1().ServiceAccounts(p.namespace).CreateToken(p.ctx, object.Spec.ServiceAccountName, request, meta.CreateOptions{})
	if err != nil {
		return "", err
	}
	made := token{text: answer.Status.Token, renew: now.Add(answer.Status.ExpirationTimestamp.Sub(now) * 4 / 5)}
	p.mu.Lock()
	p.tokens[key] = made
	p.mu.Unlock()
	return made.text, nil
}

// volumeFolder is what a container's mount of a volume is bound to.
func (p *pod) volumeFolder(name string) (string, error) {
	for _, volume := range p.current().Spec.Volumes {
		switch {
		case volume.Name != name:
		case volume.HostPath != nil:
			return hostPath(volume.HostPath)
		case volume.PersistentVolumeClaim != nil:
			return p.claimFolder(volume.PersistentVolumeClaim.ClaimName)
		case volume.EmptyDir != nil, volume.ConfigMap != nil, volume.Secret != nil, volume.DownwardAPI != nil, volume.Projected != nil:
			return p.ownVolume(name), nil
		default:
			return "", errors.New("the bed has no volumes of this type")
		}
	}
	return "", fmt.Errorf("no volume %q", name)
}

// hostPath makes a folder of the machine only where the pod asked for that.
func hostPath(source *v1.HostPathVolumeSource) (string, error) {
	if source.Type != nil && *source.Type == v1.HostPathDirectoryOrCreate {
		return source.Path, os.MkdirAll(source.Path, 0o755)
	}
	_, err := os.Stat(source.Path)
	return source.Path, err
}

func (p *pod) claimFolder(name string) (string, error) {
	claim, err := p.kubelet.client.CoreV1().PersistentVolumeClaims(p.namespace).Get(p.ctx, name, meta.GetOptions{})
	if err != nil {
		return "", err
	}
	volume, err := p.kubelet.client.CoreV1().PersistentVolumes().Get(p.ctx, claim.Spec.VolumeName, meta.GetOptions{})
	if err != nil {
		return "", err
	}
	folder := ""
	switch source := volume.Spec.PersistentVolumeSource; {
	case source.HostPath != nil:
		folder = source.HostPath.Path
	case source.Local != nil:
		folder = source.Local.Path
	default:
		return "", fmt.Errorf("the bed has no volumes of the type of %s", volume.Name)
	}
	return folder, writableFolder(folder)
}

// refreshVolumes keeps files in step with what they come from, and tokens fresh, for as long as the pod lives.
func (p *pod) refreshVolumes() {
	said := ""
	for p.wait(refreshInterval) {
		err := p.setUpVolumes()
		if err == nil {
			said = ""
		} else if p.ctx.Err() == nil && said != err.Error() {
			said = err.Error()
			log.Printf("failed to refresh the volumes of pod %s/%s: %v", p.namespace, p.name, err)
		}
	}
}
