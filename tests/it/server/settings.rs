//! `.waypost.yaml`: the base's counts, the head's is looked at.

use crate::support::rig::{REPOSITORY, Rig, shop};
use waypost::standin::{File, Files, NewPull};

fn with(address: &str, settings: &str) -> Files {
    let mut files = shop(address);
    files.insert(".waypost.yaml".to_owned(), File::from(settings));
    files
}

const GOOD: &str = "commands:\n  waive: { role: admin }\n";
const BROKEN: &str = "commands:\n  wave: { role: admin }\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_file_fails_where_it_is_changed_and_stops_no_review_where_it_is_merged() {
    let rig = Rig::new().await;
    rig.standin.push(REPOSITORY, "main", &with("10.20.1.11", GOOD), "Settings");
    let running = rig.serve(rig.settings()).await;
    let number = rig.open(&with("10.20.1.11", BROKEN));
    let check = rig.concluded(number).await;
    assert_eq!(check.conclusion.as_deref(), Some("failure"));
    let note = &check.annotations[0];
    assert_eq!((&note["path"], &note["start_line"]), (&".waypost.yaml".into(), &2.into()));
    assert!(note["message"].as_str().unwrap().contains("did you mean waive?"), "{note}");
    rig.quiet().await;
    // Somebody merges it all the same.
    rig.standin.push(REPOSITORY, "main", &with("10.20.1.11", BROKEN), "Break it");
    rig.standin.push(REPOSITORY, "other", &with("10.20.1.12", BROKEN), "Move the load");
    let other = rig.standin.open_pull_request(REPOSITORY, &NewPull { head: "other", base: "main", title: "Move the load", body: "" });
    assert_eq!(rig.concluded(other).await.conclusion.as_deref(), Some("success"));
    rig.quiet().await;
    rig.standin.push(REPOSITORY, "other", &with("10.20.1.15", BROKEN), "Move the load to nowhere");
    let check = rig.concluded(other).await;
    assert_eq!(check.conclusion.as_deref(), Some("failure"));
    assert!(check.title.unwrap().contains("does not exist"));
    running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_would_get_which_right_is_said() {
    let rig = Rig::new().await;
    rig.standin.push(REPOSITORY, "main", &with("10.20.1.11", GOOD), "Settings");
    let running = rig.serve(rig.settings()).await;
    let number = rig.open(&with("10.20.1.11", "commands:\n  waive: anyone\n"));
    let check = rig.concluded(number).await;
    assert_eq!(check.conclusion.as_deref(), Some("success"));
    let said = check.text.unwrap();
    assert!(said.contains("`/waypost waive` is for anyone who may comment; now it is for the role `admin` and higher ones"), "{said}");
    running.shutdown().await;
}
