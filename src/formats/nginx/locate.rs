//! Where the file that an `include` names lies in the tree.

use super::files::{Files, has_magic};
use crate::formats::template::rendered_name;
use crate::snapshot::ReadError;
use crate::span::TreePath;

/// Directories that nginx's configuration is installed in, by the usual packages and builds.
const PREFIXES: &[&str] = &[
    "/etc/nginx/",
    "/usr/local/nginx/conf/",
    "/usr/local/etc/nginx/",
    "/usr/local/openresty/nginx/conf/",
    "/etc/openresty/",
    "/opt/nginx/conf/",
    "/opt/homebrew/etc/nginx/",
    "/usr/share/nginx/conf/",
    "/etc/tengine/",
];

/// Files that come with nginx or a distribution's packages and rarely lie in a repository. None decides where a request
/// goes; Debian's `fastcgi-php.conf` refuses scripts that are not there, and a script that is asked for is taken to be there.
const SHIPPED: &[&str] = &[
    "mime.types",
    "fastcgi_params",
    "fastcgi.conf",
    "scgi_params",
    "uwsgi_params",
    "koi-utf",
    "koi-win",
    "win-utf",
    "proxy_params",
    "proxy.conf",
    "naxsi.rules",
    "snippets/snakeoil.conf",
    "snippets/fastcgi-php.conf",
    "options-ssl-nginx.conf",
];

/// Directories of the same kind, for patterns and files.
const SHIPPED_DIRECTORIES: &[&str] = &["/usr/share/nginx/modules/", "/etc/nginx/modules-enabled/", "/etc/nginx/modules/", "modules-enabled/"];

/// What an `include` leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// One file, which is there.
    File(TreePath),
    /// What a pattern matches, in nginx's order; may be empty.
    Matches(Vec<TreePath>),
    /// A pattern in a directory that the tree does not have.
    AbsentDirectory,
    /// It comes with nginx and does not matter.
    Shipped,
    /// A file that should lie here and does not.
    Missing(TreePath),
    /// Not in this tree: why.
    Elsewhere(String),
}

/// Finds what `include written;` leads to in a configuration whose main file is in `prefix`. An absolute name is looked for below `prefix` where it
/// begins with an installation directory, and then by the longest of its endings that the tree has in one place only.
pub(super) fn locate(files: &Files<'_>, prefix: &TreePath, written: &str) -> Place {
    let absolute = written.starts_with('/');
    let below = if absolute { PREFIXES.iter().find_map(|installed| written.strip_prefix(installed)) } else { Some(written) };
    let shipped = is_shipped(written);
    if written.contains('$') && !absolute {
        return Place::Elsewhere(format!("the name of this include is not fixed: `{written}`"));
    }
    if has_magic(written) {
        return pattern(files, prefix, written, below, shipped);
    }
    let expected = below.map(|below| prefix.join(below));
    if let Some(Some(path)) = &expected
        && files.resolve(path) != Err(ReadError::NotThere)
    {
        return Place::File(path.clone());
    }
    if let Some(Some(path)) = &expected
        && let Some(made) = template_of(files, path)
    {
        return Place::File(made);
    }
    if absolute && let Some(path) = by_ending(written, prefix, files.paths()) {
        return Place::File(path);
    }
    match expected {
        _ if shipped => Place::Shipped,
        None => Place::Elsewhere(format!("`{written}` is not in this tree")),
        Some(None) => Place::Elsewhere(format!("`{written}` leads out of the tree")),
        Some(Some(path)) if !files.is_directory(&path.parent()) => Place::Elsewhere(format!("`{written}` is not in this tree")),
        Some(Some(path)) if is_made_elsewhere(files, &path) => Place::Elsewhere(format!("`{written}` is made when the configuration is installed")),
        Some(Some(path)) => Place::Missing(path),
    }
}

