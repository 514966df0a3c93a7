//! Whether a delivery is from GitHub.

use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use std::fmt::Write;

/// The signature is not there, not one, or not made with any secret of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature is missing or not made with the webhook secret")]
pub struct BadSignature;

/// The webhook's secrets: one, or the old and the new while they are being changed.
#[derive(Clone, Debug)]
pub struct WebhookSecrets(Vec<SecretString>);

impl WebhookSecrets {
    /// Returns the secrets of a comma-separated list; `None` when it holds none, for a webhook without a secret believes anyone.
    pub fn new(list: &SecretString) -> Option<Self> {
        let secrets: Vec<SecretString> =
            list.expose_secret().split(',').map(str::trim).filter(|secret| !secret.is_empty()).map(SecretString::from).collect();
        (!secrets.is_empty()).then_some(Self(secrets))
    }

    /// Checks `header` (`X-Hub-Signature-256`) against the body as received. Takes the same time wherever a wrong signature differs.
    ///
    /// # Errors
    /// [`BadSignature`].
    pub fn check(&self, header: Option<&str>, body: &[u8]) -> Result<(), BadSignature> {
        let signature = header.and_then(|header| header.strip_prefix("sha256=")).and_then(from_hex).ok_or(BadSignature)?;
        let mut good = false;
        for secret in &self.0 {
            good |= mac(secret, body).is_some_and(|mac| mac.verify_slice(&signature).is_ok());
        }
        if good { Ok(()) } else { Err(BadSignature) }
    }
}

/// Returns the `X-Hub-Signature-256` of `body`.
pub fn sign(secret: &SecretString, body: &[u8]) -> String {
    let mut header = "sha256=".to_owned();
    if let Some(mac) = mac(secret, body) {
        for byte in mac.finalize().into_bytes() {
            if write!(header, "{byte:02x}").is_err() {
                break;
            }
        }
    }
    header
}

/// `None` never: HMAC takes keys of any length.
fn mac(secret: &SecretString, body: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).ok()?;
    mac.update(body);
    Some(mac)
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..32).map(|at| u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = b"Hello, World!";
    const SIGNATURE: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    fn secrets(list: &str) -> WebhookSecrets {
        WebhookSecrets::new(&list.into()).unwrap()
    }

    #[test]
    fn the_documented_example_is_good() {
        assert_eq!(sign(&"It's a Secret to Everybody".into(), BODY), SIGNATURE);
        assert_eq!(secrets("It's a Secret to Everybody").check(Some(SIGNATURE), BODY), Ok(()));
    }

    #[test]
    fn the_old_and_the_new_secret_are_both_good() {
        assert_eq!(secrets("new, It's a Secret to Everybody").check(Some(SIGNATURE), BODY), Ok(()));
    }

    #[test]
    fn a_forged_signature_is_not() {
        let secrets = secrets("It's a Secret to Everybody");
        let sha1 = SIGNATURE.replace("sha256", "sha1");
        let short = SIGNATURE.get(..70).unwrap();
        let other = SIGNATURE.replace("757", "758");
        let longer = format!("{SIGNATURE}00");
        for bad in [None, Some(""), Some("sha256="), Some(&*sha1), Some(short), Some(&*other), Some(&*longer), Some("sha256=ä")] {
            assert_eq!(secrets.check(bad, BODY), Err(BadSignature), "{bad:?}");
        }
        assert_eq!(secrets.check(Some(SIGNATURE), b"Hello, World"), Err(BadSignature));
    }

    #[test]
    fn no_secret_is_no_secrets() {
        for none in ["", " ", ",", " , "] {
            assert!(WebhookSecrets::new(&none.into()).is_none(), "{none:?}");
        }
    }
}
