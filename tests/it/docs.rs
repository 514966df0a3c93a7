//! The pages of `docs/` say what the program does. `DOCS_UPDATE=1` rewrites what is made from it.

use std::path::Path;
use waypost::github::commands::command_help;

#[test]
fn the_page_of_commands_is_the_table_of_commands() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/commands.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once("<!-- commands -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- end of commands -->\n").unwrap();
    let cell = |text: &str| text.replace('|', "\\|");
    let rows = command_help().into_iter().map(|row| format!("| `{}` | {} | {} |\n", cell(&row.usage), row.summary, row.who));
    let table = format!("| command | does | who |\n| --- | --- | --- |\n{}", rows.collect::<String>());
    let examples: String = command_help().into_iter().map(|row| format!("{}\n", row.example)).collect();
    let made = format!("{before}<!-- commands -->\n{table}\n```text\n{examples}```\n<!-- end of commands -->\n{after}");
    if std::env::var_os("DOCS_UPDATE").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    assert!(page == made || std::env::var_os("DOCS_UPDATE").is_some(), "docs/commands.md is not what the table says; DOCS_UPDATE=1 rewrites it");
}
