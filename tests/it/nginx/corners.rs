//! Further configurations for the comparison with the real nginx: what was read in its source or seen on it after a model got it wrong.

use super::configurations::Configuration;

pub(super) const ALL: &[Configuration] = &[
    Configuration {
        name: "files below an alias",
        http: r"        server { listen 127.0.0.1:{port:front};
            location /files/ { alias {prefix}/srv/; try_files $uri @app; }
            location /bare { alias {prefix}/srv; try_files $uri @app; }
            location /lit/ { alias {prefix}/srv/; try_files /lit/a /other @app; }
            location = /one { alias {prefix}/srv/b; try_files $uri @app; }
            location ~ ^/re/(.*)$ { alias {prefix}/srv/$1; }
            location /dirs/ { alias {prefix}/srv/; try_files $uri $uri/ @app; index index.php; }
            location ~ \.php$ { return 204; }
            location /root/ { root {prefix}/www; try_files $uri @app; }
            location /rootdir/ { root {prefix}/www; try_files $uri/ @app; }
            location @app { proxy_pass http://127.0.0.1:{port:a}; }
        }",
        files: &[
            ("srv/a", "file in {prefix}/srv/"),
            ("srv/b", "file in {prefix}/srv/b"),
            ("srv/sub/index.php", "no"),
            ("www/root/sub/x", "file in {prefix}/www"),
            ("www/rootdir/sub/index.html", "file in {prefix}/www"),
        ],
        requests: "
            GET h /files/a
            GET h /files/none
            GET h /files/sub
            GET h /files/sub/
            GET h /bare/a
            GET h /bare/none
            GET h /lit/x
            GET h /one
            GET h /re/b
            GET h /dirs/a
            GET h /dirs/none
            GET h /dirs/sub/
            GET h /root/sub/x
            GET h /root/sub/
            GET h /root/sub
            GET h /rootdir/sub/
            GET h /rootdir/none/",
    },
    Configuration {
        name: "an application with a front controller",
        http: r"        server { listen 127.0.0.1:{port:front};
            root {prefix}/www; index index.php index.html;
            location / { try_files $uri $uri/ /index.php?$query_string; }
            location ~ \.php$ { try_files $uri =404; proxy_pass http://127.0.0.1:{port:a}; }
        }",
        files: &[("www/index.php", "no"), ("www/a.css", "file in {prefix}/www"), ("www/sub/index.html", "file in {prefix}/www")],
        requests: "
            GET h /
            GET h /a.css
            GET h /sub/
            GET h /sub/?q
            GET h /deep/er?q=1
            GET h /index.php?x",
    },
    Configuration {
        name: "if blocks and what follows",
        http: r"        server { listen 127.0.0.1:{port:front};
            if ($arg_s) { set $s 1; }
            location / {
                if ($arg_a) { set $a 1; proxy_pass http://127.0.0.1:{port:b}; }
                if ($arg_c) { break; }
                if ($arg_b) { return 202; }
                if ($s) { return 203; }
                proxy_pass http://127.0.0.1:{port:a};
            }
        }",
        files: &[],
        requests: "
            GET h /
            GET h /?s=1
            GET h /?s=1&c=1
            GET h /?a=1&s=1
            GET h /?a=1
            GET h /?a=1&b=1
            GET h /?a=1&c=1
            GET h /?b=1",
    },
    Configuration {
        name: "what a return and an error page answer",
        http: r"        server { listen 127.0.0.1:{port:front};
            root {prefix}/www;
            location /url/ { return 200 http://example.com/; }
            location /url404/ { return 404 http://example.com/; }
            location /var/ { set $u https://x.example.com/v; return 302 $u; }
            location /only/ { return https://x.example.com$request_uri; }
            location /same/ { error_page 404 = /page; return 404; }
            location /fixed/ { error_page 404 =410 /page; return 404; }
            location /ok/ { error_page 404 =200 /page; return 404; }
            location /redirects/ { error_page 404 =301 /page; return 404; }
            location /several/ { error_page 403 404 =503 @maintenance; return 403; }
            location /pass/ { error_page 404 = @app; return 404; }
            location /passkeep/ { error_page 404 @app; return 404; }
            location /missing/ { error_page 404 =200 /page; }
            location /page { return 202; }
            location /int/ { internal; error_page 404 = @app; }
            location /int2/ { internal; error_page 404 /page; proxy_pass http://127.0.0.1:{port:b}; }
            location @maintenance { return 503; }
            location @app { proxy_pass http://127.0.0.1:{port:a}; }
        }",
        files: &[],
        requests: "
            GET h /url/
            GET h /url404/
            GET h /var/
            GET h /only/x?y
            GET h /same/
            GET h /fixed/
            GET h /ok/
            GET h /redirects/
            GET h /several/
            GET h /pass/x?q
            POST h /pass/x
            GET h /passkeep/x
            GET h /missing/
            GET h /int/x
            GET h /int2/x",
    },
    Configuration {
        name: "access: any, all, and methods",
        http: r"        server { listen 127.0.0.1:{port:front};
            auth_basic x; auth_basic_user_file {prefix}/users;
            location /any/ { satisfy any; allow 127.0.0.1; deny all; proxy_pass http://127.0.0.1:{port:a}; }
            location /anyother/ { satisfy any; allow 10.0.0.0/8; deny all; proxy_pass http://127.0.0.1:{port:a}; }
            location /anyonly/ { satisfy any; proxy_pass http://127.0.0.1:{port:a}; }
            location /anyallow/ { satisfy any; allow 127.0.0.1; proxy_pass http://127.0.0.1:{port:a}; }
            location /all/ { satisfy all; allow 127.0.0.1; deny all; proxy_pass http://127.0.0.1:{port:a}; }
            location /alldeny/ { satisfy all; deny all; proxy_pass http://127.0.0.1:{port:a}; }
            location /off/ { auth_basic off; proxy_pass http://127.0.0.1:{port:a}; }
            location /page/ { error_page 401 = @login; proxy_pass http://127.0.0.1:{port:a}; }
            location @login { auth_basic off; proxy_pass http://127.0.0.1:{port:b}; }
            location /limit/ { auth_basic off; limit_except GET { auth_basic x; } proxy_pass http://127.0.0.1:{port:c}; }
            location /limit2/ { auth_basic off; limit_except POST { allow 127.0.0.1; deny all; } proxy_pass http://127.0.0.1:{port:c}; }
            location /limit3/ { auth_basic off; limit_except GET { deny all; } rewrite ^/limit3/(.*)$ /off/$1 last; }
        }",
        files: &[("users", "")],
        requests: "
            GET h /any/
            GET h /anyother/
            GET h /anyonly/
            GET h /anyallow/
            GET h /all/
            GET h /alldeny/
            GET h /off/
            GET h /page/x
            GET h /limit/
            HEAD h /limit/
            POST h /limit/
            GET h /limit2/
            POST h /limit2/
            GET h /limit3/x
            POST h /limit3/x",
    },
    Configuration {
        name: "auth_request",
        http: r"        server { listen 127.0.0.1:{port:front};
            location /ok/ { auth_request /check/200; proxy_pass http://127.0.0.1:{port:a}; }
            location /no/ { auth_request /check/401; proxy_pass http://127.0.0.1:{port:a}; }
            location /forbidden/ { auth_request /check/403; proxy_pass http://127.0.0.1:{port:a}; }
            location /page/ { auth_request /check/403; error_page 403 = @login; proxy_pass http://127.0.0.1:{port:a}; }
            location @login { proxy_pass http://127.0.0.1:{port:b}; }
            location = /check/200 { internal; return 204; }
            location = /check/401 { internal; return 401; }
            location = /check/403 { internal; return 403; }
        }",
        files: &[],
        requests: "
            GET h /ok/
            GET h /no/
            GET h /forbidden/
            GET h /page/x",
    },
    Configuration {
        name: "the path for the upstream",
        http: r#"        server { listen 127.0.0.1:{port:front};
            location /uri/ { rewrite ^/uri/old/(.*)$ /uri/new/$1 break; proxy_pass http://127.0.0.1:{port:a}/base/; }
            location /nouri/ { rewrite ^/nouri/(.*)$ /$1 break; proxy_pass http://127.0.0.1:{port:a}; }
            location /ifbreak/ { if ($arg_a) { rewrite ^/ifbreak/(.*)$ /$1 break; } proxy_pass http://127.0.0.1:{port:a}/base/; }
            location /args/ { rewrite ^/args/(.*)$ /$1?b=2 break; proxy_pass http://127.0.0.1:{port:a}; }
            location /noargs/ { rewrite ^/noargs/(.*)$ /$1? break; proxy_pass http://127.0.0.1:{port:a}; }
            location /only/ { rewrite ^/only/(.*)$ /$1?b=2? break; proxy_pass http://127.0.0.1:{port:a}; }
            location /enc/ { rewrite ^/enc/(.*)$ /d/$1 break; proxy_pass http://127.0.0.1:{port:a}; }
            location /capargs/ { rewrite ^/capargs/(.*)$ /n?path=$1 break; proxy_pass http://127.0.0.1:{port:a}; }
            location /mapvar/ { proxy_pass http://127.0.0.1:{port:a}$suffix; }
            location ~ ^/cap/(.*)$ { if ($mapped) { return 302 /m/$1; } return 302 /n/$1; }
            location ~ ^/cap2/(?<tail>.*)$ { set $t $mapped; return 302 /m/$tail/$1; }
            location /empty { proxy_pass http://127.0.0.1:{port:a}/; }
        }
        map $arg_m $mapped { ~^(x+)$ $1; default ""; }
        map $arg_s $suffix { ~^(?<part>\w+)$ /s/$part; default /none; }"#,
        files: &[],
        requests: "
            GET h /uri/x?q
            GET h /uri/old/x?q
            GET h /nouri/x?q=1
            GET h /ifbreak/x
            GET h /ifbreak/x?a=1
            GET h /args/x
            GET h /args/x?q=1
            GET h /noargs/x?q=1
            GET h /only/x?q=1
            GET h /enc/a%20b%2Fc%3F?q
            GET h /enc/%e4%f6
            GET h /enc/plain+plus&and
            GET h /capargs/a/b?o=1
            GET h /mapvar/?s=abc
            GET h /mapvar/
            GET h /cap/t?m=xx
            GET h /cap/t?m=y
            GET h /cap2/t?m=xx
            GET h /empty
            GET h /emptyx
            GET h /empty/x",
    },
    Configuration {
        name: "redirects made absolute",
        http: r"        server { listen 127.0.0.1:{port:front}; server_name first.example.com second.example.com;
            location /dir/ { proxy_pass http://127.0.0.1:{port:a}; }
            location /ret { return 301 /to; }
            location /named/ { server_name_in_redirect on; proxy_pass http://127.0.0.1:{port:a}; }
            location /namedret { server_name_in_redirect on; return 301 /to; }
            location /noport/ { port_in_redirect off; proxy_pass http://127.0.0.1:{port:a}; }
            location /noportret { port_in_redirect off; return 302 /to?x=$arg_a; }
            location /noportre { port_in_redirect off; rewrite ^ /else permanent; }
            location /both/ { port_in_redirect off; server_name_in_redirect on; proxy_pass http://127.0.0.1:{port:a}; }
            location /rel/ { absolute_redirect off; proxy_pass http://127.0.0.1:{port:a}; }
            location /relret { absolute_redirect off; return 301 /to; }
            location /full { port_in_redirect off; return 301 https://x.example.com/; }
        }",
        files: &[],
        requests: "
            GET second.example.com /dir
            GET second.example.com /dir?a=b
            GET second.example.com /ret
            GET second.example.com /named
            GET second.example.com /namedret
            GET second.example.com /noport
            GET second.example.com /noportret?a=1
            GET second.example.com /noportre?a=1
            GET second.example.com /both
            GET second.example.com /rel
            GET second.example.com /relret
            GET second.example.com /full",
    },
    Configuration {
        name: "an address of its own beside every address",
        http: r"        server { listen {port:front} default_server; server_name any.example.com; return 201; }
        server { listen {port:front}; server_name own.example.com; return 202; }
        server { listen 127.0.0.1:{port:front}; server_name own.example.com; return 203; }
        server { listen 127.0.0.1:{port:front}; server_name other.example.com; return 204; }",
        files: &[],
        requests: "
            GET any.example.com /
            GET own.example.com /
            GET other.example.com /
            GET unknown.example.com /",
    },
    Configuration {
        name: "names with captures",
        http: r"        server { listen 127.0.0.1:{port:front}; server_name ~^(?<tenant>[a-z]+)\.(?<zone>[a-z]+)\.test$;
            root {prefix}/$tenant;
            location /to/ { proxy_pass http://$zone; }
            location /nr/ { return 302 http://x/$1/$2; }
            location ~ ^/lost/(.*)$ { return 302 http://x/$1/$2/$tenant; }
            location /set/ { set $where $tenant; return 302 http://$where.example.com/; }
        }
        upstream eu { server 127.0.0.1:{port:a}; } upstream us { server 127.0.0.1:{port:b}; }",
        files: &[("acme/f", "file in {prefix}/acme")],
        requests: "
            GET acme.eu.test /to/x
            GET acme.us.test /to/x
            GET acme.eu.test /nr/
            GET acme.eu.test /lost/x
            GET acme.eu.test /set/
            GET acme.eu.test /f
            GET ACME.eu.test /f",
    },
    Configuration {
        name: "a map is looked up once",
        http: r"        map $uri $kind { /one first; /two second; default none; }
        server { listen 127.0.0.1:{port:front};
            location = /one { if ($kind = first) { rewrite ^ /two last; } return 201; }
            location = /two { if ($kind = first) { return 202; } if ($kind = second) { return 203; } return 204; }
            location = /three { rewrite ^ /two last; }
            location = /four { set $k $kind; try_files /nope /two; }
        }",
        files: &[],
        requests: "
            GET h /one
            GET h /two
            GET h /three
            GET h /four",
    },
    Configuration {
        name: "circles",
        http: r"        server { listen 127.0.0.1:{port:front};
            location /a/ { rewrite ^ /b/ last; }
            location /b/ { rewrite ^ /a/ last; }
            location /try/ { try_files /nope /try/x; }
            location /err/ { error_page 404 = /err/; recursive_error_pages on; return 404; }
            location /srv/ { rewrite ^ /srv/x; }
        }",
        files: &[],
        requests: "
            GET h /a/
            GET h /try/
            GET h /err/
            GET h /srv/",
    },
    Configuration {
        name: "nested locations are as internal as the one around them",
        http: r"        server { listen 127.0.0.1:{port:front};
            location /in/ { internal; location /in/deep/ { return 201; } location ~ \.x$ { return 202; } }
            location /go/ { error_page 404 = /in/deep/; return 404; }
        }",
        files: &[],
        requests: "
            GET h /in/
            GET h /in/deep/
            GET h /in/a.x
            GET h /go/",
    },
    Configuration {
        name: "a pool without a name",
        http: r"        map $arg_p $pool { a 127.0.0.1:{port:a}; }
        server { listen 127.0.0.1:{port:front};
            location / { proxy_pass http://$pool; }
            location /page/ { error_page 500 =418 @sorry; proxy_pass http://$pool; }
            location @sorry { return 418; }
        }",
        files: &[],
        requests: "
            GET h /?p=a
            GET h /
            GET h /page/",
    },
    Configuration {
        name: "a name with a dot behind a wildcard",
        http: r"        server { listen 127.0.0.1:{port:front}; return 201; }
        server { listen 127.0.0.1:{port:front}; server_name *.a.test .a.test; return 202; }
        server { listen 127.0.0.1:{port:front}; server_name a.test; return 203; }
        server { listen 127.0.0.1:{port:front}; server_name b.test; return 204; }
        server { listen 127.0.0.1:{port:front}; server_name .b.test; return 205; }",
        files: &[],
        requests: "
            GET a.test /
            GET x.a.test /
            GET b.test /
            GET x.b.test /",
    },
    Configuration {
        name: "a server's own rewrite that breaks",
        http: r"        server { listen 127.0.0.1:{port:front};
            rewrite ^/old/(.*)$ /new/$1 break;
            location /new/ { proxy_pass http://127.0.0.1:{port:a}/base/; }
            location /new/files/ { alias {prefix}/srv/; }
            location /new/again/ { rewrite ^ /new/x last; }
            location /broken/ { rewrite ^ /broken/x break; alias {prefix}/srv/; }
        }",
        files: &[("srv/f", "file in {prefix}/srv/")],
        requests: "
            GET h /new/a
            GET h /old/a
            GET h /new/files/f
            GET h /old/files/f
            PUT h /old/files/f
            GET h /old/again/a
            GET h /broken/a",
    },
    Configuration {
        name: "the redirect to a folder has the settings of its exact location",
        http: r"        server { listen 127.0.0.1:{port:front}; server_name own.test;
            location = /a/ { return 201; }
            location /a/ { server_name_in_redirect on; proxy_pass http://127.0.0.1:{port:a}; }
            location = /b/ { internal; return 202; }
            location /b/ { proxy_pass http://127.0.0.1:{port:a}; }
        }",
        files: &[],
        requests: "
            GET h /a
            GET h /b
            GET h /a/x",
    },
    Configuration {
        name: "index files of folders below",
        http: r"        server { listen 127.0.0.1:{port:front}; root {prefix}/www; index a.txt index.html;
            error_page 403 = @listing;
            location ^~ /b/a { return 207; }
            location @listing { return 208; }
        }",
        files: &[("www/b/a.txt", "no"), ("www/c/x", "no"), ("www/index.html", "file in {prefix}/www")],
        requests: "
            GET h /b/
            GET h /c/
            GET h /",
    },
    Configuration {
        name: "networks",
        http: r"        geo $arg_ip $net { default far; 10.0.0.0/8 near; 10.0.0.0/8 nearer; 10.1.0.0/16 own; delete 10.1.0.0/16; 0.0.0.0/0 all; }
        geo $arg_ip $range { ranges; 10.0.0.0-10.255.255.255 wide; 10.1.2.3-10.1.2.9 few; default none; }
        geo $arg_ip $bare { 255.0.0.0/8 high; }
        server { listen 127.0.0.1:{port:front}; return 302 http://o/$net/$range/$bare; }",
        files: &[],
        requests: "
            GET h /?ip=10.1.2.3
            GET h /?ip=10.9.9.9
            GET h /?ip=192.0.2.1
            GET h /?ip=::1
            GET h /?ip=no
            GET h /",
    },
    Configuration {
        name: "whose address is believed, and when",
        http: r"        set_real_ip_from 127.0.0.0/8; set_real_ip_from 10.0.0.0/8; real_ip_header X-Forwarded-For;
        limit_req_zone $remote_addr zone=one:1m rate=1000r/s;
        server { listen 127.0.0.1:{port:front}; real_ip_recursive on;
            location / { deny 192.0.2.0/24; limit_req zone=one burst=100; return 302 http://o/$remote_addr/$realip_remote_addr; }
            location /any/ { set_real_ip_from 203.0.113.1; return 302 http://o/$remote_addr; }
            location /last/ { real_ip_recursive off; return 302 http://o/$remote_addr; }
            if ($remote_addr = 192.0.2.9) { return 418; }
        }",
        files: &[],
        requests: "
            GET h /
            GET h / X-Forwarded-For: 192.0.2.1
            GET h / X-Forwarded-For: 192.0.2.9
            GET h / X-Forwarded-For: 192.0.2.1, 10.0.0.1
            GET h / X-Forwarded-For: 192.0.2.1, 203.0.113.7
            GET h / X-Forwarded-For: 198.51.100.1, no, 10.0.0.1
            GET h / X-Forwarded-For: no
            GET h /any/ X-Forwarded-For: 198.51.100.1, 10.0.0.1
            GET h /last/ X-Forwarded-For: 198.51.100.1, 10.0.0.1",
    },
    Configuration {
        name: "a server named by a pattern",
        http: r"        server { listen 127.0.0.1:{port:front}; server_name ~test$ b.example; server_name_in_redirect on;
            location /x { return 301 /r/$server_name; } }",
        files: &[],
        requests: "
            GET q.test /x
            GET b.example /x",
    },
];