fn pattern(files: &Files<'_>, prefix: &TreePath, written: &str, below: Option<&str>, shipped: bool) -> Place {
    if let Some(below) = below {
        let fixed = fixed_part(below);
        if prefix.join(fixed).is_some_and(|directory| files.is_directory(&directory)) {
            return Place::Matches(files.glob(prefix, below));
        }
        if prefix.join(fixed).is_none() {
            return Place::Elsewhere(format!("`{written}` leads out of the tree"));
        }
    }
    let fixed = fixed_part(written);
    if written.starts_with('/')
        && let Some(directory) = by_ending(fixed, prefix, files.directories())
    {
        return Place::Matches(files.glob(&directory, written.get(fixed.len()..).unwrap_or_default()));
    }
    // Sites are enabled on the machine, by links: the tree has what they lead to.
    let available = written.replace("sites-enabled", "sites-available");
    if available != written
        && let Place::Matches(found) = locate(files, prefix, &available)
    {
        return Place::Matches(found);
    }
    match below {
        _ if shipped => Place::Shipped,
        Some(_) => Place::AbsentDirectory,
        None => Place::Elsewhere(format!("`{written}` is not in this tree")),
    }
}

/// Returns the directories of `pattern` before its first segment with a wildcard.
fn fixed_part(pattern: &str) -> &str {
    let magic = pattern.find(['*', '?', '[']).unwrap_or(pattern.len());
    let before = pattern.get(..magic).unwrap_or_default();
    before.rsplit_once('/').map_or("", |(directory, _)| directory)
}

/// Returns the path that ends like `absolute`, over the longest ending that any has. Of several, the nearest to `prefix`; `None` where
/// that does not decide. A file needs its directory's name to agree too.
pub(super) fn by_ending<'a>(absolute: &str, prefix: &TreePath, paths: impl Iterator<Item = &'a TreePath>) -> Option<TreePath> {
    let wanted: Vec<&str> = absolute.split('/').filter(|segment| !segment.is_empty()).collect();
    let last = wanted.last()?;
    let common = |path: &TreePath| path.as_str().split('/').zip(prefix.as_str().split('/')).take_while(|(a, b)| a == b).count();
    let mut best: Vec<((usize, usize), &TreePath)> = Vec::new();
    for path in paths.filter(|path| path.file_name() == *last) {
        let length = path.as_str().rsplit('/').zip(wanted.iter().rev()).take_while(|(a, b)| a == *b).count();
        let rank = (length, common(path));
        match best.first() {
            Some((top, _)) if *top > rank => {}
            Some((top, _)) if *top == rank => best.push((rank, path)),
            Some(_) | None => best = vec![(rank, path)],
        }
    }
    match best.as_slice() {
        [((length, _), path)] if *length >= 2 || has_directory_name_of_its_own(last) => Some((*path).clone()),
        _ => None,
    }
}

/// Directory names that mean nginx's configuration wherever they are.
fn has_directory_name_of_its_own(name: &str) -> bool {
    matches!(name, "sites-enabled" | "sites-available" | "conf.d" | "stream.d" | "vhosts.d" | "snippets" | "upstreams")
}

fn is_shipped(written: &str) -> bool {
    let named = |name: &str| written == name || written.strip_suffix(name).is_some_and(|before| before.ends_with('/'));
    SHIPPED.iter().any(|name| named(name)) || SHIPPED_DIRECTORIES.iter().any(|directory| written.starts_with(directory))
}

/// Returns the template beside `path` that makes it.
fn template_of(files: &Files<'_>, path: &TreePath) -> Option<TreePath> {
    let directory = path.parent();
    let name = files.names(&directory).find(|name| *name != path.file_name() && rendered_name(name) == path.file_name())?;
    directory.join(name)
}

/// Returns whether something beside `path` says that `path` is made from it: an example.
fn is_made_elsewhere(files: &Files<'_>, path: &TreePath) -> bool {
    files.names(&path.parent()).any(|name| {
        let rest = name.strip_prefix(path.file_name()).and_then(|rest| rest.strip_prefix('.'));
        rest.is_some_and(|rest| matches!(rest, "example" | "sample" | "dist" | "default" | "in"))
    })
}
