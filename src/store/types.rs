//! What is kept, as plain data.

/// A webhook delivery, its signature checked.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// `X-GitHub-Delivery`; a redelivery has the same.
    pub guid: String,
    /// `X-GitHub-Event`.
    pub event: String,
    /// The body as received.
    pub body: Vec<u8>,
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// Seen for the first time.
    New,
    /// Seen before and given up; its work is queued again.
    Again,
    /// Seen before; nothing was done.
    Known,
}

/// Work to be done.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// One job of a lane runs at a time.
    pub lane: String,
    /// Queued jobs with the same key become one.
    pub dedupe: String,
    /// What to do, for who runs it.
    pub payload: String,
}

/// Returns the payload of the one job that does the work of two: of the older one first, then of the newer.
pub type Merge = fn(&str, &str) -> String;

/// The number of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct JobId(pub i64);

/// A claim on a job. Whoever claims it later has a higher number, and this one is void.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fence {
    /// The job.
    pub job: JobId,
    /// Which claim on it.
    pub claim: i64,
}

/// A job that is ours until the lease ends.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The claim.
    pub fence: Fence,
    /// See [`NewJob::lane`].
    pub lane: String,
    /// See [`NewJob::payload`].
    pub payload: String,
    /// From 1; higher when earlier attempts ended in [`End::Retry`] or were lost.
    pub attempt: u32,
    /// When it was first asked for, in milliseconds since 1970.
    pub created_ms: i64,
}

/// What happens together with the end of a job that is done: all of it, or none.
#[derive(Clone, Debug, Default)]
pub struct AtEnd {
    /// Notes that are forgotten.
    pub forget: Vec<String>,
    /// Jobs that are added.
    pub jobs: Vec<NewJob>,
}

/// How a claim ends.
#[derive(Clone, Debug)]
pub enum End {
    /// The work is done.
    Done(AtEnd),
    /// It is tried again.
    Retry {
        /// Not before this.
        at_ms: i64,
        /// Why.
        error: String,
    },
    /// It is given up; a redelivery starts it again.
    Failed {
        /// Why.
        error: String,
    },
    /// The server stops: the job goes back untouched, without counting an attempt.
    HandOver,
}

/// How much work there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueState {
    /// Jobs waiting.
    pub queued: u64,
    /// Jobs running.
    pub running: u64,
    /// Jobs given up.
    pub failed: u64,
    /// When the longest-waiting due job was created, in milliseconds since 1970.
    pub oldest_queued_ms: Option<i64>,
    /// When the oldest delivery whose work is not done was received, in milliseconds since 1970.
    pub oldest_outstanding_ms: Option<i64>,
    /// Deliveries whose work is neither done nor given up nor anywhere in the queue. Always 0, or something is broken.
    pub dropped: u64,
    /// Deliveries kept.
    pub deliveries: u64,
}

/// A small fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What it is about.
    pub key: String,
    /// What it says.
    pub value: String,
}

/// How a review is looked up.
#[derive(Clone, Debug)]
pub enum ReviewKey {
    /// By what never changes.
    Id {
        /// The repository.
        repository_id: u64,
        /// The pull request.
        number: u64,
    },
    /// By what people type.
    Name {
        /// The owner.
        owner: String,
        /// The repository's name.
        name: String,
        /// The pull request.
        number: u64,
    },
}

/// The last review of a pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredReview {
    /// The repository's number, which survives renames.
    pub repository_id: u64,
    /// The pull request.
    pub number: u64,
    /// The owner.
    pub owner: String,
    /// The repository's name.
    pub name: String,
    /// The commit reviewed.
    pub head_sha: String,
    /// The commit compared with.
    pub base_sha: String,
    /// A digest of all it was made of.
    pub inputs: String,
    /// The pull request's title.
    pub title: String,
    /// `pass`, `warn`, `fail`, or `error` when no review could be made.
    pub verdict: String,
    /// One plain sentence.
    pub summary: String,
    /// The review as JSON.
    pub review: String,
    /// The review as text for a terminal, without colour.
    pub report: String,
    /// When, in milliseconds since 1970.
    pub reviewed_at_ms: i64,
}

/// The database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be opened or created.
    #[error("the database `{url}` cannot be opened: {cause}")]
    Open {
        /// As in the settings.
        url: String,
        /// What the database says.
        cause: String,
    },
    /// The server is stopping.
    #[error("the database is being closed")]
    Closed,
    /// A statement did not work.
    #[error("the database refused: {0}")]
    Refused(#[from] sqlx::Error),
}
