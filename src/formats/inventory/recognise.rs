//! Which files may be an inventory, by their path alone: on GitHub every file that is looked into costs a request.

use crate::span::TreePath;

/// What a file may be; its content decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Candidate {
    /// An Ansible inventory or plugin file in YAML.
    Yaml,
    /// An Ansible inventory in INI, or a hosts file.
    Text,
    /// A zone file.
    Zone,
    /// A program that prints an inventory.
    Script,
}

/// What a file may say besides what exists; its content decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Facts {
    /// Which certificate holds which names.
    Certificates,
    /// How much load there is, or how long answers take.
    Load,
    /// The settings of a gunicorn application.
    Gunicorn,
}

impl Facts {
    /// Returns the name of the format in a review's inputs.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Certificates => "certificates",
            Self::Load => "capacity",
            Self::Gunicorn => "gunicorn",
        }
    }
}

/// Directories whose files are about something else, whatever their names.
const ELSEWHERE: &[&str] = &[
    "group_vars",
    "host_vars",
    "roles",
    "templates",
    "tasks",
    "handlers",
    "defaults",
    "vars",
    "meta",
    "node_modules",
    ".github",
    "vendor",
    "charts",
];

/// File names that say nothing of an inventory wherever they are.
const PROSE: &[&str] = &["readme", "license", "makefile", "dockerfile", "changelog", "codeowners", "vagrantfile"];

const ENVIRONMENTS: &[&str] = &["production", "prod", "staging", "stage", "development", "dev", "testing", "test", "qa", "uat"];

/// Returns what the file at `path` may be.
pub(super) fn by_path(path: &TreePath) -> Option<Candidate> {
    let lower = path.as_str().to_ascii_lowercase();
    let (directory, name) = lower.rsplit_once('/').unwrap_or(("", &lower));
    if directory.split('/').any(|part| ELSEWHERE.contains(&part)) || name.starts_with('.') {
        return None;
    }
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    if PROSE.contains(&stem) {
        return None;
    }
    let inside = in_inventory(path);
    let named = ["hosts", "inventory"].iter().any(|word| stem == *word || affixed(stem, word));
    if stem == "db" || name.starts_with("db.") || extension == "zone" || in_zones(directory) && !is_code(extension) && extension != "conf" {
        return (!is_code(extension)).then_some(Candidate::Zone);
    }
    match extension {
        "yml" | "yaml" => (inside || named).then_some(Candidate::Yaml),
        "py" | "sh" => (inside && directory.rsplit('/').next().is_some_and(|last| last.starts_with("inventor"))).then_some(Candidate::Script),
        "" => (inside || named || ENVIRONMENTS.contains(&name)).then_some(Candidate::Text),
        "ini" | "hosts" | "inventory" | "inv" | "txt" => (inside || named || matches!(extension, "hosts" | "inventory")).then_some(Candidate::Text),
        // `hosts.production`, `inventory.web`
        other => (matches!(stem, "hosts" | "inventory") && !is_code(other)).then_some(Candidate::Text),
    }
}

/// Returns what the file at `path` may say of certificates or load.
pub(super) fn facts_by_path(path: &TreePath) -> Option<Facts> {
    let lower = path.as_str().to_ascii_lowercase();
    let (directory, name) = lower.rsplit_once('/').unwrap_or(("", &lower));
    if directory.split('/').any(|part| matches!(part, "node_modules" | "vendor" | "templates" | ".github" | "charts" | "tests" | "test")) {
        return None;
    }
    if matches!(name, "gunicorn.conf.py" | "gunicorn_conf.py" | "gunicorn_config.py") {
        return Some(Facts::Gunicorn);
    }
    let (stem, extension) = name.rsplit_once('.')?;
    if !matches!(extension, "yml" | "yaml" | "json") {
        return None;
    }
    let about = |words: &[&str]| stem.split(['-', '_', '.']).any(|part| words.contains(&part));
    if about(&["certificates", "certificate", "certs", "cert", "tls", "ssl"]) {
        Some(Facts::Certificates)
    } else {
        about(&["capacity", "slo", "slos", "load", "traffic", "sizing", "peak", "peaks"]).then_some(Facts::Load)
    }
}

/// Returns whether `path` lies in a directory that is named as Ansible's documentation names inventories.
pub(super) fn in_inventory(path: &TreePath) -> bool {
    let lower = path.parent().as_str().to_ascii_lowercase();
    lower
        .split('/')
        .any(|part| matches!(part, "inventory" | "inventories" | "hosts.d") || part.starts_with("inventory-") || part.starts_with("inventory_"))
}

fn in_zones(directory: &str) -> bool {
    directory.split('/').any(|part| matches!(part, "named" | "bind" | "bind9" | "zones" | "zone" | "nsd" | "knot"))
}

/// Returns whether `word` is a part of `stem` set off by a dash, an underscore or a dot.
fn affixed(stem: &str, word: &str) -> bool {
    stem.split(['-', '_', '.']).any(|part| part == word)
}

fn is_code(extension: &str) -> bool {
    const CODE: &[&str] = &[
        "bak", "c", "cfg", "conf", "cpp", "cs", "css", "go", "gz", "h", "hcl", "html", "java", "js", "json", "jsx", "kt", "lock", "md", "php", "png",
        "proto", "py", "rb", "rs", "rst", "sh", "sql", "sqlite", "svg", "tf", "toml", "ts", "tsx", "xml", "yaml", "yml", "j2", "erb", "tmpl", "tpl",
    ];
    CODE.contains(&extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inventories_are_found_where_people_keep_them() {
        let of = |path: &str| by_path(&TreePath::new(path).unwrap());
        for path in ["inventory/hosts.yml", "ansible/inventories/prod/main.yaml", "hosts.yml", "prod-hosts.yaml", "deploy/inventory.yml"] {
            assert_eq!(of(path), Some(Candidate::Yaml), "{path}");
        }
        for path in ["hosts", "etc/hosts", "inventory/hosts.ini", "inventories/prod/hosts", "production", "hosts.production", "lab.hosts"] {
            assert_eq!(of(path), Some(Candidate::Text), "{path}");
        }
        for path in ["dns/example.com.zone", "db.example.com", "bind/zones/example.com", "named/db.10.20"] {
            assert_eq!(of(path), Some(Candidate::Zone), "{path}");
        }
        for path in [
            "src/hosts.rs",
            "db.js",
            "named/named.conf",
            "inventory/group_vars/all.yml",
            "roles/x/files/hosts",
            "docs/a.md",
            "inventory/README",
            "nginx.conf",
        ] {
            assert_eq!(of(path), None, "{path}");
        }
        assert_eq!(of("inventory/ec2.py"), Some(Candidate::Script));
    }
}
