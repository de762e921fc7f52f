package cluster

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// identity is one certificate of the bed: who it speaks for, and for which names it serves.
type identity struct {
	name      string
	user      string
	groups    []string
	addresses []string
	names     []string
	// hasKubeconfig says that somebody talks to the API server with it.
	hasKubeconfig bool
}

var identities = []identity{
	{
		name: "apiserver", user: "kube-apiserver", addresses: []string{"127.0.0.1", apiServiceAddress, gatewayAddress},
		names: []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"},
	},
	{name: "front-proxy", user: "front-proxy"},
	{name: "kubelet-client", user: "kube-apiserver-kubelet-client", groups: []string{"system:masters"}},
	{name: "admin", user: "admin", groups: []string{"system:masters"}, hasKubeconfig: true},
	{name: "controller-manager", user: "system:kube-controller-manager", hasKubeconfig: true},
	{name: "scheduler", user: "system:kube-scheduler", hasKubeconfig: true},
	{name: "proxy", user: "system:kube-proxy", hasKubeconfig: true},
	{name: "dns", user: dnsUser, hasKubeconfig: true},
	// One process for all nodes, and provisioner and load balancer besides: no node's own rights would do.
	{name: "kubelet", user: "bed:kubelet", groups: []string{"system:masters"}, hasKubeconfig: true},
}

const lifetime = 365 * 24 * time.Hour

// writeIdentities makes an authority, a certificate and, where somebody needs it, a kubeconfig for each identity, and the key
// with which tokens of service accounts are signed.
func (f Folder) writeIdentities() error {
	if err := os.MkdirAll(f.path("certificates"), 0o700); err != nil {
		return err
	}
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	authority := template(pkix.Name{CommonName: "filbert-bed"}, 1)
	authority.IsCA, authority.BasicConstraintsValid, authority.KeyUsage = true, true, x509.KeyUsageCertSign|x509.KeyUsageDigitalSignature
	authorityText, err := f.writePair("ca", authority, authority, authorityKey, authorityKey)
	if err != nil {
		return err
	}
	for number, identity := range identities {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return err
		}
		certificate := identity.template(int64(number) + 2)
		if _, err := f.writePair(identity.name, certificate, authority, key, authorityKey); err != nil {
			return err
		}
		if identity.hasKubeconfig {
			if err := f.writeKubeconfig(identity, authorityText); err != nil {
				return err
			}
		}
	}
	signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(&signer.PublicKey)
	if err != nil {
		return err
	}
	if err := writeKey(f.key("service-accounts"), signer); err != nil {
		return err
	}
	return os.WriteFile(f.path("certificates", "service-accounts.pub"), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}), 0o644)
}

func (i identity) template(number int64) *x509.Certificate {
	certificate := template(pkix.Name{CommonName: i.user, Organization: i.groups}, number)
	certificate.KeyUsage = x509.KeyUsageDigitalSignature
	certificate.DNSNames = i.names
	certificate.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	for _, address := range i.addresses {
		certificate.IPAddresses = append(certificate.IPAddresses, net.ParseIP(address))
		certificate.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	return certificate
}

func template(name pkix.Name, number int64) *x509.Certificate {
	// A clock that is set back a little must not make them invalid.
	begin := time.Now().Add(-time.Hour)
	return &x509.Certificate{SerialNumber: big.NewInt(number), Subject: name, NotBefore: begin, NotAfter: begin.Add(lifetime)}
}

func (f Folder) writePair(name string, certificate, issuer *x509.Certificate, key, issuerKey *ecdsa.PrivateKey) ([]byte, error) {
	bytes, err := x509.CreateCertificate(rand.Reader, certificate, issuer, &key.PublicKey, issuerKey)
	if err != nil {
		return nil, err
	}
	if err := writeKey(f.key(name), key); err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: bytes})
	return text, os.WriteFile(f.certificate(name), text, 0o644)
}

func writeKey(path string, key *ecdsa.PrivateKey) error {
	bytes, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: bytes}), 0o600)
}

func (f Folder) writeKubeconfig(identity identity, authority []byte) error {
	certificate, err := os.ReadFile(f.certificate(identity.name))
	if err != nil {
		return err
	}
	key, err := os.ReadFile(f.key(identity.name))
	if err != nil {
		return err
	}
	config := api.NewConfig()
	config.Clusters["bed"] = &api.Cluster{Server: apiServer, CertificateAuthorityData: authority}
	config.AuthInfos[identity.name] = &api.AuthInfo{ClientCertificateData: certificate, ClientKeyData: key}
	config.Contexts["bed"] = &api.Context{Cluster: "bed", AuthInfo: identity.name}
	config.CurrentContext = "bed"
	return clientcmd.WriteToFile(*config, f.kubeconfig(identity.name))
}
