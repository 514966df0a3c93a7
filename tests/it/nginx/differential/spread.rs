//! Moves servers and locations of a configuration to files of their own, as people do.

use crate::support::random::Random;

/// Returns `http` with some of its blocks replaced by an `include`, and the files that have them. Three of four configurations stay whole.
pub(super) fn spread(random: &mut Random, http: &str) -> (String, Vec<(String, String)>) {
    if !random.chance(25) {
        return (http.to_owned(), Vec::new());
    }
    let mut files = Vec::new();
    let locations = moved(random, http, "  ", "location", ("parts", &mut files));
    let mut servers = Vec::new();
    let all = moved(random, &locations, "", "server {", ("conf.d", &mut servers));
    // Files of servers that are side by side may be one pattern: they are numbered in their order.
    let all = if random.chance(50) && servers.len() > 1 && !all.contains("\nserver {") {
        let first = all.find("include conf.d/").unwrap_or(all.len());
        let (before, after) = all.split_at(first);
        let rest = after.lines().filter(|line| !line.starts_with("include conf.d/")).fold(String::new(), |text, line| text + line + "\n");
        format!("{before}include conf.d/*.conf;\n{rest}")
    } else {
        all
    };
    files.extend(servers);
    (all, files)
}

/// Moves blocks that begin with `indent` and `start` to files of `folder`, two of three.
fn moved(random: &mut Random, text: &str, indent: &str, start: &str, (folder, files): (&str, &mut Vec<(String, String)>)) -> String {
    let mut out = String::new();
    let mut block: Option<String> = None;
    let (opening, closing) = (format!("{indent}{start}"), format!("{indent}}}"));
    for line in text.lines() {
        if let Some(so_far) = block.as_mut() {
            so_far.push_str(line);
            so_far.push('\n');
            if line == closing {
                let path = format!("{folder}/{}.conf", files.len() + 10);
                out.push_str(&format!("{indent}include {path};\n"));
                files.push((path, block.take().unwrap_or_default()));
            }
        } else if line.starts_with(&opening) && line.ends_with('{') && random.chance(66) {
            block = Some(format!("{line}\n"));
        } else {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}
