package kubelet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"strings"
)

// Image is what stands for a container image: a command of this machine, with what else an image says about itself.
type Image struct {
	Entrypoint  []string          `json:"entrypoint"`
	Command     []string          `json:"command"`
	Environment map[string]string `json:"environment"`
	Directory   string            `json:"directory"`
	// User is the one that the image says to run as.
	User int `json:"user"`
}

// Images is the table of all there are, by reference.
type Images map[string]Image

// ReadImages reads the table. A field it does not know is a mistake, not a wish for later.
func ReadImages(file string) (Images, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("failed to read the table of images: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var images Images
	if err := decoder.Decode(&images); err != nil {
		return nil, fmt.Errorf("failed to read the table of images `%s`: %w", file, err)
	}
	return images, nil
}

// Find looks a reference up: as it stands, then without digest, tag and the default registry, and by its last part at the end.
func (i Images) Find(reference string) (Image, bool) {
	bare, _, _ := strings.Cut(reference, "@")
	if colon := strings.LastIndex(bare, ":"); colon > strings.LastIndex(bare, "/") {
		bare = bare[:colon]
	}
	for _, full := range []string{reference, bare} {
		short := strings.TrimPrefix(full, "docker.io/")
		for _, name := range []string{full, short, strings.TrimPrefix(short, "library/")} {
			if image, ok := i[name]; ok {
				return image, true
			}
		}
	}
	image, ok := i[path.Base(bare)]
	return image, ok
}

// commandLine joins what an image says with what a container says: a command replaces all of the image's, arguments only its own.
func (i Image) commandLine(command, arguments []string) []string {
	first, rest := i.Entrypoint, i.Command
	if len(command) > 0 {
		first, rest = command, nil
	}
	if len(arguments) > 0 {
		rest = arguments
	}
	return append(append([]string{}, first...), rest...)
}
