//! Rules: their order, what they rewrite, maps.

use super::Configuration;

pub(super) const ALL: &[Configuration] = &[
    Configuration {
        name: "order of rules",
        text: "frontend f
 bind 127.0.0.1:{port:front}
 monitor-uri /health
 acl old path_beg /old
 acl denied path_beg /deny
 http-request deny if denied !{ hdr(x-pass) 1 }
 http-request deny deny_status 429 if { path /limit }
 http-request allow if { path_beg /allow }
 http-request set-path /new%[path] if old
 http-request deny deny_status 410 if old
 http-request set-header X-Tier gold if { path_beg /new }
 http-request return status 200 content-type text/plain string ok if { path /ok }
 http-request return status 404 if { path /gone }
 http-request redirect location /there if { path /here }
 http-request redirect location https://x.example/%[path]?%[query] code 301 if { path_beg /fmt }
 http-request redirect prefix https://p.example code 303 if { path_beg /prefix }
 http-request redirect prefix /pre code 307 drop-query append-slash if { path_beg /slash }
 http-request redirect prefix / code 308 if { path_beg /root }
 http-request redirect scheme https code 301 if { path_beg /secure }
 http-request tarpit deny_status 500 if { path /tar }
 http-request reject if { path /reject }
 http-request silent-drop if { path /drop }
 http-request auth realm x if { path /auth }
 http-request deny if { path_beg /allow }
 redirect location /%[path] if { path /legacy }
 redirect prefix http://l.example drop-query if { path_beg /lp }
 use_backend a if { req.hdr(x-tier) gold }
 use_backend b if { path_beg /b }
 use_backend be if { path_beg /be2 }
 use_backend c if old
 default_backend be
backend be
 http-request set-path /inside%[path] if { path_beg /in }
 http-request deny if { path_beg /no }
 http-request replace-path ^/cut/(.*) /\\1
 http-request allow if { path_beg /x }
 http-request set-query y=1 if { path_beg /x }
 redirect location /be-moved if { path /moved }
 server d1 127.0.0.1:{port:d}",
        files: &[],
        requests: "
            GET h /health
            GET h /health?x
            GET h /deny
            GET h /deny X-Pass: 1
            GET h /limit
            GET h /allow
            GET h /allow/b
            GET h /old
            GET h /old/x?y=1
            GET h /new/x
            GET h /ok
            GET h /gone
            GET h /here
            GET h /fmt
            GET h /fmt/x?a=b
            GET h /prefix/x?y
            GET h /slash/x?y
            GET h /slash/x/?y
            GET h /root//x
            GET h.example:80 /secure/x?y
            GET h /tar
            GET h /reject
            GET h /drop
            GET h /auth
            GET h /legacy
            GET h /lp/x?y
            GET h /b/x
            GET h /be2
            GET h /in/x?q
            GET h /no
            GET h /cut/x?q
            GET h /cut/
            GET h /x
            GET h /x?a
            GET h /moved
            GET h /other?
            GET h /",
    },
    Configuration {
        name: "rewrites",
        text: "frontend f
 bind 127.0.0.1:{port:front}
 http-request set-path /p if { path /set-path }
 http-request set-pathq /p?z=1 if { path /set-pathq }
 http-request set-pathq /p if { path /set-pathq2 }
 http-request set-pathq /z%[pathq] if { path_beg /prepend }
 http-request set-query a=b if { path /set-query }
 http-request set-query %[req.hdr(x-none)] if { path /set-empty }
 http-request set-query %[query]&c=d if { path /add-query }
 http-request set-uri /u?k=v if { path /set-uri }
 http-request replace-path (.*)/foo \\1/bar if { path_beg /rp }
 http-request replace-path /mid /MID if { path_beg /rq }
 http-request replace-pathq ([^?]*)\\?(.*) \\1-q?\\2&r=1 if { path_beg /rpq }
 http-request replace-uri ^/ru(/.*) /uu\\1 if { path_beg /ru }
 http-request set-path \"%[path,regsub(^/rs/,/)]\" if { path_beg /rs }
 http-request set-path \"%[path,regsub(/+,/,g)]\" if { path_beg //slashes }
 http-request set-path /%[req.hdr(host),field(1,.)]%[path] if { path_beg /hosted }
 http-request set-path \"%[path,url_dec]\" if { path_beg /dec }
 http-request set-path \"%[path,upper]\" if { path_beg /up }
 http-request set-path \"/%[path,ltrim(/trim)]\" if { path_beg /trim }
 http-request set-path \"%[path,bytes(4)]\" if { path_beg /byt/ }
 http-request set-path \"/%[path,word(2,/)]\" if { path_beg /word }
 http-request set-var(txn.seg) path,field(2,/)
 http-request set-var(txn.never) hdr(x-none)
 http-request set-path /v/%[var(txn.seg)] if { path_beg /var }
 http-request set-path /host/%[req.hdr(x-a)] if { path_beg /last }
 http-request set-method POST if { path /method }
 http-request replace-header X-R ^a(.*) \\1z
 use_backend b if { var(txn.seg) -m str segb }
 use_backend c if { var(txn.never) -m found }
 use_backend d if METH_POST
 use_backend d if { hdr(x-r) bz }
 default_backend a",
        files: &[],
        requests: "
            GET h /set-path?q=1
            GET h /set-path
            GET h /set-pathq?q=1
            GET h /set-pathq2?q=1
            GET h /prepend?q=1
            GET h /prepend
            GET h /set-query
            GET h /set-query?x
            GET h /set-empty?x
            GET h /set-empty
            GET h /add-query?x=1
            GET h /set-uri?x
            GET h /rp/foo
            GET h /rp/foo/x
            GET h /rp/foo/foo?q
            GET h /rq/mid/x
            GET h /rq/x
            GET h /rpq?x
            GET h /rpq
            GET h /ru/x?y
            GET h /rs/x?y
            GET h //slashes//x
            GET a.b.c /hosted/x
            GET h /dec/%41%2f?%41
            GET h /up/aB?c
            GET h /trim/mitx
            GET h /byt/abc
            GET h /word/two/three
            GET h /var/x/y
            GET h /segb
            GET h /last X-A: 1, 2
            GET h /last X-A: 1 | X-A: 3
            GET h /last
            GET h /method
            GET h / X-R: ab
            GET h / X-R: b
            GET h / X-None: 1",
    },
    Configuration {
        name: "maps",
        text: "frontend f
 bind 127.0.0.1:{port:front}
 http-request redirect location %[path,map(maps/exact.map)] code 301 if { path,map(maps/exact.map) -m found }
 http-request deny if { src,map_ip(maps/ip.map,none) -m str blocked }
 http-request set-path /%[req.hdr(x-in),map_int(maps/int.map,zero)] if { path /int }
 http-request set-path %[path,map_regm(maps/reg.map,/none)] if { path_beg /re }
 use_backend %[path,map_beg(maps/beg.map,d)] if { path_beg /beg }
 use_backend %[hdr(host),lower,map(maps/hosts.map)] if { path /host }
 use_backend %[hdr(host),lower,map_dom(maps/dom.map,a)] if { path /dom }
 use_backend %[path,map_end(maps/end.map)] if { path_beg /end }
 use_backend %[path,map_sub(maps/sub.map)] if { path_beg /sub }
 use_backend %[path,map_dir(maps/dir.map)] if { path_beg /dir }
 use_backend %[path,map_reg(maps/reg2.map)] if { path_beg /r2 }
 use_backend %[req.hdr(x-ip),map_ip(maps/ip.map)] if { path /ip }
 use_backend d if { req.hdr(x-net),map_ip(maps/ip.map,else) -m str else }
 use_backend bk_%[hdr(x-be)] if { hdr(x-be) -m found }
 use_backend c if { path /host }
 use_backend c if { path,map_beg(maps/beg.map) -m str a }
 default_backend b
backend bk_one
 server d1 127.0.0.1:{port:d}
backend bk_two
 server c1 127.0.0.1:{port:c}",
        files: &[
            ("maps/exact.map", "# comment\n/m1 /to/m1\n/m2   /to/m2  \n/m1 /never\n\n  /m3 /to m3\n/m4\n"),
            ("maps/beg.map", "/beg/long/er c\n/beg a\n/beg/long b\n/beg/none nowhere\n"),
            ("maps/hosts.map", "a.ex a\nb.ex b\nc.ex missing\n"),
            ("maps/dom.map", "ex.com c\nwww b\n"),
            ("maps/end.map", "x c\n/x d\n.php a\n"),
            ("maps/sub.map", "zz c\nz d\n"),
            ("maps/dir.map", "p c\nq/r d\n"),
            ("maps/reg.map", "^/re/([a-z]+)/(.*)$ /\\2/\\1\n^/re/.* /other\n"),
            ("maps/reg2.map", "[0-9]+ c\n^/r2 d\n"),
            ("maps/ip.map", "10.0.0.0/8 a\n10.1.0.0/16 c\n10.1.2.3 d\n"),
            ("maps/int.map", "1 one\n2 two\n"),
        ],
        requests: "
            GET h /m1
            GET h /m2
            GET h /m3
            GET h /m4
            GET h /M1
            GET h /int X-In: 1
            GET h /int X-In: 2
            GET h /int X-In: 3
            GET h /int X-In: x
            GET h /int
            GET h /re/abc/x/y
            GET h /re/ABC
            GET h /reX
            GET h /beg
            GET h /begin
            GET h /beg/long
            GET h /beg/long/er/x
            GET h /beg/none
            GET a.ex /host
            GET A.EX /host
            GET b.ex /host
            GET c.ex /host
            GET d.ex /host
            GET ex.com /dom
            GET www.ex.com /dom
            GET www.other /dom
            GET other /dom
            GET h /end/x
            GET h /end/y.php
            GET h /end/none
            GET h /sub/azzb
            GET h /sub/az
            GET h /sub/
            GET h /dir/p
            GET h /dir/q/r
            GET h /dir/q
            GET h /r2/1
            GET h /r2/x
            GET h /ip X-Ip: 10.2.0.1
            GET h /ip X-Ip: 10.1.0.1
            GET h /ip X-Ip: 10.1.2.3
            GET h /ip X-Ip: 11.1.2.3
            GET h /ip X-Ip: nonsense
            GET h /ip
            GET h / X-Net: 11.0.0.1
            GET h / X-Net: 10.0.0.1
            GET h / X-Net: none
            GET h / X-Net: 11.0.0.1:80
            GET h / X-Net: 11.0.0
            GET h / X-Net:
            GET h / X-Be: one
            GET h / X-Be: two
            GET h / X-Be: three
            GET h / X-Be:
            GET h /",
    },
];
