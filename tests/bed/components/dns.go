package components

import (
	"flag"
	"fmt"
	"os"

	"github.com/coredns/caddy"
	// The server, and the few of CoreDNS's plugins that a cluster's Corefile names. Its own program brings all of them,
	// with the libraries of three clouds.
	_ "github.com/coredns/coredns/core/dnsserver"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/ready"
)

func runDNS(arguments []string) int {
	flags := flag.NewFlagSet("coredns", flag.ContinueOnError)
	file := flags.String("conf", "Corefile", "what it serves")
	if err := flags.Parse(arguments); err != nil {
		return 2
	}
	contents, err := os.ReadFile(*file)
	if err == nil {
		caddy.Quiet = true
		caddy.TrapSignals()
		var server *caddy.Instance
		server, err = caddy.Start(caddy.CaddyfileInput{Contents: contents, Filepath: *file, ServerTypeName: "dns"})
		if err == nil {
			server.Wait()
			return 0
		}
	}
	fmt.Fprintln(os.Stderr, "error:", err)
	return 1
}
