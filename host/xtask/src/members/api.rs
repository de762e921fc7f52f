//! As much of a Kubernetes API as members ask to find each other: one pod, on one node, behind one Service.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

/// Members want one even where nothing is encrypted. It is that of a sample, whose key everybody knows.
pub(super) const CERTIFICATE: &str = include_str!("certificate.pem");

/// Serves until it is dropped.
pub(super) struct Api {
    address: SocketAddr,
    ended: Arc<AtomicBool>,
}

impl Drop for Api {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        // It waits for somebody to come.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
    }
}

impl Api {
    /// For a pod of this name at this address.
    pub(super) fn serve(pod: Ipv4Addr, name: &str) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("failed to listen for members")?;
        let (address, ended) = (listener.local_addr()?, Arc::new(AtomicBool::new(false)));
        let (is_over, name) = (ended.clone(), name.to_owned());
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if is_over.load(Ordering::Relaxed) {
                    return;
                }
                let name = name.clone();
                // Whoever stops asking ends it.
                thread::spawn(move || answer(&stream, pod, &name));
            }
        });
        Ok(Self { address, ended })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Answers every question that comes over a connection.
fn answer(stream: &TcpStream, pod: Ipv4Addr, name: &str) -> Option<()> {
    stream.set_read_timeout(Some(Duration::from_mins(1))).ok()?;
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    loop {
        let mut request = String::new();
        reader.read_line(&mut request).ok().filter(|read| *read > 0)?;
        let mut line = String::new();
        while reader.read_line(&mut line).ok()? > 2 {
            line.clear();
        }
        let path = request.split(' ').nth(1)?;
        let (code, body) = match object(path, pod, name) {
            Some(object) => ("200 OK", object),
            None => ("404 Not Found", json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404})),
        };
        let body = body.to_string();
        let head =
            format!("HTTP/1.1 {code}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
        writer.write_all((head + &body).as_bytes()).ok()?;
    }
}

/// What is at a path.
fn object(path: &str, pod: Ipv4Addr, name: &str) -> Option<Value> {
    const NODE: &str = "node-0";
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let of_pod = || {
        json!({
            "kind": "Pod", "apiVersion": "v1",
            "metadata": {"name": name, "namespace": "default"},
            "spec": {"nodeName": NODE, "containers": [{"name": "hazelcast", "ports": [{"containerPort": 5701}]}]},
            "status": {
                "phase": "Running", "podIP": pod,
                "containerStatuses": [{"name": "hazelcast", "ready": true}],
            },
        })
    };
    let list = |kind: &str, version: &str, items: Value| json!({"kind": kind, "apiVersion": version, "items": items});
    let slice = || {
        json!({
            "metadata": {"name": "members", "namespace": "default"}, "addressType": "IPv4",
            "ports": [{"name": "member-port", "port": 5702, "protocol": "TCP"}],
            "endpoints": [{
                "addresses": [pod], "nodeName": NODE, "hostname": name,
                "conditions": {"ready": true, "serving": true, "terminating": false},
                "targetRef": {"kind": "Pod", "name": name, "namespace": "default"},
            }],
        })
    };
    // Nothing is reached from outside: no Service is of a single pod.
    let slices = if query.contains("service-per-pod") { json!([]) } else { json!([slice()]) };
    match path {
        "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices" => {
            Some(list("EndpointSliceList", "discovery.k8s.io/v1", slices))
        }
        "/api/v1/namespaces/default/pods" => Some(list("PodList", "v1", json!([of_pod()]))),
        "/api/v1/nodes/node-0" => {
            let labels = json!({"topology.kubernetes.io/zone": "zone-0"});
            Some(json!({"kind": "Node", "apiVersion": "v1", "metadata": {"name": NODE, "labels": labels}}))
        }
        path if path.starts_with("/api/v1/namespaces/default/pods/") => Some(of_pod()),
        _ => None,
    }
}
