//! The alphabets of the grammar.

use crate::support::random::Random;

/// Paths of locations.
pub(super) const PATHS: &[&str] = &["/", "/a", "/a/", "/a/b", "/a/b/", "/ab", "/b", "/b/", "/b/a", "/a.php", "/A", "/a/a", "/err", "/a%20x", "/c/"];

/// Regexes of locations, with paths near them.
pub(super) const REGEXES: &[(&str, &[&str])] = &[
    (r"\.php$", &["/a.php", "/b/a.php"]),
    (r"^/a/(.*)$", &["/a/b", "/a/"]),
    (r"^/(?<seg>[^/]+)/b", &["/a/b", "/ab/bx"]),
    ("b", &["/b", "/ab"]),
    (r"(a|b)/?$", &["/a", "/x/b/"]),
    (r"^/A", &["/A", "/Ab"]),
    (r"^/(\w+)\.(txt|php)$", &["/a.txt", "/b.php"]),
    ("/$", &["/x/"]),
    (r"^/(a|ab)(/.*)?$", &["/ab", "/ab/a"]),
    (r#""^/[ab]{2,3}$""#, &["/ab", "/bab"]),
    (r"\.(TXT|html)$", &["/a.txt", "/b/index.html"]),
    ("^/$", &["/"]),
    (r"(?i)^/err", &["/ERR", "/err"]),
    (r"^/(?!a)", &["/b", "/a"]),
];

/// Names of servers, with a host near them.
pub(super) const NAMES: &[(&str, &str)] = &[
    ("a.test", "a.test"),
    ("www.a.test", "www.a.test"),
    (".a.test", "x.a.test"),
    ("*.a.test", "y.a.test"),
    ("www.a.*", "www.a.org"),
    ("b.test", "b.test"),
    (r"~^(?<sub>[a-z]+)\.a\.test$", "z.a.test"),
    ("~test$", "q.test"),
    ("\"\"", "h"),
    ("_", "_"),
    ("B.TEST", "b.test"),
    ("a.*", "a.net"),
];

/// Values of `set`.
pub(super) const VALUES: &[&str] =
    &["1", "0", "\"\"", "a", "$uri", "$arg_a", "$1", "$m0", "x$v0", "$http_x_k", "$request_method", "${v0}b", "$host", "$g0", "/a", "$args"];

/// The patterns of `rewrite`.
pub(super) const REWRITTEN: &[&str] = &["^", "^/a/(.*)$", "^/(.*)$", r"\.php$", "^/b", "^/(a)(b)?", "(?<tail>b.*)$", "^/x", "/$", "^/a$"];

/// What `rewrite` makes of them.
pub(super) const REPLACEMENTS: &[&str] = &[
    "/b/$1",
    "/a",
    "/x/y",
    "/b?n=1",
    "/a/?",
    "/c?$args",
    "/$1?o=$2?",
    "http://o/$1",
    "$scheme://o/x",
    "/b/$v0",
    "/err",
    "/a.php?p=$uri",
    "/ab/$m0",
    "\"/x y\"",
];

/// Conditions of `if`.
pub(super) const CONDITIONS: &[&str] = &[
    "$arg_a",
    "$arg_a = b",
    "$arg_a != b",
    "$arg_k ~ ^(a)(b)?",
    "$arg_k ~* A",
    "$arg_k !~ a",
    "$uri !~* ^/A",
    "$request_method = POST",
    "$request_method !~ ^(GET|HEAD)$",
    "$http_x_k",
    "$http_x_k = $arg_a",
    "$m0 = one",
    "$s0 = one",
    "$v0",
    "$v1 = $v0",
    "$host = a.test",
    "$uri ~ ^/(?<tail>b.*)",
    "$request_uri ~ \\?",
    "$args ~ a=(.)",
    "$g0 = near",
    "$cookie_c = a",
    "-f $request_filename",
    "!-d {prefix}/www$uri",
    "!-e $document_root$uri",
    "$is_args",
    "$remote_addr = 127.0.0.1",
];

/// What a redirect shows of the variables.
pub(super) const SHOWN: &[&str] = &[
    "$1-$2",
    "$v0-$v1",
    "$args",
    "$m0-$m1",
    "$uri",
    "$host-$server_name",
    "$arg_a-$is_args",
    "$seg-$tail-$sub",
    "$g0",
    "$remote_addr",
    "$request_uri",
    "$m2-$1",
    "$document_uri",
    "$s0",
    "$http_x_k-$cookie_c",
];

/// `try_files` lines.
pub(super) const TRIES: &[&str] = &[
    "try_files $uri @named;",
    "try_files $uri $uri/ /index.php?$args;",
    "try_files $uri =404;",
    "try_files $uri $uri/ =403;",
    "try_files /a.txt $uri /a;",
    "try_files $uri.txt /b/a?q=$uri;",
    "try_files /no @named;",
    "try_files /no $uri/ /err;",
];

/// `try_files` lines where a pass follows. Before one, the model takes the file of a `=404` to be there: nobody wants to hear of every PHP script that it may
/// be missing.
pub(super) const TRIES_BEFORE_A_PASS: &[&str] = &[
    "try_files $uri @named;",
    "try_files $uri $uri/ /index.php?$args;",
    "try_files $uri $uri/ =403;",
    "try_files /a.txt $uri /a;",
    "try_files $uri.txt /b/a?q=$uri;",
    "try_files /no @named;",
];

/// Writes maps and networks.
pub(super) fn variables(random: &mut Random) -> String {
    let mut out = String::new();
    let source =
        |random: &mut Random| random.pick(&["$uri", "$arg_k", "$http_x_k", "$host", "$request_method", "$arg_a$arg_k", "$args", "$v0", "$cookie_c"]);
    for name in ["m0", "m1", "m2"] {
        let hostnames = random.chance(25);
        out.push_str(&format!("map {} ${name} {{\n", if hostnames { "$host" } else { source(random) }));
        if hostnames {
            out.push_str("  hostnames;\n");
        }
        if random.chance(10) {
            out.push_str("  volatile;\n");
        }
        let mut seen = Vec::new();
        for _ in 0..=random.below(5) {
            let key = if hostnames {
                random.pick(&["a.test", "*.a.test", "www.a.*", "b.test", "~^z"])
            } else {
                random.pick(&["a", "A", "b", "1", "GET", "/a", "~^a", "~*^A(.*)$", "~^/(?<seg>\\w+)", "~b$", "ab", "\\default", "\"\"", "~(.)(.)"])
            };
            let lower = key.to_ascii_lowercase();
            if !seen.contains(&lower) {
                seen.push(lower);
                let value = random.pick(&["one", "two", "$arg_a", "\"\"", "v-$1", "1", "0", "$uri", "$seg"]);
                out.push_str(&format!("  {key} {value};\n"));
            }
        }
        if random.chance(60) {
            out.push_str(&format!("  default {};\n", random.pick(&["none", "\"\"", "$arg_k", "0"])));
        }
        out.push_str("}\n");
    }
    out.push_str("map $arg_k $m_pool { a pool_a; b pool_b; ab pool_mix; ~^x 127.0.0.1:{c}; default pool_a; }\n");
    out.push_str("limit_req_zone $binary_remote_addr zone=r:1m rate=10000r/s; limit_conn_zone $arg_a zone=c:1m;\n");
    out.push_str(&networks(random));
    if random.chance(30) {
        out.push_str(random.pick(&[
            "split_clients $request_uri $s0 { 50% one; 25.5% two; * \"\"; }\n",
            "split_clients $arg_a$s0x $s0 { 10% a; 20% b; }\nmap $arg_k $s0x { default x; }\n",
            "split_clients \"${remote_addr}x\" $s0 { 100% one; }\n",
        ]));
    } else {
        out.push_str("map $arg_k $s0 { default none; }\n");
    }
    out
}

fn networks(random: &mut Random) -> String {
    let mut out = format!("geo {}$g0 {{\n", random.pick(&["", "$arg_ip ", "$remote_addr "]));
    let ranges = random.chance(30);
    let keys: &[&str] = if ranges {
        out.push_str("  ranges;\n");
        &["10.0.0.0-10.255.255.255", "10.1.2.3-10.1.2.9", "10.1.2.3-10.1.2.3", "127.0.0.0-127.0.0.255", "192.168.0.1-192.168.0.1"]
    } else {
        &["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "127.0.0.1/32", "127.0.0.0/8", "192.168.0.0/24", "0.0.0.0/0", "::1/128", "10.1.2.0/24"]
    };
    if random.chance(50) {
        out.push_str("  default far;\n");
    }
    for _ in 0..=random.below(5) {
        out.push_str(&format!("  {} {};\n", random.pick(keys), random.pick(&["near", "own", "\"\"", "x"])));
    }
    if random.chance(15) {
        out.push_str(&format!("  delete {};\n", random.pick(keys)));
    }
    out.push_str(random.pick(&["", "", "  default else;\n"]));
    out + "}\n"
}
