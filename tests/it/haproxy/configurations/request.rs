//! What of a request is compared: paths, hosts, headers, cookies, parameters.

use super::Configuration;

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
];
