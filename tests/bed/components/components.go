// Package components holds the entry points of what a cluster is made of, as subcommands of one program: together they
// share their code in memory and are linked once. Each is the upstream component, unchanged.
package components

import (
	"os"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	// Without these the components have no metrics of their clients and their version.
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

// Programs are the components by name. Each takes its arguments and answers the exit code.
var Programs = map[string]func([]string) int{
	"etcd":                    runEtcd,
	"kube-apiserver":          upstream(apiserver.NewAPIServerCommand),
	"kube-controller-manager": upstream(controllermanager.NewControllerManagerCommand),
	"kube-scheduler":          upstream(func() *cobra.Command { return scheduler.NewSchedulerCommand() }),
	"kube-proxy":              upstream(proxy.NewProxyCommand),
	"coredns":                 runDNS,
}

func upstream(command func() *cobra.Command) func([]string) int {
	return func(arguments []string) int {
		// Some of them look at the program's arguments again.
		os.Args = append([]string{os.Args[0]}, arguments...)
		made := command()
		made.SetArgs(arguments)
		return cli.Run(made)
	}
}
