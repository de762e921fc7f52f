//! An API server, as far as it calls webhooks.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::client::Body;
use serde_json::{Value, json};

/// A client with connections of its own.
pub(crate) struct Caller(kube::Client);

impl Caller {
    /// Trusts these authorities (DER), and calls the server by this name; by its address where there is none.
    pub(crate) fn new(address: SocketAddr, authorities: Vec<Vec<u8>>, name: Option<&str>) -> Self {
        let mut config = kube::Config::new(format!("https://{address}").parse().expect("an address"));
        config.root_cert = Some(authorities);
        config.tls_server_name = name.map(str::to_owned);
        Self(kube::Client::try_from(config).expect("a client"))
    }

    /// Status and body of the answer.
    pub(crate) async fn post(&self, path: &str, body: Vec<u8>) -> (u16, String) {
        self.try_post(path, body).await.expect("an answer")
    }

    async fn try_post(&self, path: &str, body: Vec<u8>) -> Result<(u16, String), kube::Error> {
        let request = http::Request::post(path).header("content-type", "application/json").body(Body::from(body));
        let response = self.0.send(request.expect("a request")).await?;
        let status = response.status().as_u16();
        let body = response.into_body().collect_bytes().await?;
        Ok((status, String::from_utf8(body.to_vec()).expect("text")))
    }

    /// The `response` of the answer to a review.
    pub(crate) async fn ask(&self, path: &str, request: &Value) -> Value {
        let review = review(request);
        let (status, body) = self.post(path, review.to_string().into_bytes()).await;
        assert_eq!(status, 200, "{body}");
        let mut answer: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!((&answer["apiVersion"], &answer["kind"]), (&review["apiVersion"], &review["kind"]));
        assert_eq!(answer["response"]["uid"], request["uid"]);
        answer["response"].take()
    }

    /// Whether it gets an answer: not with an authority that it does not trust.
    pub(crate) async fn is_answered(&self, path: &str, request: &Value) -> bool {
        self.try_post(path, review(request).to_string().into_bytes()).await.is_ok_and(|(status, _)| status == 200)
    }
}

fn review(request: &Value) -> Value {
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request})
}

/// A request to create an object.
pub(crate) fn request(group: &str, kind: &str, object: &Value) -> Value {
    json!({
        "uid": "0a1b", "operation": "CREATE", "name": "library", "namespace": "default",
        "kind": {"group": group, "version": "v1", "kind": kind},
        "resource": {"group": group, "version": "v1", "resource": format!("{}s", kind.to_lowercase())},
        "userInfo": {"username": "ann"}, "object": object, "dryRun": false,
    })
}

/// A request to create a greeting.
pub(crate) fn greeting(who: &str) -> Value {
    request("example.dev", "Greeting", &json!({"metadata": {"name": "library"}, "spec": {"who": who}}))
}

/// The certificates of a PEM document, each as DER.
pub(crate) fn ders(pem: &str) -> Vec<Vec<u8>> {
    let blocks = pem.split("-----BEGIN CERTIFICATE-----").skip(1);
    let der = |block: &str| {
        let text: String = block.split("-----END").next().expect("an end").split_whitespace().collect();
        STANDARD.decode(text).expect("base64")
    };
    blocks.map(der).collect()
}
