//! Trees: includes, links, sizes, and which files are nginx's at all.

use super::{said, shown};
use insta::assert_snapshot;
use std::collections::BTreeMap;
use std::sync::Arc;
use waypost::snapshot::{Entry, ReadError, Snapshot, Source, memory};
use waypost::span::TreePath;

struct Files(BTreeMap<TreePath, Arc<[u8]>>);

impl Source for Files {
    fn load(&self, path: &TreePath) -> Result<Arc<[u8]>, ReadError> {
        self.0.get(path).cloned().ok_or(ReadError::NotThere)
    }
}

/// Returns the tree of `files` and symbolic `links`.
fn with_links(files: &[(&str, &str)], links: &[(&str, &str)]) -> Snapshot {
    let path = |path: &str| TreePath::new(path).unwrap();
    let files: BTreeMap<TreePath, Arc<[u8]>> = files.iter().map(|(at, text)| (path(at), Arc::from(text.as_bytes()))).collect();
    let mut entries: BTreeMap<TreePath, Entry> = files.keys().map(|path| (path.clone(), Entry::File { id: None })).collect();
    entries.extend(links.iter().map(|(at, target)| (path(at), Entry::Link(Arc::from(*target)))));
    Snapshot::new(entries, Box::new(Files(files)))
}

const MAIN: &str = "events {}\nhttp {\n  include mime.types;\n  include /etc/nginx/conf.d/*.conf;\n}\n";

