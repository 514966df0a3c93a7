//! Trees on GitHub as snapshots: the names at once, the contents where somebody wants them.
//!
//! A tree has an id, and the same id has the same content for ever: what was read once is in the store, and a file that is the same in
//! base and head is read once. Never the list of changed files of the API, which ends at 300 or 3,000.

use super::api::RepoApi;
use super::transport::ApiError;
use super::types::{Sha, TreeEntry};
use crate::snapshot::{Entry, MAX_FILE_BYTES, ReadError, Snapshot, Source};
use crate::span::TreePath;
use crate::store::{Store, StoreError};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;

/// Files read from GitHub at the same time.
const AT_ONCE: usize = 8;
/// The most bytes of file contents that one review holds.
const MAX_CONTENT_BYTES: usize = 64 << 20;
/// The longest list of names that is kept in the store.
const MAX_KEPT_TREE_BYTES: usize = 2 << 20;
/// The most requests spent on listing one tree that GitHub does not give in one piece.
const MAX_TREE_REQUESTS: usize = 500;
/// The most times that reading goes back for more files: an include chain this long is no accident.
const MAX_ROUNDS: usize = 64;

/// Why trees cannot be read or worked on.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// GitHub did not give them.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The store did not.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Too many names.
    #[error("the tree {0} has more directories than can be listed")]
    TooLarge(Sha),
    /// The work on them ended in a crash of ours.
    #[error("Waypost has crashed on this change: {0}")]
    Crashed(String),
    /// The work on them took too long.
    #[error("the work on this change took longer than {0} s")]
    Slow(u64),
}

/// A snapshot whose contents come as they are wanted.
pub type Remote = Arc<Snapshot>;

/// The trees of one repository.
#[derive(Debug)]
pub struct Trees {
    api: RepoApi,
    store: Arc<dyn Store>,
    contents: Arc<Contents>,
}

/// File contents by object id, shared by all snapshots of a [`Trees`].
#[derive(Debug, Default)]
struct Contents(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    files: BTreeMap<Arc<str>, Result<Arc<[u8]>, ReadError>>,
    bytes: usize,
}

struct RemoteSource {
    files: BTreeMap<TreePath, (Arc<str>, Option<u64>)>,
    contents: Arc<Contents>,
}

impl Source for RemoteSource {
    fn load(&self, path: &TreePath) -> Result<Arc<[u8]>, ReadError> {
        let (sha, bytes) = self.files.get(path).ok_or(ReadError::NotThere)?;
        if let Some(bytes) = bytes.filter(|bytes| *bytes > MAX_FILE_BYTES) {
            return Err(ReadError::TooLarge { bytes });
        }
        self.contents.get(sha).unwrap_or(Err(ReadError::Wanted))
    }
}

impl Contents {
    fn get(&self, sha: &str) -> Option<Result<Arc<[u8]>, ReadError>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).files.get(sha).cloned()
    }

    fn put(&self, sha: &str, content: Result<Arc<[u8]>, ReadError>) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = content.as_ref().map_or(0, |content| content.len());
        let content = if held.bytes + bytes > MAX_CONTENT_BYTES {
            Err(ReadError::Unreadable(format!("this change needs more than {} MB of files", MAX_CONTENT_BYTES >> 20)))
        } else {
            held.bytes += bytes;
            content
        };
        held.files.insert(Arc::from(sha), content);
    }
}

impl Trees {
    /// Returns the trees of the repository of `api`.
    pub fn new(api: RepoApi, store: Arc<dyn Store>) -> Self {
        Self { api, store, contents: Arc::default() }
    }

    /// Returns the tree `sha`, or the tree of the commit `sha`. Its links are read, its files are not.
    ///
    /// # Errors
    /// When GitHub or the store does not answer, or the tree is too large to list.
    pub async fn snapshot(&self, sha: &Sha) -> Result<Remote, TreeError> {
        let names = self.list(sha).await?;
        let links: BTreeSet<Arc<str>> = names.iter().filter(|name| name.mode == "120000").map(|name| Arc::from(name.sha.as_str())).collect();
        self.fetch(links).await?;
        let mut entries = BTreeMap::new();
        let mut files = BTreeMap::new();
        for name in names {
            let Some(path) = TreePath::new(&name.path) else { continue };
            let id: Arc<str> = Arc::from(name.sha.as_str());
            match name.mode.as_str() {
                "120000" => {
                    // A link whose target cannot be read leads nowhere.
                    let target = self.contents.get(&id).and_then(Result::ok).unwrap_or_default();
                    entries.insert(path, Entry::Link(Arc::from(String::from_utf8_lossy(&target))));
                }
                // Directories are implied; a submodule is another repository's tree.
                "040000" | "160000" => {}
                _ => {
                    entries.insert(path.clone(), Entry::File { id: Some(Arc::clone(&id)) });
                    files.insert(path, (id, name.size));
                }
            }
        }
        let source = RemoteSource { files, contents: Arc::clone(&self.contents) };
        Ok(Arc::new(Snapshot::new(entries, Box::new(source))))
    }

