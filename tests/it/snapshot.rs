//! Trees from folders and from git.

use crate::support::Scratch;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use waypost::snapshot::{Entry, ReadError, Repository, Snapshot, SnapshotError, diff, folder, memory, memory_with_links};
use waypost::span::TreePath;

fn path(text: &str) -> TreePath {
    TreePath::new(text).unwrap()
}

fn listing(snapshot: &Snapshot) -> Vec<String> {
    snapshot.entries().map(|(path, _)| path.to_string()).collect()
}

#[test]
fn a_folder_is_listed_without_git_and_without_following_links() {
    let scratch = Scratch::new();
    scratch.write("conf.d/a.conf", "a");
    scratch.write(".git/config", "secret");
    scratch.write(".hidden", "h");
    symlink("/etc", scratch.0.join("out")).unwrap();
    symlink("conf.d", scratch.0.join("in")).unwrap();
    symlink("loop", scratch.0.join("loop")).unwrap();
    let tree = folder(&scratch.0).unwrap();
    assert_eq!(listing(&tree), [".hidden", "conf.d/a.conf", "in", "loop", "out"]);
    assert_eq!(&*tree.text(&path("in/a.conf")).unwrap(), "a");
    assert_eq!(tree.text(&path("out/passwd")), Err(ReadError::OutsideTree("/etc".to_owned())));
    assert!(matches!(tree.text(&path("loop")), Err(ReadError::OutsideTree(_))));
}

#[test]
fn what_is_not_a_file_or_too_large_says_so_and_never_blocks() {
    let scratch = Scratch::new();
    scratch.write("a.conf", "a");
    #[expect(clippy::disallowed_methods, reason = "std makes no pipes")]
    let made = Command::new("mkfifo").arg(scratch.0.join("pipe")).status().unwrap();
    assert!(made.success());
    fs::File::create(scratch.0.join("huge.conf")).unwrap().set_len(10 << 20).unwrap();
    let tree = folder(&scratch.0).unwrap();
    assert_eq!(tree.text(&path("pipe")), Err(ReadError::Unreadable("it is neither a file nor a directory".to_owned())));
    assert_eq!(tree.text(&path("huge.conf")), Err(ReadError::TooLarge { bytes: 10 << 20 }));
    assert_eq!(tree.text(&path("a.conf/b")), Err(ReadError::NotThere));
}

#[test]
fn a_folder_that_is_none_is_an_error_with_its_name() {
    let scratch = Scratch::new();
    scratch.write("a.conf", "a");
    let missing = scratch.0.join("missing");
    assert_eq!(folder(&missing).unwrap_err(), SnapshotError::NotThere(missing));
    let file = scratch.0.join("a.conf");
    assert_eq!(folder(&file).unwrap_err(), SnapshotError::NotADirectory(file));
}

#[test]
fn differences_are_found_by_content_and_by_id() {
    let base = memory([("same", "1"), ("changed", "1"), ("gone", "1"), ("binary", "\0a")]);
    let head = memory([("same", "1"), ("changed", "2"), ("new", "1"), ("binary", "\0b")]);
    assert_eq!(diff(&base, &head), [path("binary"), path("changed"), path("gone"), path("new")]);
    let linked = memory_with_links([("same", "1")], [("changed", "same")]);
    assert_eq!(diff(&linked, &memory_with_links([("same", "1")], [("changed", "same")])), []);
    assert_eq!(diff(&linked, &memory_with_links([("same", "1")], [("changed", "other")])), [path("changed")]);
}

#[test]
fn a_revision_is_a_tree_with_ids_and_links() {
    let scratch = Scratch::repository();
    scratch.write("conf.d/a.conf", "one\n");
    symlink("conf.d/a.conf", scratch.0.join("link.conf")).unwrap();
    scratch.commit("Add a");
    scratch.write("conf.d/a.conf", "two\n");
    let repository = Repository::discover(&scratch.0.join("conf.d")).unwrap();
    let tree = repository.tree("HEAD").unwrap();
    assert_eq!(listing(&tree), ["conf.d/a.conf", "link.conf", "nginx.conf"]);
    assert_eq!(&*tree.text(&path("link.conf")).unwrap(), "one\n");
    let id = scratch.git(&["rev-parse", "HEAD:conf.d/a.conf"]);
    assert_eq!(tree.id(&path("link.conf")).as_deref(), Some(id.as_str()));
    let work_tree = repository.work_tree().unwrap();
    assert_eq!(diff(&tree, &work_tree), [path("conf.d/a.conf")]);
    assert_eq!(diff(&repository.tree("HEAD~1").unwrap(), &tree), [path("conf.d/a.conf"), path("link.conf")]);
}

