package kubelet

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestAnImageIsFoundByEachOfItsNames(t *testing.T) {
	images := Images{"lamp": {Command: []string{"any"}}, "shop/lamp:2": {Command: []string{"two"}}, "shop/lamp": {Command: []string{"shop"}}}
	for reference, want := range map[string]string{
		"lamp": "any", "lamp:7": "any", "docker.io/library/lamp": "any", "other.example:5000/deep/lamp:1": "any",
		"shop/lamp:2": "two", "docker.io/shop/lamp:2": "two", "shop/lamp:3": "shop", "shop/lamp@sha256:00": "shop",
	} {
		image, ok := images.Find(reference)
		if !ok || image.Command[0] != want {
			t.Errorf("%s is %v, %v", reference, image.Command, ok)
		}
	}
	for _, reference := range []string{"candle", "lamp/candle", ""} {
		if image, ok := images.Find(reference); ok {
			t.Errorf("%q is %v", reference, image)
		}
	}
}

func TestACommandReplacesAllOfAnImageAndArgumentsOnlyItsOwn(t *testing.T) {
	image := Image{Entrypoint: []string{"entry"}, Command: []string{"usual"}}
	for _, c := range []struct{ command, arguments, want []string }{
		{nil, nil, []string{"entry", "usual"}},
		{nil, []string{"own"}, []string{"entry", "own"}},
		{[]string{"other"}, nil, []string{"other"}},
		{[]string{"other"}, []string{"own"}, []string{"other", "own"}},
	} {
		if got := image.commandLine(c.command, c.arguments); !slices.Equal(got, c.want) {
			t.Errorf("%v and %v make %v", c.command, c.arguments, got)
		}
	}
}

func TestTheProjectsTableOfImagesCanBeRead(t *testing.T) {
	images, err := ReadImages("../images.json")
	if err != nil || len(images) == 0 {
		t.Errorf("%v, %v", images, err)
	}
}

func TestAMistakeInTheTableOfImagesIsNamed(t *testing.T) {
	for text, want := range map[string]string{
		`{"lamp": {"entrypiont": []}}`: "entrypiont", `{"lamp": {"user": "root"}}`: "user", `[]`: "array", ``: "EOF",
	} {
		file := filepath.Join(t.TempDir(), "images.json")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadImages(file); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
