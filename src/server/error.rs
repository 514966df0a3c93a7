//! Why a server does not start.

use crate::github::BadKey;
use crate::store::StoreError;
use std::net::SocketAddr;

/// Why a server does not start. The text says what; [`StartError::help`] says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Anybody could send it deliveries.
    #[error("no webhook secret is set, so anybody could send deliveries")]
    NoWebhookSecret,
    /// The private key is none.
    #[error("the private key in {origin} is not an RSA key in PEM")]
    BadKey {
        /// The file or the setting.
        origin: String,
        /// The error below.
        #[source]
        bad: BadKey,
    },
    /// GitHub's URL is none, or there are no TLS roots.
    #[error("GitHub at `{url}` cannot be talked to: {cause}")]
    GitHub {
        /// The setting.
        url: String,
        /// Why.
        cause: String,
    },
    /// The database does not open.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The address is taken, or not ours.
    #[error("cannot listen on `{address}`: {cause}")]
    Listen {
        /// The setting.
        address: SocketAddr,
        /// Why.
        cause: String,
    },
}

impl StartError {
    /// Returns one thing to do.
    pub fn help(&self) -> &'static str {
        match self {
            Self::NoWebhookSecret => {
                "set WAYPOST_GITHUB_WEBHOOK_SECRET to the secret in the App's settings on GitHub (several, comma separated, while it is being changed)"
            }
            Self::BadKey { .. } => {
                "use the .pem file that GitHub gives under \"Private keys\" in the App's settings; it begins with `-----BEGIN RSA PRIVATE KEY-----`"
            }
            Self::GitHub { .. } => {
                "WAYPOST_GITHUB_API_URL is `https://api.github.com`, or `https://HOST/api/v3` for GitHub Enterprise Server; for `https` this machine needs CA certificates (the package is often called ca-certificates), or SSL_CERT_FILE names a file with them"
            }
            Self::Store(_) => {
                "WAYPOST_DATABASE_URL is `sqlite://FILE`, whose folder must exist and be writable, or `postgres://USER:PASSWORD@HOST/DATABASE`"
            }
            Self::Listen { .. } => "set WAYPOST_LISTEN to an address of this machine and a free port, such as `127.0.0.1:8081`",
        }
    }
}
