//! The JSON Schema that is checked in is the one of the types. `SCHEMA_UPDATE=1` rewrites it.

#![expect(clippy::disallowed_methods, reason = "the schema is a file of this repository")]

use std::path::Path;
use waypost::review::Review;

fn generated() -> String {
    let mut text = serde_json::to_string_pretty(&schemars::schema_for!(Review)).unwrap();
    text.push('\n');
    text
}

#[test]
fn the_schema_checked_in_is_the_one_of_the_types() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/review.schema.json");
    if std::env::var_os("SCHEMA_UPDATE").is_some() {
        std::fs::write(&file, generated()).unwrap();
    }
    let checked_in = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(checked_in == generated(), "deploy/review.schema.json is not what the types say; SCHEMA_UPDATE=1 rewrites it");
}

/// The contract's keys, spelled out: a renamed field must not pass because the schema was rewritten with it.
#[test]
fn every_key_of_the_contract_is_required() {
    let schema: serde_json::Value = serde_json::from_str(&generated()).unwrap();
    let required = |of: &serde_json::Value, keys: &[&str]| {
        for key in keys {
            assert!(of["required"].as_array().unwrap().iter().any(|have| have == key), "`{key}`");
        }
    };
    required(&schema, &["schema", "verdict", "summary", "findings", "changes", "unknown", "inputs", "timings_ms"]);
    let finding = ["rule", "category", "severity", "message", "help", "tree", "path", "start_line", "end_line", "start_column", "end_column"];
    required(&schema["$defs"]["FindingReport"], &finding);
    required(&schema["$defs"]["FindingReport"], &["fingerprint", "requests"]);
    required(&schema["$defs"]["ChangeReport"], &["request", "region", "was", "now", "broken_share", "exact"]);
    required(&schema["$defs"]["RequestReport"], &["method", "url", "headers"]);
    required(&schema["$defs"]["ServerShare"], &["address", "share", "state"]);
    required(&schema["$defs"]["UnknownReport"], &["path", "line", "reason"]);
    required(&schema["$defs"]["InputReport"], &["path", "format", "role"]);
    let words = |of: &serde_json::Value| of.to_string();
    for kind in ["forward", "redirect", "respond", "files", "reject", "close", "none", "opaque"] {
        assert!(words(&schema["$defs"]["Destination"]).contains(&format!("\"const\":\"{kind}\"")), "`{kind}`");
    }
    for state in ["ok", "missing", "unknown", "down", "drained"] {
        assert!(words(&schema["$defs"]["ServerState"]).contains(&format!("\"{state}\"")), "`{state}`");
    }
}
