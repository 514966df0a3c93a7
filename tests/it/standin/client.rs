//! A tiny HTTP client, and a tiny App: enough to knock at the stand-in's doors.

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};
use waypost::standin::Standin;

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: hyper::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    /// The body as JSON; null where it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

/// Sends a request with these headers; `Err` where the connection broke.
pub(crate) async fn send(method: &str, url: &str, headers: &[(&str, &str)], body: String) -> Result<Answer, String> {
    let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let mut request = hyper::Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = client.request(request.body(Full::new(Bytes::from(body))).unwrap()).await.map_err(|error| error.to_string())?;
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let bytes = response.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
    Ok(Answer { status, headers, text: String::from_utf8_lossy(&bytes).into_owned() })
}

pub(crate) fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// Signs claims with the App's key.
pub(crate) fn jwt(pem: &str, claims: &Value) -> String {
    let key = jsonwebtoken::EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap();
    jsonwebtoken::encode(&jsonwebtoken::Header::new(jsonwebtoken::Algorithm::RS256), claims, &key).unwrap()
}

/// Somebody who talks to the API with one credential.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    base: String,
    token: String,
}

impl Api {
    /// The App itself.
    pub(crate) fn app(standin: &Standin) -> Self {
        let claims = json!({"iat": now() - 60, "exp": now() + 540, "iss": standin.client_id});
        Self::with(standin, &jwt(&standin.private_key_pem, &claims))
    }

    /// Whoever has this token.
    pub(crate) fn with(standin: &Standin, token: &str) -> Self {
        Self { base: standin.api_url.clone(), token: token.to_owned() }
    }

    /// The App on its installation, with all it may do.
    pub(crate) async fn installation(standin: &Standin) -> Self {
        let path = format!("/app/installations/{}/access_tokens", standin.installation_id);
        let answer = Self::app(standin).post(&path, &json!({})).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        Self::with(standin, answer.json()["token"].as_str().unwrap())
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: String) -> Result<Answer, String> {
        let bearer = format!("Bearer {}", self.token);
        let url = format!("{}{path}", self.base);
        let headers = [("authorization", bearer.as_str()), ("user-agent", "waypost-test"), ("accept", "application/vnd.github+json")];
        send(method, &url, &headers, body).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, String::new()).await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, body.to_string()).await.unwrap()
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send("PATCH", path, body.to_string()).await.unwrap()
    }
}
