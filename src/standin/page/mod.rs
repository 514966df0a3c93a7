//! The pull request as a web page: diff, checks, conversation, and a box to type a comment.

use super::hub::Hub;
use axum::Router;
use std::sync::Arc;

/// The pages.
pub(super) fn router(hub: &Arc<Hub>) -> Router {
    Router::new().with_state(Arc::clone(hub))
}
