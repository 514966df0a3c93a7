//! The founding outage, as files: base, the pull request's head, and the fix.

use super::objects::{File, Files};

/// The file that the pull request changes.
pub const CHANGED: &str = "nginx/conf.d/10-upstreams.conf";
/// The pull request's title.
pub const TITLE: &str = "Return rack B to service, move bulk of load to web05";
/// The pull request's description.
pub const BODY: &str = "Maintenance done. web04 stays out, web05 is the new large box.";

/// The tree before: four web servers with equal shares, all of them in the inventory.
pub fn base() -> Files {
    let files = [
        ("inventory/hosts.yml", include_str!("demo_case/base/inventory/hosts.yml")),
        ("nginx/nginx.conf", include_str!("demo_case/base/nginx/nginx.conf")),
        (CHANGED, include_str!("demo_case/base/nginx/conf.d/10-upstreams.conf")),
        ("nginx/conf.d/20-shop.conf", include_str!("demo_case/base/nginx/conf.d/20-shop.conf")),
        ("nginx/snippets/proxy.conf", include_str!("demo_case/base/nginx/snippets/proxy.conf")),
    ];
    files.into_iter().map(|(path, text)| (path.to_owned(), File::from(text))).collect()
}

/// The tree of the pull request: 17 of 20 requests go to an address that no host has.
pub fn head() -> Files {
    with(include_str!("demo_case/head/nginx/conf.d/10-upstreams.conf"))
}

/// The tree of the fix: only servers that exist.
pub fn fix() -> Files {
    with(include_str!("demo_case/fix/nginx/conf.d/10-upstreams.conf"))
}

fn with(text: &str) -> Files {
    let mut files = base();
    files.insert(CHANGED.to_owned(), File::from(text));
    files
}