    /// Does `work`, a pure function of `snapshots`, until it has had every file it wanted. Off the async threads, for at most `limit`.
    ///
    /// # Errors
    /// As [`Trees::snapshot`]; [`TreeError::Crashed`] and [`TreeError::Slow`].
    pub async fn run<T: Send + 'static>(
        &self,
        snapshots: &[Remote],
        limit: Duration,
        work: Arc<dyn Fn() -> T + Send + Sync>,
    ) -> Result<T, TreeError> {
        for _ in 0..MAX_ROUNDS {
            let once = Arc::clone(&work);
            let done = match tokio::time::timeout(limit, tokio::task::spawn_blocking(move || once())).await {
                Ok(Ok(done)) => done,
                Ok(Err(crash)) => return Err(TreeError::Crashed(panic_text(crash))),
                Err(_) => return Err(TreeError::Slow(limit.as_secs())),
            };
            let wanted = snapshots.iter().flat_map(|snapshot| snapshot.wanted().into_iter().filter_map(|path| snapshot.id(&path)));
            let missing: BTreeSet<Arc<str>> = wanted.filter(|sha| self.contents.get(sha).is_none()).collect();
            if missing.is_empty() {
                return Ok(done);
            }
            self.fetch(missing).await?;
        }
        Err(TreeError::Crashed("an include chain without an end".to_owned()))
    }

    /// Brings these files here: from the store, else from GitHub.
    async fn fetch(&self, shas: BTreeSet<Arc<str>>) -> Result<(), TreeError> {
        let repository_id = self.api.place().repository_id;
        let known = self.store.blobs(repository_id, shas.iter().map(ToString::to_string).collect()).await?;
        let mut missing = Vec::new();
        for sha in shas {
            match known.get(&*sha) {
                Some(content) => self.contents.put(&sha, Ok(Arc::clone(content))),
                None => missing.extend(Sha::new(&sha)),
            }
        }
        let mut waiting = missing.into_iter();
        let mut running = JoinSet::new();
        let mut fetched = Vec::new();
        let mut stopped = None;
        loop {
            while running.len() < AT_ONCE
                && stopped.is_none()
                && let Some(sha) = waiting.next()
            {
                let api = self.api.clone();
                running.spawn(async move { (api.blob(&sha).await, sha) });
            }
            let Some(next) = running.join_next().await else { break };
            let (answer, sha) = next.map_err(|crash| TreeError::Crashed(panic_text(crash)))?;
            let content = match answer {
                Ok(content) => Ok(Arc::<[u8]>::from(content)),
                // The tree names it and GitHub does not have it: say so in the review, once, instead of failing for ever.
                Err(error) if matches!(error.status(), Some(403 | 404 | 410 | 422)) => {
                    Err(ReadError::Unreadable("GitHub does not give it".to_owned()))
                }
                Err(error) => {
                    stopped = Some(error);
                    continue;
                }
            };
            if let Ok(content) = &content {
                fetched.push((sha.to_string(), Arc::clone(content)));
            }
            self.contents.put(sha.as_str(), content);
        }
        if !fetched.is_empty() {
            // Also what came before an error: the next attempt goes on from there, else a large tree would never fit into the rate limit.
            self.store.keep_blobs(repository_id, fetched).await?;
        }
        stopped.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Returns every name below `sha`.
    async fn list(&self, sha: &Sha) -> Result<Vec<TreeEntry>, TreeError> {
        let repository_id = self.api.place().repository_id;
        let key = format!("tree:{sha}");
        let kept = self.store.blobs(repository_id, vec![key.clone()]).await?;
        if let Some(names) = kept.get(&key).and_then(|json| serde_json::from_slice(json).ok()) {
            return Ok(names);
        }
        let names = self.list_remote(sha).await?;
        if let Ok(json) = serde_json::to_vec(&names)
            && json.len() <= MAX_KEPT_TREE_BYTES
        {
            self.store.keep_blobs(repository_id, vec![(key, Arc::from(json))]).await?;
        }
        Ok(names)
    }

    /// Lists a tree in one request, or directory by directory where GitHub cuts it off.
    async fn list_remote(&self, sha: &Sha) -> Result<Vec<TreeEntry>, TreeError> {
        let mut names = Vec::new();
        let mut todo = vec![(String::new(), sha.clone())];
        let mut requests = 0;
        while let Some((prefix, directory)) = todo.pop() {
            requests += 1;
            if requests > MAX_TREE_REQUESTS {
                return Err(TreeError::TooLarge(sha.clone()));
            }
            let whole = self.api.tree(&directory, true).await?;
            let cut_off = whole.truncated;
            let listed = if cut_off { self.api.tree(&directory, false).await? } else { whole };
            for mut name in listed.tree {
                name.path = format!("{prefix}{}", name.path);
                if name.mode != "040000" {
                    names.push(name);
                } else if cut_off {
                    todo.push((format!("{}/", name.path), name.sha));
                }
            }
        }
        Ok(names)
    }
}

/// Returns what a crashed task said.
fn panic_text(crash: tokio::task::JoinError) -> String {
    match crash.try_into_panic() {
        Ok(panic) => {
            let text = panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            text.unwrap_or_else(|| "no reason given".to_owned()).chars().take(300).collect()
        }
        Err(_) => "it was stopped".to_owned(),
    }
}
