package cluster

import (
	"fmt"
	"strings"
)

// component is one process of the control plane, started from our own program.
type component struct {
	name      string
	arguments []string
	// health is asked until it answers 200. Empty where the cluster itself shows that the component works.
	health string
	// isFoundation says that nothing else can be started before this one is healthy.
	isFoundation bool
}

const kubeletName = "kubelet"

// Options of a bed.
type Options struct {
	// Nodes is how many there are.
	Nodes int
	// Images is the file that says which command stands for which image.
	Images string
	// Sandbox is the program that containers begin with.
	Sandbox string
}

// Controllers that have nothing to do here. All others run, as in any cluster; their names are those of this version, and an old
// one would end the controller manager at its start.
var idleControllers = []string{
	"node-ipam-controller", "bootstrap-signer-controller", "token-cleaner-controller",
	"device-taint-eviction-controller", "validatingadmissionpolicy-status-controller",
}

// components are in the order of their start.
func (f Folder) components(options Options) []component {
	return []component{
		{
			name: "etcd", health: "http://127.0.0.1:2379/health", isFoundation: true,
			arguments: []string{"--data-dir=" + f.path("etcd")},
		},
		{
			name: "kube-apiserver", health: apiServer + "/readyz", isFoundation: true,
			arguments: []string{
				"--etcd-servers=http://127.0.0.1:2379", "--bind-address=0.0.0.0", "--advertise-address=" + gatewayAddress, "--secure-port=6443",
				"--tls-cert-file=" + f.certificate("apiserver"), "--tls-private-key-file=" + f.key("apiserver"), "--client-ca-file=" + f.certificate("ca"),
				"--authorization-mode=RBAC", "--enable-admission-plugins=NodeRestriction", "--allow-privileged=true",
				"--service-cluster-ip-range=" + serviceRange, "--endpoint-reconciler-type=lease",
				"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
				"--service-account-key-file=" + f.path("certificates", "service-accounts.pub"), "--service-account-signing-key-file=" + f.key("service-accounts"),
				"--kubelet-client-certificate=" + f.certificate("kubelet-client"), "--kubelet-client-key=" + f.key("kubelet-client"),
				"--kubelet-preferred-address-types=InternalIP",
				"--requestheader-client-ca-file=" + f.certificate("ca"), "--requestheader-allowed-names=front-proxy",
				"--requestheader-extra-headers-prefix=X-Remote-Extra-", "--requestheader-group-headers=X-Remote-Group", "--requestheader-username-headers=X-Remote-User",
				"--proxy-client-cert-file=" + f.certificate("front-proxy"), "--proxy-client-key-file=" + f.key("front-proxy"),
				"--audit-policy-file=" + f.path("audit-policy.yaml"), "--audit-log-path=" + f.AuditLog(),
				// One cluster's worth of load on a small machine; queues between clients would only blur what is measured.
				"--enable-priority-and-fairness=false", "--profiling=false",
			},
		},
		{
			name: "kube-controller-manager", health: "https://127.0.0.1:10257/healthz",
			arguments: []string{
				"--kubeconfig=" + f.kubeconfig("controller-manager"), "--bind-address=127.0.0.1", "--leader-elect=false", "--profiling=false",
				"--root-ca-file=" + f.certificate("ca"), "--service-account-private-key-file=" + f.key("service-accounts"), "--use-service-account-credentials=true",
				"--cluster-signing-cert-file=" + f.certificate("ca"), "--cluster-signing-key-file=" + f.key("ca"),
				"--controllers=*,-" + strings.Join(idleControllers, ",-"), "--allocate-node-cidrs=false",
				// Each controller's token comes over this client: with its usual 20 requests a second the first one is late by seconds.
				"--kube-api-qps=500", "--kube-api-burst=1000",
				// A lost node, a removed namespace and a claim are noticed while a test waits.
				"--node-monitor-grace-period=20s", "--node-monitor-period=2s", "--namespace-sync-period=30s", "--pvclaimbinder-sync-period=5s",
			},
		},
		{
			name: "kube-scheduler", health: "https://127.0.0.1:10259/healthz",
			arguments: []string{
				"--kubeconfig=" + f.kubeconfig("scheduler"), "--authentication-kubeconfig=" + f.kubeconfig("scheduler"), "--authorization-kubeconfig=" + f.kubeconfig("scheduler"),
				"--bind-address=127.0.0.1", "--leader-elect=false", "--profiling=false", "--kube-api-qps=500", "--kube-api-burst=1000",
			},
		},
		{
			name: kubeletName,
			arguments: []string{
				"--kubeconfig=" + f.kubeconfig("kubelet"), fmt.Sprintf("--nodes=%d", options.Nodes), "--images=" + options.Images, "--sandbox=" + options.Sandbox,
				"--folder=" + f.path("kubelet"), "--logs=" + f.path("log", "pods"), "--cgroup=" + f.cgroup(),
				"--bridge=" + bridgeName, "--gateway=" + gatewayAddress, "--dns=" + gatewayAddress,
			},
		},
		{
			// One for all nodes: they share the network that pods hang on.
			name: "kube-proxy", health: "http://127.0.0.1:10256/healthz",
			arguments: []string{
				"--kubeconfig=" + f.kubeconfig("proxy"), "--hostname-override=" + nodeName(1), "--proxy-mode=nftables", "--cluster-cidr=" + podRange,
				"--nodeport-addresses=" + podRange, "--healthz-bind-address=127.0.0.1:10256", "--metrics-bind-address=127.0.0.1:10249",
				// Settings of the machine, which are not ours to change.
				"--conntrack-max-per-core=0", "--conntrack-tcp-timeout-established=0", "--conntrack-tcp-timeout-close-wait=0",
			},
		},
		{name: "coredns", health: "http://127.0.0.1:8181/ready", arguments: []string{"--conf=" + f.path("Corefile")}},
	}
}

func nodeName(number int) string { return fmt.Sprintf("node-%d", number) }

// configuration are the files that components read, besides certificates, by name.
func (f Folder) configuration() map[string]string {
	return map[string]string{
		"Corefile": `.:53 {
  bind ` + gatewayAddress + `
  errors
  ready 127.0.0.1:8181
  kubernetes cluster.local in-addr.arpa {
    kubeconfig ` + f.kubeconfig("dns") + `
    pods verified
    ttl 1
  }
}
`,
		"audit-policy.yaml": `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
`,
		"resolv.conf": "nameserver " + gatewayAddress + "\nsearch default.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n",
	}
}
