//! What the long comparison and other people's configurations showed: each was once answered otherwise than HAProxy does.

use super::configurations::Configuration;

pub(super) const ALL: &[Configuration] = &[
    Configuration {
        // Differential seed 4020.
        name: "a header that is not there is not replaced",
        text: "frontend f
 bind 127.0.0.1:{port:front}
 http-request replace-header user-agent (.*) x\\1
 http-request replace-header x-tag ^a(.*) \\1b
 http-request replace-value x-list ^a$ gold
 use_backend a if { hdr(user-agent) -m reg x }
 use_backend b if { hdr(user-agent) -m found }
 use_backend c if { req.fhdr(x-tag) -m end b }
 use_backend d if { hdr(x-list) gold }",
        files: &[],
        requests: "
            GET h /
            GET h / User-Agent: curl
            GET h / User-Agent:
            GET h / X-Tag: ab
            GET h / X-Tag: b | X-Tag: ac
            GET h / X-List: b, a
            GET h / X-List: ab
            GET h / X-List: a | X-List: b",
    },
    Configuration {
        // Differential seed 4716.
        name: "what a request carries several times",
        text: "frontend f
 bind 127.0.0.1:{port:front}
 http-request add-header x-ver 2 if { path_beg /add }
 use_backend a if { req.fhdr(x-ver) -m len eq 3 }
 use_backend b if { req.fhdr(x-list,2) b }
 use_backend b if { req.fhdr(x-list,-2) z }
 use_backend c if { req.cook(sid) s2 }
 use_backend c if { url_param(a) 2 }
 use_backend d if { hdr(x-many),map(words.map) -m found }
 use_backend d if { hdr(x-many),lower,map(words.map,c) -m str a }
 use_backend %[req.cook(to)] if { req.cook(to) -m found }
 use_backend %[urlp(to)] if { urlp(to) -m found }
 use_backend %[req.fhdr(x-to)] if { path /last }
 use_backend %[hdr(x-to),field(1,.)] if { path /element }
 use_backend c if { hdr_cnt(x-count) 2 }
 use_backend b if { hdr_val(x-val) gt 70 }",
        files: &[("words.map", "gold a\nX b\n")],
        requests: "
            GET h /add X-Ver: 2,1
            GET h /add X-Ver: 2
            GET h / X-Ver: 1 | X-Ver: abc
            GET h / X-List: a | X-List: b
            GET h / X-List: z | X-List: y
            GET h / Cookie: sid=s1; sid=s2
            GET h / Cookie: sid=s2 | Cookie: sid=s1
            GET h /?a=1&a=2
            GET h /?a=2&a=1
            GET h / X-Many: x, X
            GET h / X-Many: X, x
            GET h / X-Many: gold | X-Many: y
            GET h / X-Many: y
            GET h / X-Many:
            GET h / Cookie: to=a; to=b
            GET h /?to=c&to=d
            GET h /last X-To: c | X-To: d
            GET h /element X-To: a.x, b.y
            GET h / X-Count: 1, 2
            GET h / X-Count: 1 | X-Count: 2
            GET h / X-Count: 1
            GET h / X-Val: 1 2/3,77
            GET h / X-Val: 7.1
            GET h / X-Val: 12:4",
    },
    Configuration {
        name: "texts and numbers that are calculated",
        text: "frontend f
 bind 127.0.0.1:{port:front}
 use_backend a if { path,word(2,/) -m found } { path_beg /w }
 use_backend a if { path,field(3,/) -m found } { path_beg /f }
 use_backend b if { path,word(1,/,2) one/two }
 use_backend b if { path,field(-2,/,2) x/y }
 use_backend b if { path,field(2,/,0) p/q/r }
 use_backend c if { urlp(n),mod(3) 1 }
 use_backend c if { urlp(m),add(4),odd }
 use_backend c if { urlp(m),even }
 use_backend d if { urlp(k),bool,not }
 use_backend d if { urlp(j),neg lt -4 }
 use_backend d if { query,url_dec -m sub \"a b\" }
 use_backend d if { query,url_dec(1) -m sub \"c d\" }
 use_backend d if { path,field(2,/),concat(-,txn.none,-z) y--z }
 use_backend a if { hdr(x-empty),map(words.map,c) -m str c }
 use_backend a if { ssl_fc,iif(on,off) off } { path /iif }",
        files: &[("words.map", "gold a\n")],
        requests: "
            GET h /w
            GET h /f/x
            GET h /f
            GET h /one//two
            GET h /one/two/three
            GET h /one/two/
            GET h /a/x/y
            GET h /p/q/r
            GET h /?n=7
            GET h /?n=8
            GET h /?n=&n=7
            GET h /?n=8&n=7
            GET h /?n=-5
            GET h /?m=1
            GET h /?m=2
            GET h /?k=0
            GET h /?k=1
            GET h /?k=x
            GET h /?j=5
            GET h /?j=3
            GET h /?v=a+b
            GET h /?v=c+d
            GET h /y
            GET h / X-Empty:
            GET h / X-Empty: silver
            GET h /iif
            GET h /",
    },
    Configuration {
        // Differential seed 4705.
        name: "methods and their letters",
        text: "frontend f
 bind 127.0.0.1:{port:front}
 use_backend a if { method -i get }
 use_backend b if { method -i PUT }
 use_backend c if { method -i purge }
 default_backend d",
        files: &[],
        requests: "
            GET h /
            PUT h /
            PURGE h /
            POST h /",
    },
    Configuration {
        name: "statuses of error files",
        text: "http-errors group
 errorfile 403 sorry.http
 errorfile 404 busy.http
frontend f
 bind 127.0.0.1:{port:front}
 errorfile 403 gone.http
 errorfile 429 sorry.http
 errorfile 503 sorry.http
 errorloc303 500 /oops
 errorloc302 400 http://e.example/
 http-error status 410 errorfile busy.http
 http-error status 405 content-type text/plain string x
 http-request deny if { path /403 }
 http-request deny deny_status 404 if { path /404 }
 http-request deny deny_status 404 errorfile sorry.http if { path /file }
 http-request deny deny_status 403 errorfiles group if { path /group }
 http-request deny deny_status 429 if { path /429 }
 http-request deny deny_status 500 if { path /500 }
 http-request deny deny_status 400 if { path /400 }
 http-request deny deny_status 410 if { path /410 }
 http-request deny deny_status 405 if { path /405 }
 http-request deny status 451 content-type text/plain string x if { path /451 }
 http-request tarpit if { path /tar }
 use_backend own if { path_beg /own }
 use_backend inherits if { path_beg /inherits }
backend own
 errorfile 403 busy.http
 http-request deny
backend inherits
 http-request deny",
        files: &[
            ("gone.http", "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"),
            ("busy.http", "HTTP/1.0 503 Busy\r\ncontent-length: 0\r\n\r\n"),
            ("sorry.http", "HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n"),
        ],
        requests: "
            GET h /403
            GET h /404
            GET h /file
            GET h /group
            GET h /429
            GET h /500
            GET h /400
            GET h /410
            GET h /405
            GET h /451
            GET h /tar
            GET h /own
            GET h /inherits
            GET h /other",
    },
    Configuration {
        // Differential seed 770014.
        name: "nobody for bytes",
        text: "frontend f
 mode tcp
 bind 127.0.0.1:{port:front}
 use_backend t if { src 10.0.0.0/8 }
backend t
 mode tcp
 server a1 127.0.0.1:{port:a}",
        files: &[],
        requests: "
            GET h /x",
    },
];
