//! GitHub: authentication, API, webhook types, publishing, slash commands.
//!
//! octocrab carries the requests; what is retried, how fast we write and which fields we read is decided here.

#![forbid(unsafe_code)]

mod api;
mod auth;
pub mod commands;
mod installations;
mod pace;
mod publish;
mod sides;
mod transport;
mod tree;
pub mod types;
pub mod webhook;

pub use api::{Api, RepoApi};
pub use auth::{AppKey, BadKey, Issuer};
pub use installations::{End, FailedDelivery, GroupCommit, KnownInstallation, OpenPull};
pub use publish::{Asked, CHECK_NAME, Conclusion, LeftRun, OpenRun, PublishError, Publisher, decline};
pub use sides::Sides;
pub use transport::{ApiError, ApiSettings, Counters};
pub use tree::{Remote, TreeError, Trees};
pub use types::{App, CheckRunId, CommentId, CommentKind, CommentRef, InstallationId, Place, PrNumber, Pull, Reaction, Repo, Sha, User};
