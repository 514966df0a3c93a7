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
    "tests",
    "spec",
    "molecule",
    "node_modules",
    "vendor",
    "third_party",
    ".git",
    ".github",
];

/// Other programs that have `.conf` files. In a directory or file of such a name only what also says `nginx` is looked at.
const OTHERS: &[&str] = &[
    "apache",
    "apache2",
    "httpd",
    "haproxy",
    "varnish",
    "squid",
    "lighttpd",
    "envoy",
    "traefik",
    "caddy",
    "supervisor",
    "supervisord",
    "systemd",
    "sysctl",
    "sysctl.d",
    "logrotate",
    "logrotate.d",
    "php",
    "php-fpm",
    "fpm",
    "php5",
    "php7",
    "php8",
    "mysql",
    "mariadb",
    "postgresql",
    "postgres",
    "redis",
    "mongodb",
    "memcached",
    "rabbitmq",
    "kafka",
    "zookeeper",
    "elasticsearch",
    "kibana",
    "logstash",
    "fluentd",
    "fluent-bit",
    "td-agent",
    "rsyslog",
    "rsyslog.d",
    "syslog-ng",
    "collectd",
    "telegraf",
    "prometheus",
    "grafana",
    "fail2ban",
    "jail.d",
    "modprobe.d",
    "modules-load.d",
    "tmpfiles.d",
    "sysusers.d",
    "limits.d",
    "security",
    "dovecot",
    "postfix",
    "exim",
    "bind",
    "named",
    "unbound",
    "dnsmasq",
    "dnsmasq.d",
    "dhcp",
    "dhcpd",
    "chrony",
    "ntp",
    "ssh",
    "sshd",
    "samba",
    "openvpn",
    "wireguard",
    "keepalived",
    "pam.d",
    "apt",
    "dpkg",
    "yum.repos.d",
    "grub",
    "udev",
    "resolv",
    "resolved",
    "netplan",
    "uwsgi",
    "gunicorn",
    "akka",
    "cron",
    "docker",
    "containerd",
    "tmux",
    "nsswitch",
    "ldap",
    "slapd",
    "sssd",
    "krb5",
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

/// Returns whether the file may be nginx's, so that it is worth reading.
pub(super) fn plausible(path: &TreePath) -> bool {
    let mut directories = path.as_str().split('/').rev().skip(1);
    if directories.any(|directory| NOT_LIVE.contains(&directory.to_ascii_lowercase().as_str())) {
        return false;
    }
    let name = path.file_name();
    if name.starts_with('.') || name.ends_with('~') || extension(name).is_some_and(|ending| SET_ASIDE.contains(&ending.as_str())) {
        return false;
    }
    if let Some(ending) = template_ending(path) {
        // The image of nginx on Docker Hub renders `NAME.conf.template`; other endings are those of all programs' templates.
        let of_the_image = ending == "template" && extension(rendered_name(name)).as_deref() == Some("conf");
        return mentions_nginx(path) || (of_the_image || in_sites(path)) && !is_anothers(path);
    }
    match extension(name).as_deref() {
        Some("conf") => mentions_nginx(path) || !is_anothers(path),
        Some("nginx" | "ngx" | "vhost") => true,
        None if path.parent().file_name() == "nginx" => !is_of_a_project(name),
        Some(_) | None => in_sites(path) && !is_anothers(path),
    }
}

/// Returns whether the name alone says that the file is nginx's.
pub(super) fn is_ours(path: &TreePath) -> bool {
    mentions_nginx(path) || in_sites(path)
}

/// Returns whether the file lies where sites wait to be enabled.
pub(super) fn is_not_enabled(path: &TreePath) -> bool {
    path.parent().file_name() == "sites-available"
}

/// Returns the directory of the enabled sites beside the available one that `path` is in.
pub(super) fn enabled_sibling(path: &TreePath) -> Option<TreePath> {
    path.parent().parent().join("sites-enabled")
}

/// Where parts without a main file belong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Folder {
    /// The path that names the gateway.
    pub(super) id: TreePath,
    /// Where relative includes begin.
    pub(super) prefix: TreePath,
    /// Whether packages' own main file includes exactly these, and defines nothing a site could name.
    pub(super) usual: bool,
}

/// Returns the folder that `path`, a part, is installed from: what lies in `conf.d` and `sites-enabled` belongs to the directory above, which
/// holds nginx's main file on the machine.
pub(super) fn folder(path: &TreePath) -> Folder {
    let parent = path.parent();
    if matches!(parent.file_name(), "conf.d" | "http.d" | "sites-enabled" | "sites-available") {
        return Folder { id: parent.parent(), prefix: parent.parent(), usual: true };
    }
    let mut prefix = parent.clone();
    while !prefix.as_str().is_empty() && prefix.file_name() != "nginx" {
        prefix = prefix.parent();
    }
    let prefix = if prefix.as_str().is_empty() { parent.clone() } else { prefix };
    Folder { id: parent, prefix, usual: false }
}

fn extension(name: &str) -> Option<String> {
    name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase())
}

fn mentions_nginx(path: &TreePath) -> bool {
    let path = path.as_str().to_ascii_lowercase();
    path.contains("nginx") || path.contains("openresty")
}

fn in_sites(path: &TreePath) -> bool {
    matches!(path.parent().file_name(), "sites-enabled" | "sites-available")
}

/// Returns whether the name, one without an ending, is that of a file that projects of all kinds have.
fn is_of_a_project(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["dockerfile", "makefile", "readme", "license", "licence", "copying", "changelog", "vagrantfile", "jenkinsfile", "procfile", "gemfile"]
        .iter()
        .any(|known| name.starts_with(known))
}

fn is_anothers(path: &TreePath) -> bool {
    path.as_str().to_ascii_lowercase().split('/').any(|segment| {
        let stem = rendered_name(segment);
        let stem = stem.strip_suffix(".conf").unwrap_or(stem);
        OTHERS.contains(&segment) || OTHERS.contains(&stem)
    })
}
