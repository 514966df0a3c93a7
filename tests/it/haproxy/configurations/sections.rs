//! Conditions, sections and servers.

use super::Configuration;

pub(super) const ALL: &[Configuration] = &[
    Configuration {
        name: "conditions",
        text: "frontend f
 bind 127.0.0.1:{port:front}
 acl one path_beg /one
 acl two path_end two
 acl three hdr(x-three) -m found
 acl list path -f lists/paths.txt
 acl list_i path -i -f lists/paths.txt /extra
 acl dash hdr(x-dash) -- -i
 acl net src 127.0.0.0/8
 acl never src 10.0.0.0/8
 acl port dst_port {port:front}
 use_backend a if one two
 use_backend b if one !two three
 use_backend c if one || two three
 use_backend d if !one !two three or list
 use_backend a if list_i
 use_backend b if dash
 use_backend c if never or { path /never }
 use_backend d if net port { path /net }
 use_backend a unless net
 use_backend b if TRUE !FALSE { path /true }
 use_backend c if HTTP_1.1 LOCALHOST HTTP { path /pre }
 use_backend c if { always_false } or { path /af } WAIT_END
 use_backend d if { nbsrv(a) gt 0 } { path /nb }
 use_backend d if { srv_is_up(a/a1) } { path /up }
 use_backend a if { nbsrv(a) lt 1 } { path /lt }
 use_backend a if HTTP_URL_ABS or { str(x) -m str x } { path /str }
 use_backend a if { int(5) gt 3 } { bool(true) } { path /int }
 use_backend a if { ssl_fc } or !{ ssl_fc } { path /ssl }
 use_backend b if { req.ver 1.1 } { path /ver }
 use_backend c if { path -m str -i /A /B }",
        files: &[("lists/paths.txt", "# paths\n/l1\n  /l2\n\n/L3\n")],
        requests: "
            GET h /one/two
            GET h /one
            GET h /one X-Three: 1
            GET h /xtwo
            GET h /xtwo X-Three: 1
            GET h /x X-Three: 1
            GET h /l1
            GET h /l2
            GET h /l3
            GET h /L3
            GET h /L1
            GET h /EXTRA
            GET h / X-Dash: -i
            GET h /never
            GET h /net
            GET h /true
            GET h /pre
            GET h /af
            GET h /nb
            GET h /up
            GET h /lt
            GET h /str
            GET h /int
            GET h /ssl
            GET h /ver
            GET h /a
            GET h /b
            GET h /zz",
    },
    Configuration {
        name: "defaults and listens",
        text: "defaults named
 mode http
 timeout connect 1s
 timeout client 5s
 timeout server 5s
 default_backend b
 monitor-uri /mon
listen both from named
 bind 127.0.0.1:{port:front}
 stats enable
 stats uri /stats
 http-request deny if { path /deny }
 http-request set-path /once%[path] if { path_beg /twice }
 use_backend a if { path_beg /a }
 use_backend other if { path_beg /l }
 server own 127.0.0.1:{port:d}
listen other
 bind 127.0.0.1:{port:front2}
 http-request set-path /other%[path]
 server own 127.0.0.1:{port:c}",
        files: &[],
        requests: "
            GET h /mon
            GET h /deny
            GET h /a
            GET h /x
            GET h /twice
            GET h /stats
            GET h /stats;csv
            GET h /statsx
            GET h /l",
    },
    Configuration {
        name: "own servers, use-server and nothing at all",
        text: "listen f
 bind 127.0.0.1:{port:front}
 use_backend none if { path /none }
 use_backend zero if { path /zero }
 use_backend off if { path /off }
 use_backend bak if { path /bak }
 use-server s2 if { path_beg /two }
 use-server s3 if { path_beg /three }
 server s1 127.0.0.1:{port:a}
 server s2 127.0.0.1:{port:b} weight 0
 server s3 127.0.0.1:{port:c} backup
backend none
backend zero
 server z 127.0.0.1:{port:d} weight 0
backend off
 server o 127.0.0.1:{port:d} disabled
backend bak
 server o 127.0.0.1:{port:d} disabled
 server p 127.0.0.1:{port:a} backup
 server q 127.0.0.1:{port:b} backup",
        files: &[],
        requests: "
            GET h /
            GET h /two
            GET h /three
            GET h /none
            GET h /zero
            GET h /off
            GET h /bak",
    },
    Configuration {
        name: "connections as bytes",
        text: "frontend f
 mode tcp
 bind 127.0.0.1:{port:front}
 tcp-request inspect-delay 1s
 tcp-request connection reject if { src 10.0.0.0/8 }
 tcp-request content accept if HTTP
 use_backend t if { src 127.0.0.0/8 }
 default_backend u
backend t
 mode tcp
 server a1 127.0.0.1:{port:a}
backend u
 mode tcp
 server b1 127.0.0.1:{port:b}",
        files: &[],
        requests: "
            GET h /x?y
            POST h //z",
    },
    Configuration {
        name: "limits go on",
        text: "frontend f
 bind 127.0.0.1:{port:front}
 stick-table type ip size 1k expire 10s store http_req_rate(10s),conn_cur
 http-request track-sc0 src
 acl heavy sc_http_req_rate(0) gt 1000
 http-request deny deny_status 429 if heavy
 http-request deny deny_status 429 if { sc0_conn_cur gt 500 } { path_beg /x }
 tcp-request content reject if { src_conn_cur gt 1000 }
 default_backend a",
        files: &[],
        requests: "
            GET h /
            GET h /x",
    },
];
