//! Who we are: the App's private key, its short-lived proof (a JWT), and what that proof is worth.
//!
//! The proof is made here and not by octocrab, which can name the App only by its number; GitHub recommends the client id.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use std::fmt;

/// How long before now a proof begins to be valid: GitHub's clock may be behind ours.
const BACKDATED_S: i64 = 60;
/// How long after now it ends. GitHub refuses more than 10 minutes, by its own clock.
const LIFETIME_S: i64 = 8 * 60;

/// The name of the App in its proofs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Issuer {
    /// `Iv23li…`: what GitHub recommends.
    ClientId(String),
    /// The number: what GitHub Enterprise Server before 3.14 knows.
    AppId(u64),
}

/// The key is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not an RSA private key in PEM")]
pub struct BadKey;

/// The App's private key and name. Never printed.
#[derive(Clone)]
pub struct AppKey {
    issuer: Issuer,
    key: EncodingKey,
}

impl fmt::Debug for AppKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppKey").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Claims {
    iat: i64,
    exp: i64,
    iss: String,
}

impl AppKey {
    /// Returns the key of `pem`.
    ///
    /// # Errors
    /// [`BadKey`] when it is not an RSA private key in PEM: a proof is made at once, so that a wrong key is found at the start.
    pub fn new(issuer: Issuer, pem: &SecretString) -> Result<Self, BadKey> {
        let key = EncodingKey::from_rsa_pem(pem.expose_secret().as_bytes()).or(Err(BadKey))?;
        let made = Self { issuer, key };
        made.proof(0)?;
        Ok(made)
    }

    /// Returns a proof that holds from a minute before `now_ms` to eight minutes after.
    ///
    /// # Errors
    /// [`BadKey`] when the key cannot sign.
    pub fn proof(&self, now_ms: i64) -> Result<SecretString, BadKey> {
        let now_s = now_ms / 1000;
        let iss = match &self.issuer {
            Issuer::ClientId(id) => id.clone(),
            Issuer::AppId(id) => id.to_string(),
        };
        let claims = Claims { iat: now_s - BACKDATED_S, exp: now_s + LIFETIME_S, iss };
        jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &self.key).map(SecretString::from).or(Err(BadKey))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_rsa_key_is_refused_at_once() {
        let ec = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2\nOF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r\n1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G\n-----END PRIVATE KEY-----\n";
        for bad in ["", "hello", ec, "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n"] {
            assert_eq!(AppKey::new(Issuer::AppId(1), &SecretString::from(bad)).err(), Some(BadKey), "{bad}");
        }
    }
}