#[test]
fn the_work_tree_has_new_files_but_no_ignored_ones() {
    let scratch = Scratch::repository();
    scratch.write(".gitignore", "*.log\n/build/\n");
    scratch.write("kept.log", "tracked although ignored");
    scratch.git(&["add", "-f", "kept.log"]);
    scratch.commit("Ignore");
    scratch.write("noise.log", "");
    scratch.write("build/out.conf", "");
    scratch.write("build/deep/out.conf", "");
    scratch.write("conf.d/new.conf", "new");
    fs::remove_file(scratch.0.join("nginx.conf")).unwrap();
    let tree = Repository::discover(&scratch.0).unwrap().work_tree().unwrap();
    assert_eq!(listing(&tree), [".gitignore", "conf.d/new.conf", "kept.log"]);
}

#[test]
fn the_base_is_where_the_branch_left_the_default_one() {
    let scratch = Scratch::repository();
    let fork = scratch.git(&["rev-parse", "HEAD"]);
    scratch.git(&["checkout", "-q", "-b", "topic"]);
    scratch.write("a.conf", "a");
    scratch.commit("On the topic");
    scratch.git(&["checkout", "-q", "main"]);
    scratch.write("b.conf", "b");
    let main = scratch.commit("On main");
    let repository = Repository::discover(&scratch.0).unwrap();
    assert_eq!(repository.merge_base().unwrap().to_string(), main);
    scratch.git(&["checkout", "-q", "topic"]);
    assert_eq!(repository.merge_base().unwrap().to_string(), fork);
    scratch.git(&["branch", "-m", "main", "trunk"]);
    assert_eq!(repository.merge_base().unwrap_err(), SnapshotError::NoDefaultBranch);
}

#[test]
fn a_name_nothing_has_is_answered_with_one_like_it() {
    let scratch = Scratch::repository();
    scratch.git(&["branch", "release-2"]);
    let repository = Repository::discover(&scratch.0).unwrap();
    let error = repository.tree("relaese-2").unwrap_err();
    assert_eq!(error.to_string(), "there is no revision `relaese-2` in this repository");
    assert_eq!(error.help().unwrap(), "did you mean `release-2`?");
    let error = repository.tree("HEAD:nginx.conf").unwrap_err();
    assert_eq!(error.to_string(), "`HEAD:nginx.conf` names neither a commit nor a tree");
}

#[test]
fn a_place_without_repository_or_commit_says_so() {
    let scratch = Scratch::new();
    let error = Repository::discover(&scratch.0).unwrap_err();
    assert_eq!(error, SnapshotError::NotARepository(scratch.0.clone()));
    assert!(error.help().unwrap().contains("--base-dir"));
    scratch.git(&["init", "-q", "-b", "main"]);
    let repository = Repository::discover(&scratch.0).unwrap();
    assert_eq!(repository.merge_base().unwrap_err(), SnapshotError::NoCommit);
    assert!(matches!(Repository::discover(Path::new("/no/such/place")), Err(SnapshotError::NotThere(_))));
}

#[test]
fn a_revert_leads_to_the_state_before_what_it_undoes() {
    let scratch = Scratch::repository();
    scratch.write("app.conf", "before\n");
    scratch.commit("Set up");
    scratch.write("app.conf", "spare\n");
    let spare = scratch.commit("Bring in spare (#7)");
    scratch.write("app.conf", "spare 2\n");
    let second = scratch.commit("Tune the spare");
    let repository = Repository::discover(&scratch.0).unwrap();
    let head = repository.commit("HEAD").unwrap();
    let by_title = repository.reverted(head, "Revert \"Bring in spare\"", "").unwrap();
    assert_eq!(by_title.to_string(), spare);
    assert_eq!(&*repository.before(by_title).unwrap().text(&path("app.conf")).unwrap(), "before\n");
    let body = format!("This reverts commit {second}.\n\nThis reverts commit {}.", spare.get(..12).unwrap());
    assert_eq!(repository.reverted(head, "Roll back", &body), Some(by_title));
    assert_eq!(repository.reverted(head, "Revert \"Something else\"", ""), None);
    let first = repository.commit("HEAD~3").unwrap();
    assert!(matches!(repository.before(first), Err(SnapshotError::NoParent { .. })));
}

#[test]
fn what_a_shallow_clone_lacks_is_said() {
    let scratch = Scratch::repository();
    scratch.write("a.conf", "a");
    scratch.commit("Second");
    let clone = Scratch::new();
    let source = format!("file://{}", scratch.0.display());
    clone.git(&["clone", "-q", "--depth", "1", &source, "."]);
    let repository = Repository::discover(&clone.0).unwrap();
    let head = repository.commit("HEAD").unwrap();
    let error = repository.before(head).unwrap_err();
    assert!(matches!(error, SnapshotError::NotFetched { .. }), "{error:?}");
    assert_eq!(error.help().unwrap(), "fetch the rest of the history: `git fetch --unshallow`");
}

#[test]
fn links_are_entries() {
    let tree = memory_with_links([("a", "1")], [("b", "a")]);
    assert!(tree.entries().any(|(at, entry)| *at == path("b") && *entry == Entry::Link("a".into())));
}
