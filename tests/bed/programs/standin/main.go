// What stands in for servers and their clients in tests of the bed. It needs nothing of the machine it runs on.
//
//	standin serve [ADDRESS]     answers with its host's name, and on /healthz until it was told POST /fail; on /hazelcast/health/
//	                            as a member that is well
//	standin get URL             prints an answer, trying for a while
//	standin lookup NAME         prints a name's addresses
//	standin services SRV-NAME   prints ports and names of an SRV record
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// How long a client tries. Names and addresses of a new Service take a moment to be known everywhere.
const patience = 20 * time.Second

var actions = map[string]func(string) (string, error){
	"get": get,
	"lookup": func(name string) (string, error) {
		addresses, err := net.LookupHost(name)
		slices.Sort(addresses)
		return strings.Join(addresses, "\n") + "\n", err
	},
	"services": func(name string) (string, error) {
		_, records, err := net.LookupSRV("", "", name)
		var lines []string
		for _, record := range records {
			lines = append(lines, fmt.Sprintf("%d %s\n", record.Port, record.Target))
		}
		slices.Sort(lines)
		return strings.Join(lines, ""), err
	},
}

func main() {
	arguments := os.Args[1:]
	if len(arguments) > 0 && arguments[0] == "serve" {
		fail(serve(append(arguments[1:], ":8080")[0]))
		return
	}
	if len(arguments) != 2 || actions[arguments[0]] == nil {
		fmt.Fprintln(os.Stderr, "usage: standin serve [ADDRESS] | get URL | lookup NAME | services SRV-NAME")
		os.Exit(2)
	}
	var text string
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if text, err = actions[arguments[0]](arguments[1]); err == nil {
			break
		}
	}
	fail(err)
	fmt.Print(text)
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func get(url string) (string, error) {
	response, err := (&http.Client{Timeout: 2 * time.Second}).Get(url)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, body)
	}
	return string(body), err
}

func serve(address string) error {
	name, err := os.Hostname()
	if err != nil {
		return err
	}
	var failing atomic.Bool
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, name) })
	mux.HandleFunc("GET /hazelcast/health/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ACTIVE") })
	mux.HandleFunc("POST /fail", func(http.ResponseWriter, *http.Request) { failing.Store(true) })
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		if failing.Load() {
			http.Error(w, "told to fail", http.StatusInternalServerError)
		}
	})
	server := &http.Server{Addr: address, Handler: mux}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-signals
		fmt.Println("told to end")
		_ = server.Close()
	}()
	fmt.Println("serving on", address)
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		return err
	}
	return nil
}
