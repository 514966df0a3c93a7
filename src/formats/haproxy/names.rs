//! What a path says about a file before it is read.

use crate::formats::template::{rendered_name, template_ending};
use crate::span::TreePath;

/// Directories whose files configure nothing: examples, documentation, tests, other people's code.
const NOT_LIVE: &[&str] = &[
    "example",
    "examples",
    "sample",
    "samples",
    "doc",
    "docs",
    "documentation",
    "fixtures",
    "testdata",
    "test-data",
    "test",
    "tests",
    "spec",
    "reg-tests",
    "molecule",
    "node_modules",
    "vendor",
    "third_party",
    ".git",
    ".github",
];

/// Files of other programs that end as HAProxy's do.
const OTHERS: &[&str] = &[
    "setup.cfg",
    "tox.cfg",
    "ansible.cfg",
    "buildout.cfg",
    "mypy.cfg",
    "pylint.cfg",
    "logging.cfg",
    "grub.cfg",
    "isolinux.cfg",
    "syslinux.cfg",
    "preseed.cfg",
    "ks.cfg",
    "kickstart.cfg",
    "nagios.cfg",
    "cgi.cfg",
    "nrpe.cfg",
    "zoo.cfg",
    "server.cfg",
    "openocd.cfg",
    "ceilometer.cfg",
    "bumpversion.cfg",
    "babel.cfg",
    "versions.cfg",
];

/// Endings of files that are kept and not loaded.
const SET_ASIDE: &[&str] = &[
    "bak",
    "backup",
    "orig",
    "old",
    "save",
    "swp",
    "example",
    "sample",
    "dist",
    "disabled",
    "off",
    "rpmnew",
    "rpmsave",
    "dpkg-old",
    "dpkg-dist",
    "md",
];

/// Returns whether the file may be HAProxy's, so that it is worth reading.
pub(super) fn plausible(path: &TreePath) -> bool {
    let mut directories = path.as_str().split('/').rev().skip(1);
    if directories.any(|directory| NOT_LIVE.contains(&directory.to_ascii_lowercase().as_str())) {
        return false;
    }
    let template = template_ending(path).is_some();
    let name = rendered_name(path.file_name()).to_ascii_lowercase();
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    if name.starts_with('.') || name.ends_with('~') || extension.is_some_and(|extension| SET_ASIDE.contains(&extension)) {
        return false;
    }
    match extension {
        _ if template => is_ours(path),
        Some("cfg") => is_ours(path) || !OTHERS.contains(&name.as_str()),
        Some("haproxy") => true,
        Some("conf") | None => is_ours(path),
        Some(_) => false,
    }
}

/// Returns whether the name alone says that the file is HAProxy's.
pub(super) fn is_ours(path: &TreePath) -> bool {
    path.as_str().to_ascii_lowercase().contains("haproxy")
}

/// Returns whether the file is called as packages call the main one: `haproxy.cfg`, `haproxy-web.cfg`.
pub(super) fn is_main(path: &TreePath) -> bool {
    let name = rendered_name(path.file_name()).to_ascii_lowercase();
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    name.starts_with("haproxy") && (name == "haproxy" || matches!(extension, Some("cfg" | "conf")))
}

/// Returns whether files in `folder` are parts: a directory that HAProxy is told to load whole, beside or instead of a main file.
pub(super) fn holds_parts(folder: &TreePath) -> bool {
    let name = folder.file_name().to_ascii_lowercase();
    name.rsplit_once('.').is_some_and(|(_, extension)| extension == "d")
        || matches!(name.as_str(), "conf-enabled" | "sites-enabled" | "configs-enabled")
}
