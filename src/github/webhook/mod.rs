//! What GitHub tells us: the signature, and the few fields that mean something, as our own events.
//!
//! Types of our own because GitHub adds actions and leaves fields out as it likes: whatever we do not know is an event that means
//! nothing to us, never an error. A delivery is a hint that something changed; who works on it reads the truth from the API.

mod event;
mod parse;
mod payload;
mod signature;

pub use event::{Event, PullEvent};
pub use parse::parse;
pub use signature::{BadSignature, WebhookSecrets, sign};
