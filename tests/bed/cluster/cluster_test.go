package cluster

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
)

func folder(t *testing.T) Folder {
	t.Helper()
	made, err := OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestAFailureIsToldWithItsCauseAndItsHint(t *testing.T) {
	var said bytes.Buffer
	Report(&said, &Problem{What: "failed to light the lamp", Cause: errors.New("no oil"), Hint: "buy some"})
	if want := "error: failed to light the lamp\ncaused by: no oil\nhint: buy some\n"; said.String() != want {
		t.Errorf("%q", said.String())
	}
	said.Reset()
	Report(&said, fmt.Errorf("outer: %w", errors.New("inner")))
	if said.String() != "error: outer: inner\n" {
		t.Errorf("%q", said.String())
	}
}

func TestEachIdentityHasACertificateThatTheAuthoritySigned(t *testing.T) {
	f := folder(t)
	if err := f.writeIdentities(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(f.certificate("ca"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		t.Fatal("no certificate")
	}
	for _, identity := range identities {
		pair, err := tls.LoadX509KeyPair(f.certificate(identity.name), f.key(identity.name))
		if err != nil {
			t.Fatal(err)
		}
		certificate, err := x509.ParseCertificate(pair.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		if certificate.Subject.CommonName != identity.user || !slices.Equal(certificate.Subject.Organization, identity.groups) {
			t.Errorf("%s speaks for %s", identity.name, certificate.Subject)
		}
		options := x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
		if len(identity.names) > 0 {
			options.DNSName, options.KeyUsages = identity.names[0], []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		}
		if _, err := certificate.Verify(options); err != nil {
			t.Errorf("%s: %v", identity.name, err)
		}
		if identity.hasKubeconfig {
			config, err := clientcmd.BuildConfigFromFlags("", f.kubeconfig(identity.name))
			if err != nil || config.Host != apiServer || len(config.CertData) == 0 {
				t.Errorf("%s: %v, %v", identity.name, config, err)
			}
		}
	}
}

func TestPrivateKeysAreTheOwnersAlone(t *testing.T) {
	f := folder(t)
	if err := f.writeIdentities(); err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"certificates/*.key", "*.kubeconfig"} {
		files, _ := filepath.Glob(f.path(pattern))
		if len(files) == 0 {
			t.Errorf("no %s", pattern)
		}
		for _, file := range files {
			if info, err := os.Stat(file); err != nil || info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s: %v, %v", file, info.Mode(), err)
			}
		}
	}
}

func TestFoundationsAreStartedBeforeWhatNeedsThem(t *testing.T) {
	isOver := false
	for _, component := range Folder("/bed").components(Options{Nodes: 1}) {
		if component.isFoundation && isOver {
			t.Errorf("%s comes too late", component.name)
		}
		isOver = isOver || !component.isFoundation
		if component.isFoundation && component.health == "" {
			t.Errorf("nobody knows when %s is ready", component.name)
		}
	}
}

func TestBedsInDifferentFoldersHaveDifferentCgroups(t *testing.T) {
	if one, other := Folder("/one").identity(), Folder("/other").identity(); one == other || len(one) != len("filbert-bed-00000000") {
		t.Errorf("%s and %s", one, other)
	}
}

func TestOneCommandAtATimeWorksOnABed(t *testing.T) {
	f := folder(t)
	release, err := f.lock()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.lock(); err == nil || !strings.Contains(err.Error(), "another command") {
		t.Errorf("a second one: %v", err)
	}
	release()
	again, err := f.lock()
	if err != nil {
		t.Fatal(err)
	}
	again()
	if left, _ := filepath.Glob(string(f) + ".lock"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestARecordThatCannotBeReadIsNamed(t *testing.T) {
	f := folder(t)
	if process, err := f.recorded(); process != nil || err != nil {
		t.Errorf("without one: %v, %v", process, err)
	}
	if err := os.WriteFile(f.record(), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := f.recorded(); err == nil || !strings.Contains(err.Error(), f.record()) {
		t.Errorf("%v", err)
	}
}

func TestTheTailOfALogIsShort(t *testing.T) {
	f := folder(t)
	if err := os.MkdirAll(f.path("log"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f.log("lamp"), []byte("a\nb\nc\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := f.logTail("lamp", 2); got != "b\nc" {
		t.Errorf("%q", got)
	}
	if got := f.logTail("none", 2); got != "" {
		t.Errorf("%q", got)
	}
}
