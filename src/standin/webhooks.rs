//! Sends webhooks to the App: signed, one after the other, with GitHub's headers and its ten seconds of patience.

use super::Activity;
use super::clock::hex;
use super::hub::Hub;
use super::state::Delivery;
use hmac::{Hmac, Mac};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use sha2::Sha256;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// How long GitHub waits for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// As much of an answer as the log keeps.
const ANSWER_BYTES: usize = 16 * 1024;

/// The value of `X-Hub-Signature-256`.
pub(super) fn signature(secret: &str, body: &[u8]) -> String {
    // HMAC takes keys of any length, so there is no error to hand on.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(body);
    format!("sha256={}", hex(&mac.finalize().into_bytes()))
}

/// Sends what comes out of the queue until it closes.
pub(super) async fn send_all(hub: Arc<Hub>, mut queue: mpsc::UnboundedReceiver<u64>) {
    let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    while let Some(id) = queue.recv().await {
        let (delivery, url) = {
            let state = hub.lock();
            (state.deliveries.iter().find(|delivery| delivery.id == id).cloned(), state.webhook_url.clone())
        };
        let (Some(delivery), Some(url)) = (delivery, url) else { continue };
        let started = Instant::now();
        let (status, answer) = match tokio::time::timeout(PATIENCE, send(&hub, &client, &url, &delivery)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => (0, error),
            Err(_) => (0, "timed out".to_owned()),
        };
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut state = hub.lock();
        if let Some(entry) = state.deliveries.iter_mut().find(|entry| entry.id == id) {
            entry.status = status;
            entry.answer = answer;
            entry.duration_ms = duration_ms;
            entry.done = true;
        }
        drop(state);
        let sender = sender_of(&delivery.body);
        hub.tell(Activity::Delivered { event: delivery.event, action: delivery.action, sender, guid: delivery.guid, status, duration_ms });
    }
}

fn sender_of(body: &str) -> String {
    let payload: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    payload.pointer("/sender/login").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}

async fn send(hub: &Hub, client: &Client<HttpConnector, Full<Bytes>>, url: &str, delivery: &Delivery) -> Result<(u16, String), String> {
    let identity = &hub.shapes.identity;
    let request = hyper::Request::post(url)
        .header("accept", "*/*")
        .header("content-type", "application/json")
        .header("user-agent", "GitHub-Hookshot/standin")
        .header("x-github-delivery", &delivery.guid)
        .header("x-github-event", &delivery.event)
        .header("x-github-hook-id", "1")
        .header("x-github-hook-installation-target-id", identity.app_id.to_string())
        .header("x-github-hook-installation-target-type", "integration")
        .header("x-hub-signature-256", signature(&hub.secret, delivery.body.as_bytes()))
        .body(Full::new(Bytes::from(delivery.body.clone())))
        .map_err(|error| error.to_string())?;
    let response = client.request(request).await.map_err(|error| error.to_string())?;
    let status = response.status().as_u16();
    let body = Limited::new(response.into_body(), ANSWER_BYTES).collect().await.map_err(|error| error.to_string())?;
    Ok((status, String::from_utf8_lossy(&body.to_bytes()).into_owned()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_signature_is_the_one_github_documents() {
        assert_eq!(
            super::signature("It's a Secret to Everybody", b"Hello, World!"),
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
        );
    }
}