#[test]
fn a_missing_include_names_the_file_that_is_not_there() {
    let main = "events {}\nhttp {\n  include conf.d/10-upstreams.conf;\n  server { listen 80; }\n}\n";
    assert_snapshot!(said(&[("nginx/nginx.conf", main), ("nginx/conf.d/10-upstream.conf", "upstream a { server 10.0.0.1; }")]), @r"
    error: `include conf.d/10-upstreams.conf` names a file that is not there: `nginx/conf.d/10-upstreams.conf`
      --> nginx/nginx.conf:3:3
    help: `nginx/conf.d/10-upstream.conf` is there; nginx refuses the whole configuration until the name is right
    read: nginx/nginx.conf (in part): events {  }; http { server { listen 80 } }
    ");
}

#[test]
fn what_lies_elsewhere_is_unknown_and_what_nginx_brings_is_neither() {
    let main = "events {}\nhttp {\n  include mime.types;\n  include fastcgi_params;\n  include /etc/nginx/modules-enabled/*.conf;\n  include /etc/letsencrypt/options-ssl-nginx.conf;\n  include /etc/letsencrypt/live/x.conf;\n  include ../../other/x.conf;\n  include generated.conf;\n  include sites/*.conf;\n}\n";
    assert_snapshot!(said(&[("nginx/nginx.conf", main), ("nginx/generated.conf.j2", "sendfile on;")]), @r"
    unknown: nginx/nginx.conf:7:3 `/etc/letsencrypt/live/x.conf` is not in this tree
    unknown: nginx/nginx.conf:8:3 `../../other/x.conf` leads out of the tree
    read: nginx/nginx.conf (in part): events {  }; http { sendfile on }
    ");
}

#[test]
fn absolute_names_are_found_by_installation_directory_and_by_their_end() {
    let main = "events {}\nhttp {\n  include /etc/nginx/conf.d/*.conf;\n  include /srv/deploy/shared/upstreams/a.conf;\n  include /data/sites-enabled/*;\n}\n";
    let server = "server { listen 80; }";
    let files = [
        ("etc/nginx.conf", main),
        ("etc/conf.d/a.conf", server),
        ("shared/upstreams/a.conf", "upstream a { server 10.0.0.1; }"),
        ("sites-enabled/shop", "server { listen 81; }"),
    ];
    assert_snapshot!(said(&files), @"read: etc/nginx.conf: events {  }; http { server { listen 80 }; upstream a { server 10.0.0.1 }; server { listen 81 } }");
}

#[test]
fn an_include_that_runs_in_a_circle_is_cut() {
    let files = [
        ("nginx.conf", "events {}\nhttp {\n  include a.conf;\n}\n"),
        ("a.conf", "include b.conf;\n"),
        ("b.conf", "server { listen 80; }\ninclude a.conf;\n"),
    ];
    assert_snapshot!(said(&files), @r"
    error: this `include` runs in a circle: `a.conf` includes `b.conf` includes `a.conf`
      --> b.conf:2:1
      and a.conf:1:1 on the way
    help: take one of the `include`s out; nginx opens files until it may open no more, and refuses the configuration
    read: nginx.conf (in part): events {  }; http { server { listen 80 } }
    ");
}

#[test]
fn includes_that_multiply_come_to_an_end() {
    let files: Vec<(String, String)> = (0..40)
        .map(|n| (format!("p{n}.conf"), format!("include p{m}.conf;\ninclude p{m}.conf;\n", m = n + 1)))
        .chain([("nginx.conf".to_owned(), "events {}\nhttp { include p0.conf; }".to_owned()), ("p40.conf".to_owned(), "server {}".to_owned())])
        .collect();
    let said = shown(&memory(files));
    assert!(said.contains("(in part)"), "{}", &said[..300]);
}

#[test]
fn a_link_out_of_the_tree_is_named_and_not_followed() {
    let files = [("nginx.conf", MAIN), ("conf.d/a.conf", "server { listen 80; }"), ("sites-available/shop", "server { listen 81; }")];
    let links = [
        ("conf.d/b.conf", "../../outside/b.conf"),
        ("conf.d/c.conf", "/etc/nginx/sites-available/shop"),
        ("conf.d/d.conf", "/etc/passwd"),
        ("conf.d/e.conf", "e.conf"),
    ];
    assert_snapshot!(shown(&with_links(&files, &links)), @r"
    error: `conf.d/b.conf` is a link to `../../outside/b.conf`, which is not inside the tree
      --> nginx.conf:4:3
    help: put the file itself in its place; what lies outside is not read
    error: `conf.d/d.conf` is a link to `/etc/passwd`, which is not inside the tree
      --> nginx.conf:4:3
    help: put the file itself in its place; what lies outside is not read
    error: `conf.d/e.conf` is a link to `conf.d/e.conf`, which is not inside the tree
      --> nginx.conf:4:3
    help: put the file itself in its place; what lies outside is not read
    read: nginx.conf (in part): events {  }; http { server { listen 80 }; server { listen 81 } }
    ");
}

#[test]
fn a_file_too_large_is_named_and_the_rest_is_read() {
    let large = "# filler\n".repeat(10_000_000 / 9);
    assert_snapshot!(said(&[("nginx.conf", MAIN), ("conf.d/large.conf", &large), ("conf.d/a.conf", "server { listen 80; }")]), @r"
    error: `conf.d/large.conf` is not read: it has 9999999 bytes; at most 2097152 are read
      --> conf.d/large.conf:1:1
    help: split it into several files; the rest of the configuration is reviewed without it
    read: nginx.conf (in part): events {  }; http { server { listen 80 } }
    ");
    assert_snapshot!(said(&[("nginx/nginx.conf", &large)]), @r"
    error: `nginx/nginx.conf` is not read: it has 9999999 bytes; at most 2097152 are read
      --> nginx/nginx.conf:1:1
    help: split it into several files; the rest of the configuration is reviewed without it
    ");
}

#[test]
fn a_binary_file_is_named_and_the_rest_is_read() {
    assert_snapshot!(said(&[("nginx.conf", MAIN), ("conf.d/b.conf", "\u{0}\u{1}server"), ("conf.d/a.conf", "server { listen 80; }")]), @r"
    error: `conf.d/b.conf` is not a text file
      --> conf.d/b.conf:1:1
    help: nginx reads it as configuration; take it out, or narrow the `include`
    read: nginx.conf (in part): events {  }; http { server { listen 80 } }
    ");
}

#[test]
fn a_template_is_read_and_its_expression_is_one_unknown() {
    let jinja = "server {\n  listen {{ port }};\n  {% if tls %}\n  ssl_certificate x;\n  {% endif %}\n}\n";
    let files = [
        ("nginx.conf", MAIN),
        ("conf.d/a.conf", jinja),
        ("conf.d/b.conf", "server { listen ${PORT}; location / { return 200 ${host}; } }"),
        ("roles/web/templates/nginx-site.conf.j2", jinja),
        ("roles/db/templates/my.conf.j2", "port = {{ port }}"),
    ];
    assert_snapshot!(said(&files), @r"
    unknown: conf.d/a.conf:2:10 an expression of this template cannot be read: what it stands for is taken to be the same before and after
    unknown: conf.d/b.conf:1:17 an expression of this template cannot be read: what it stands for is taken to be the same before and after
    unknown: roles/web/templates/nginx-site.conf.j2:2:10 an expression of this template cannot be read: what it stands for is taken to be the same before and after
    read: nginx.conf: events {  }; http { server { listen {{ port }}; ssl_certificate x }; server { listen ${PORT}; location / { return 200 ${host} } } }
    read: nginx.conf: events {  }; http { server { listen {{ port }} }; server { listen ${PORT}; location / { return 200 ${host} } } }
    read: roles/web/templates (in part): http { server { listen {{ port }}; ssl_certificate x } }
    read: roles/web/templates (in part): http { server { listen {{ port }} } }
    ");
}

#[test]
fn sites_that_are_not_enabled_are_not_read() {
    let server = "server { listen 80; }";
    let files = [("sites-available/a", server), ("sites-available/b", "server { listen 81; }"), ("conf.d/c.conf", "server { listen 82; }")];
    assert_snapshot!(shown(&with_links(&files, &[("sites-enabled/a", "../sites-available/a")])), @"read: : http { server { listen 82 }; server { listen 80 } }");
    assert_snapshot!(said(&files), @"read: : http { server { listen 82 }; server { listen 80 }; server { listen 81 } }");
}

#[test]
fn files_of_other_programs_and_files_that_are_not_live_say_nothing() {
    let server = "server { listen 80; proxy_psas x; }";
    let files = [
        ("haproxy/haproxy.conf", "frontend a\n  bind :80\n"),
        ("app/application.conf", "http {\n  port = 9000\n  host = \"x\"\n}\nserver { port = 1 }\n"),
        ("named.conf", "zone \"a\" { type master; };\nserver 10.0.0.1 { };\n"),
        ("docs/nginx.conf", server),
        ("nginx/site.conf.example", server),
        ("snippets/ssl.conf", "ssl_protocols TLSv1.3;\nunknown_thing on;\n"),
        ("logstash.conf", "input { beats { port => 5044 } }\n"),
        ("lighttpd.conf", "server.modules = (\n  \"mod_access\" )\n"),
    ];
    assert_snapshot!(said(&files), @"");
}

#[test]
fn a_snippet_is_checked_where_it_is_included() {
    let main = "events {}\nhttp {\n  server {\n    location / {\n      include log.conf;\n    }\n  }\n  include log.conf;\n}\n";
    assert_snapshot!(said(&[("nginx.conf", main), ("log.conf", "log_format x '$status';\n")]), @r"
    error: `log_format` may not stand in `location`
      --> log.conf:1:1
      and nginx.conf:4:5 the file is included into this block
    help: `log_format` may stand in `http` or `stream`
    read: nginx.conf: events {  }; http { server { location / { log_format x $status } }; log_format x $status }
    ");
}
