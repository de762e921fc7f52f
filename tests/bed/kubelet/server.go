package kubelet

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/types"
	remotecommandconsts "k8s.io/apimachinery/pkg/util/remotecommand"
	"k8s.io/kubelet/pkg/cri/streaming/portforward"
	"k8s.io/kubelet/pkg/cri/streaming/remotecommand"
)

// Connections of exec and port-forward that say nothing for so long are closed; a stream that is asked for must come so soon.
const (
	idleLimit     = 4 * time.Hour
	creationLimit = 30 * time.Second
)

// How often a followed log is looked at.
const followInterval = 100 * time.Millisecond

// serve answers what the API server asks of a node's kubelet: logs, exec, port-forward. It does not ask who is there, as nobody
// else is on its network.
func (k *Kubelet) serve(n *node) error {
	certificate, err := selfSigned(n.address)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", k.serveLogs)
	mux.HandleFunc("/exec/{namespace}/{pod}/{container}", k.serveExec)
	mux.HandleFunc("/portForward/{namespace}/{pod}", k.servePortForward)
	listener, err := tls.Listen("tcp", net.JoinHostPort(n.address, strconv.Itoa(serverPort)), &tls.Config{
		Certificates: []tls.Certificate{certificate},
		// Streams of exec take a whole connection over, which HTTP/2 has no way for.
		NextProtos: []string{"http/1.1"},
	})
	if err != nil {
		return err
	}
	go func() { log.Printf("the server of %s ended: %v", n.name, http.Serve(listener, mux)) }()
	return nil
}

func selfSigned(address string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().AddDate(1, 0, 0), IPAddresses: []net.IP{net.ParseIP(address)}}
	bytes, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{bytes}, PrivateKey: key}, err
}

// lookup finds the container that a request names; it has answered where there is none.
func (k *Kubelet) lookup(w http.ResponseWriter, r *http.Request) (*pod, *container) {
	p := k.find(r.PathValue("namespace"), r.PathValue("pod"))
	if p == nil {
		http.Error(w, fmt.Sprintf("pod %q is not here", r.PathValue("pod")), http.StatusNotFound)
		return nil, nil
	}
	for _, c := range p.containers {
		if c.Name == r.PathValue("container") {
			return p, c
		}
	}
	http.Error(w, fmt.Sprintf("container %q is not in pod %q", r.PathValue("container"), p.name), http.StatusNotFound)
	return nil, nil
}

func (k *Kubelet) serveLogs(w http.ResponseWriter, r *http.Request) {
	p, c := k.lookup(w, r)
	if c == nil {
		return
	}
	p.mu.Lock()
	number, process := c.restarts, c.process
	if isBetween := process == nil && c.state.Waiting != nil; number > 0 && (r.FormValue("previous") == "true" || isBetween) {
		// What waits to be started again has no new log yet.
		number--
	} else if r.FormValue("previous") == "true" {
		number = -1
	}
	p.mu.Unlock()
	file, err := os.Open(filepath.Join(p.logs, c.Name, fmt.Sprint(number, ".log")))
	if err != nil {
		http.Error(w, fmt.Sprintf("container %q in pod %q has no such log", c.Name, p.name), http.StatusBadRequest)
		return
	}
	defer file.Close()
	if lines, err := strconv.Atoi(r.FormValue("tailLines")); err == nil {
		if err := skipToTail(file, lines); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	var to io.Writer = w
	if limit, err := strconv.ParseInt(r.FormValue("limitBytes"), 10, 64); err == nil {
		to = &limited{to: w, left: limit}
	}
	if r.FormValue("follow") != "true" {
		_, _ = io.Copy(to, file)
		return
	}
	follow(r.Context(), to, http.NewResponseController(w), file, process)
}

// follow copies a log until its process has ended and all is copied, or nobody reads any more.
func follow(ctx context.Context, to io.Writer, flush *http.ResponseController, file *os.File, process *process) {
	for {
		isOver := process == nil
		if !isOver {
			select {
			case <-process.ended:
				isOver = true
			default:
			}
		}
		// What was written before the end is there now.
		if _, err := io.Copy(to, file); err != nil || flush.Flush() != nil || isOver {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(followInterval):
		}
	}
}

var errLimit = errors.New("as much as was asked for")

// limited writes so many bytes and no more.
type limited struct {
	to   io.Writer
	left int64
}

func (l *limited) Write(bytes []byte) (int, error) {
	cut := bytes[:min(int64(len(bytes)), l.left)]
	n, err := l.to.Write(cut)
	if l.left -= int64(n); err == nil && n < len(bytes) {
		err = errLimit
	}
	return n, err
}

// skipToTail moves a file to where its last lines begin.
func skipToTail(file io.ReadSeeker, lines int) error {
	// Where each of the last lines begins, oldest first.
	starts, offset := []int64{0}, int64(0)
	reader := bufio.NewReader(file)
	for {
		line, err := reader.ReadBytes('\n')
		offset += int64(len(line))
		if bytes.HasSuffix(line, []byte{'\n'}) {
			starts = append(starts, offset)
		}
		if len(starts) > lines+1 {
			starts = starts[len(starts)-lines-1:]
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	start := offset
	if last := starts[len(starts)-1]; last < offset {
		// The last line has no end yet, and counts too.
		starts = append(starts, offset)
	}
	if lines > 0 {
		start = starts[max(len(starts)-1-lines, 0)]
	}
	_, err := file.Seek(start, io.SeekStart)
	return err
}

func (k *Kubelet) serveExec(w http.ResponseWriter, r *http.Request) {
	p, c := k.lookup(w, r)
	if c == nil {
		return
	}
	p.mu.Lock()
	process := c.process
	p.mu.Unlock()
	if process == nil {
		http.Error(w, fmt.Sprintf("container %q in pod %q does not run", c.Name, p.name), http.StatusBadRequest)
		return
	}
	options, err := remotecommand.NewOptions(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	remotecommand.ServeExec(w, r, executor{process}, p.name, types.UID(p.uid), c.Name, r.URL.Query()["command"], options,
		idleLimit, creationLimit, remotecommandconsts.SupportedStreamingProtocols)
}

func (k *Kubelet) servePortForward(w http.ResponseWriter, r *http.Request) {
	p := k.find(r.PathValue("namespace"), r.PathValue("pod"))
	if p == nil {
		http.Error(w, fmt.Sprintf("pod %q is not here", r.PathValue("pod")), http.StatusNotFound)
		return
	}
	options, err := portforward.NewV4Options(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	portforward.ServePortForward(w, r, forwarder{p}, p.name, types.UID(p.uid), options, idleLimit, creationLimit, portforward.SupportedProtocols)
}
