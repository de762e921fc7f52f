package components

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"syscall"

	"go.etcd.io/etcd/server/v3/embed"
)

// runEtcd serves one member without TLS, for the API server beside it.
func runEtcd(arguments []string) int {
	flags := flag.NewFlagSet("etcd", flag.ContinueOnError)
	folder := flags.String("data-dir", "", "where it keeps what it knows")
	clients := flags.String("listen-client-urls", "http://127.0.0.1:2379", "where clients ask")
	peers := flags.String("listen-peer-urls", "http://127.0.0.1:2380", "where other members would ask")
	if err := flags.Parse(arguments); err != nil {
		return 2
	}
	if err := serveEtcd(*folder, *clients, *peers); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		return 1
	}
	return 0
}

func serveEtcd(folder, clients, peers string) error {
	client, err := url.Parse(clients)
	if err != nil {
		return err
	}
	peer, err := url.Parse(peers)
	if err != nil {
		return err
	}
	config := embed.NewConfig()
	config.Dir = folder
	config.ListenClientUrls, config.AdvertiseClientUrls = []url.URL{*client}, []url.URL{*client}
	config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{*peer}, []url.URL{*peer}
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	// What it holds does not outlive the bed, so that nothing has to reach the disk.
	config.UnsafeNoFsync = true
	config.LogLevel = "warn"
	server, err := embed.StartEtcd(config)
	if err != nil {
		return err
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	select {
	case <-signals:
		server.Close()
		return nil
	case err := <-server.Err():
		return err
	}
}
