//! Who is asking: the App (a JWT signed with its key), an installation (a token we gave out), or a person (their own token).

use super::clock::{now_seconds, random_hex};
use super::error::Refusal;
use super::shape::Identity;
use super::state::{State, Token};
use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The App's key pair, made when the stand-in starts.
pub(super) struct Keys {
    /// What the App signs with, as GitHub hands it out: PKCS#1 in PEM.
    pub(super) private_pem: String,
    verifying: DecodingKey,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Keys")
    }
}

/// The longest that a JWT may still live, in seconds.
const LONGEST_JWT_SECONDS: i64 = 600;
/// How far two clocks may be apart, in seconds.
const CLOCK_SKEW_SECONDS: i64 = 60;
/// What stands before the PKCS#1 key of an RSA-2048 key in PKCS#8: the sequence, version 0, the algorithm, the octet string's head.
const PKCS8_HEAD_BYTES: usize = 26;

impl Keys {
    /// Makes a key pair. `None` where the system has no randomness.
    pub(super) fn generate() -> Option<Self> {
        use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
        use aws_lc_rs::rsa::{KeyPair, KeySize};
        use aws_lc_rs::signature::KeyPair as _;
        let pair = KeyPair::generate(KeySize::Rsa2048).ok()?;
        let pkcs8: Pkcs8V1Der<'static> = pair.as_der().ok()?;
        let pkcs1 = pkcs8.as_ref().get(PKCS8_HEAD_BYTES..)?;
        Some(Self { private_pem: pem("RSA PRIVATE KEY", pkcs1), verifying: DecodingKey::from_rsa_der(pair.public_key().as_ref()) })
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    for (at, letter) in text.chars().enumerate() {
        out.push(letter);
        if at % 64 == 63 {
            out.push('\n');
        }
    }
    if !out.ends_with('\n') {
        out.push('\n');
    }
    out + &format!("-----END {label}-----\n")
}

#[derive(Deserialize)]
struct Claims {
    iss: Value,
    iat: Option<i64>,
    exp: Option<i64>,
}

/// The credentials of a request, without `Bearer` or `token`.
fn credentials(headers: &HeaderMap) -> Result<&str, Refusal> {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let value = value.ok_or_else(|| Refusal::unauthorized("Requires authentication"))?;
    let (scheme, rest) = value.split_once(' ').ok_or_else(|| Refusal::unauthorized("Bad credentials"))?;
    if scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token") {
        Ok(rest.trim())
    } else {
        Err(Refusal::unauthorized("Bad credentials"))
    }
}

/// Verifies that the App itself asks.
///
/// # Errors
/// 401 with GitHub's reason.
pub(super) fn require_app(keys: &Keys, identity: &Identity, headers: &HeaderMap) -> Result<(), Refusal> {
    let token = credentials(headers)?;
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_exp = false;
    validation.required_spec_claims.clear();
    let claims = jsonwebtoken::decode::<Claims>(token, &keys.verifying, &validation)
        .map_err(|_reason| Refusal::unauthorized("A JSON web token could not be decoded"))?
        .claims;
    let issuer = claims.iss.as_str().map_or_else(|| claims.iss.to_string(), str::to_owned);
    if issuer != identity.app_id.to_string() && issuer != identity.client_id {
        return Err(Refusal::unauthorized("Integration not found"));
    }
    let now = now_seconds();
    match claims.exp {
        Some(exp) if exp <= now => Err(Refusal::unauthorized(
            "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
        )),
        Some(exp) if exp > now + LONGEST_JWT_SECONDS => Err(Refusal::unauthorized("'Expiration time' claim ('exp') is too far in the future")),
        None => Err(Refusal::unauthorized("Missing 'expiration time' claim ('exp') in assertion")),
        Some(_) => match claims.iat {
            Some(iat) if iat <= now + CLOCK_SKEW_SECONDS => Ok(()),
            Some(_) | None => {
                Err(Refusal::unauthorized("'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"))
            }
        },
    }
}

/// Who may be asking for a repository.
#[derive(Clone, Debug)]
pub(super) enum Caller {
    /// The App, on an installation.
    Installation(Token),
    /// A person with a token of their own.
    Person,
}

/// Finds out who asks.
///
/// # Errors
/// 401 for a token that is unknown or has expired.
pub(super) fn caller(state: &State, user_token: &str, headers: &HeaderMap) -> Result<Caller, Refusal> {
    let token = credentials(headers)?;
    if token == user_token {
        return Ok(Caller::Person);
    }
    match state.tokens.get(token) {
        Some(found) if found.expires > now_seconds() => Ok(Caller::Installation(found.clone())),
        Some(_) | None => Err(Refusal::unauthorized("Bad credentials")),
    }
}

impl Caller {
    /// Whether the caller may see a repository at all.
    pub(super) fn sees(&self, repository: u64, installed: bool) -> bool {
        match self {
            Self::Person => true,
            Self::Installation(token) => installed && token.repositories.as_ref().is_none_or(|ids| ids.contains(&repository)),
        }
    }

    /// Whether the caller has one of the permissions, at `read` or `write`.
    pub(super) fn may(&self, names: &[&str], write: bool) -> bool {
        match self {
            Self::Person => true,
            Self::Installation(token) => names.iter().any(|name| match token.permissions.get(*name).map(String::as_str) {
                Some("write") => true,
                Some("read") => !write,
                Some(_) | None => false,
            }),
        }
    }
}

/// What the App may do when nothing narrower is asked for.
pub(super) fn app_permissions() -> BTreeMap<String, String> {
    let list = [("checks", "write"), ("contents", "read"), ("merge_queues", "read"), ("metadata", "read"), ("pull_requests", "write")];
    list.into_iter().map(|(name, level)| (name.to_owned(), level.to_owned())).collect()
}

/// A part of a JWT; like all of them it begins as an object does.
fn jwt_part<const BYTES: usize>() -> String {
    format!("eyJ{}", URL_SAFE_NO_PAD.encode(random_hex::<BYTES>().get(..BYTES).unwrap_or_default()))
}

/// Gives out an installation token.
pub(super) fn issue(state: &mut State, repositories: Option<BTreeSet<u64>>, permissions: BTreeMap<String, String>) -> (String, i64) {
    let text = match state.long_tokens {
        // The shape of 2026: `ghs_`, the App's number, and a JWT.
        Some(app) => format!("ghs_{app}_{}.{}.{}", jwt_part::<27>(), jwt_part::<150>(), jwt_part::<192>()),
        None => format!("ghs_{}", random_hex::<18>()),
    };
    let expires = now_seconds() + state.token_lifetime_seconds;
    state.tokens.insert(text.clone(), Token { expires, repositories, permissions });
    (text, expires)
}
