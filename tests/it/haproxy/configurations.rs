//! Configurations in which HAProxy's choice is easy to get wrong, and requests that show it.
//!
//! `{port:front}` is where requests enter; `a` to `d` are servers that answer with their port and what they were asked for.

/// One configuration.
pub(super) struct Configuration {
    pub(super) name: &'static str,
    /// What stands behind a `defaults` with `mode http` and timeouts.
    pub(super) text: &'static str,
    /// Files beside it.
    pub(super) files: &'static [(&'static str, &'static str)],
    /// A request a line: method, host, target, perhaps headers parted by ` | `.
    pub(super) requests: &'static str,
}

impl Configuration {
    /// The configuration with what all of them share, and four backends that are one server each.
    pub(super) fn whole(&self) -> String {
        let backends = ["a", "b", "c", "d"].map(|name| format!("backend {name}\n server {name}1 127.0.0.1:{{port:{name}}}\n"));
        let defaults = "defaults\n mode http\n timeout connect 1s\n timeout client 5s\n timeout server 5s\n timeout tarpit 20ms\n";
        format!("{defaults}{}\n{}", self.text, if self.text.contains("no-backends") { String::new() } else { backends.concat() })
    }
}

pub(super) const ALL: &[Configuration] = &[
    Configuration {
        name: "paths",
        text: "frontend f
 bind 127.0.0.1:{port:front}
 use_backend a if { path /exact }
 use_backend a if { path_beg /beg }
 use_backend a if { path_end .php }
 use_backend b if { path_dir adm }
 use_backend b if { path_sub sub }
 use_backend b if { path_reg ^/re/[0-9]+$ }
 use_backend c if { path_dom dom.ex }
 use_backend c if { path_len 3 }
 use_backend c if { path -i /CASE }
 use_backend c if { path -m beg -i /low /other }
 use_backend c if { path -m reg -i ^/ri }
 use_backend d if { path -m dir a/b }
 use_backend d if { path -m len gt 40 }
 use_backend d if { path,length 7 }
 use_backend d if { url_beg /u?x }
 use_backend d if { pathq -m end q=1 }
 use_backend d if { base -m beg ex.com/base }
 use_backend d if { query -m sub secret }
 use_backend d if { query -m found } { path_beg /q }",
        files: &[],
        requests: "
            GET h /exact
            GET h /exact/
            GET h /exact?x
            GET h /Exact
            GET h //exact
            GET h /%65xact
            GET h /x/../exact
            GET h /beg
            GET h /begin/x
            GET h /xbeg
            GET h /a.php
            GET h /a.php?x
            GET h /a.php/
            GET h /adm
            GET h /adm/
            GET h /x/adm
            GET h /x/adm/y
            GET h /xadm
            GET h /administrator
            GET h /x//adm
            GET h /asubb
            GET h /re/12
            GET h /re/12a
            GET h /re/
            GET h /dom.ex
            GET h /dom.exa
            GET h /x/dom.ex/y
            GET h /www.dom.ex
            GET h /ab
            GET h /case
            GET h /CASE
            GET h /LOWer
            GET h /OTHER/x
            GET h /RI2
            GET h /x/a/b/c
            GET h /x/a/bc
            GET h /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
            GET h /seven7
            GET h /u?x=1
            GET h /u?y
            GET h /w?q=1
            GET ex.com /base/x
            GET EX.com /base/x
            GET h /s?secret
            GET h /q
            GET h /q?
            GET h /q?z
            GET h /zzzzz",
    },
    Configuration {
        name: "hosts",
        text: "frontend f
 bind 127.0.0.1:{port:front}
 acl is_a hdr(host) -i a.ex.com www.a.ex.com
 acl is_b hdr(host) b.ex.com
 acl is_c hdr_end(host) -i .c.ex.com
 acl is_c hdr_beg(host) -i c.
 acl is_d hdr_dom(host) -i d.ex
 acl is_reg hdr_reg(host) -i ^r[0-9]+\\.ex\\.com$
 acl low hdr(host),lower -m str low.ex.com
 acl first hdr(host),field(1,:) -i port.ex.com
 acl word hdr(host),word(1,.) -m str word
 acl sub hdr_sub(host) -i needle
 acl dir req.hdr(host) -m len 5
 use_backend a if is_a
 use_backend b if is_b
 use_backend c if is_c
 use_backend d if is_d
 use_backend a if is_reg
 use_backend b if low
 use_backend c if first
 use_backend d if word or sub
 use_backend a if dir",
        files: &[],
        requests: "
            GET a.ex.com /
            GET A.EX.com /
            GET a.ex.com:80 /
            GET a.ex.com. /
            GET www.a.ex.com /
            GET b.ex.com /
            GET B.ex.com /
            GET x.c.ex.com /
            GET X.C.EX.COM /
            GET c.ex.com /
            GET c. /
            GET d.ex /
            GET d.ex.com /
            GET www.d.ex.com /
            GET wd.ex.com /
            GET d.ex:80 /
            GET r12.ex.com /
            GET R1.EX.COM /
            GET r.ex.com /
            GET LOW.ex.com /
            GET low.ex.com:1 /
            GET port.ex.com:8080 /
            GET port.ex.com /
            GET word.x /
            GET .word.x /
            GET aneedleb /
            GET 12345 /
            GET other /",
    },
    Configuration {
        name: "headers, cookies and parameters",
        text: "frontend f
 bind 127.0.0.1:{port:front}
 use_backend a if { hdr(x-ver) 2 }
 use_backend b if { req.fhdr(x-full) -m str 'a, b' }
 use_backend b if { hdr(x-num) -m int gt 5 }
 use_backend b if { hdr_val(x-val) ge 3 le 1 }
 use_backend c if { hdr_cnt(x-cnt) gt 0 }
 use_backend c if { hdr(x-any) -m found }
 use_backend c if { req.hdr(x-empty) -m len 0 }
 use_backend c if { hdr(x-ip) -m ip 10.0.0.0/8 }
 use_backend d if { hdr_ip(x-fwd) 192.168.0.0/16 }
 use_backend d if { req.cook(tier) gold }
 use_backend d if { cook_beg(sid) s1 }
 use_backend d if { req.cook(any) -m found }
 use_backend a if { url_param(id) 42 }
 use_backend a if { urlp(name) -m beg x }
 use_backend a if { urlp_val(n) gt 10 }
 use_backend a if { urlp(e) -m found }
 use_backend b if !{ hdr(user-agent) -m found } METH_POST
 use_backend b if { hdr(user-agent) -m sub -i bot }
 use_backend c if { req.hdr(x-two,2) second }
 use_backend c if { req.hdr(x-two,-1) last }
 use_backend c if { hdr(x-re) -m reg ^$ }
 use_backend d if { method PUT DELETE } || METH_OPTIONS
 use_backend d unless METH_GET",
        files: &[],
        requests: "
            GET h / X-Ver: 2
            GET h / X-Ver: 1, 2
            GET h / X-Ver: 1,2 ,3
            GET h / X-Ver: 22
            GET h / X-Ver: 1 | X-Ver: 2
            GET h / X-Full: a, b
            GET h / X-Full: a,b
            GET h / X-Num: 7
            GET h / X-Num: 7x
            GET h / X-Num: 5
            GET h / X-Num: x7
            GET h / X-Num: 1, 9
            GET h / X-Val: 4
            GET h / X-Val: 2
            GET h / X-Val: 0
            GET h / X-Val: abc
            GET h / X-Val:
            GET h / X-Cnt: 1
            GET h / X-Cnt:
            GET h / X-Any: 1
            GET h / X-Any:
            GET h / X-Empty:
            GET h / X-Empty: a
            GET h / X-Ip: 10.1.2.3
            GET h / X-Ip: 11.1.2.3
            GET h / X-Ip: nonsense
            GET h / X-Ip: 11.0.0.1, 10.0.0.1
            GET h / X-Fwd: 192.168.1.1
            GET h / X-Fwd: 1.1.1.1, 192.168.1.1
            GET h / X-Fwd: 1.1.1.1
            GET h / Cookie: tier=gold
            GET h / Cookie: a=b; tier=gold; c=d
            GET h / Cookie: Tier=gold
            GET h / Cookie: tier=golden
            GET h / Cookie: sid=s12
            GET h / Cookie: xsid=s12
            GET h / Cookie: any=
            GET h / Cookie: anyx=1
            GET h /?id=42
            GET h /?x=1&id=42&y
            GET h /?ID=42
            GET h /?name=xy
            GET h /?n=11
            GET h /?n=9
            GET h /?e=
            GET h /?e
            GET h /?ee=1
            POST h /
            POST h / User-Agent: x
            GET h / User-Agent: a Bot/1
            GET h / X-Two: first, second
            GET h / X-Two: first, second, last
            GET h / X-Two: first
            GET h / X-Re:
            GET h / X-Re: a
            PUT h /
            DELETE h / User-Agent: x
            OPTIONS h / User-Agent: x
            HEAD h /
            PATCH h / User-Agent: x",
    },
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
