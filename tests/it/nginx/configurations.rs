//! Configurations in which nginx's choice is easy to get wrong, and requests that show it.
//!
//! `{port:front}` is where requests enter; `a`, `b` and `c` are those of [`crate::support::backends`].

/// One configuration.
pub(super) struct Configuration {
    pub(super) name: &'static str,
    /// The statements of `http`.
    pub(super) http: &'static str,
    /// Files beside it.
    pub(super) files: &'static [(&'static str, &'static str)],
    /// A request a line: method, host, target, perhaps a header.
    pub(super) requests: &'static str,
}

/// The same, read from a text.
pub(super) struct Page {
    pub(super) name: &'static str,
    pub(super) http: &'static str,
    pub(super) files: Vec<(&'static str, &'static str)>,
    pub(super) requests: &'static str,
}

impl From<&Configuration> for Page {
    fn from(one: &Configuration) -> Self {
        Self { name: one.name, http: one.http, files: one.files.to_vec(), requests: one.requests }
    }
}

pub(super) const ALL: &[Configuration] = &[
    Configuration {
        name: "location order",
        http: "server { listen 127.0.0.1:{port:front};
            location / { proxy_pass http://127.0.0.1:{port:a}; }
            location = /eq { return 201; }
            location /eq { return 202; }
            location /static/ { return 203; }
            location ^~ /static/raw/ { return 204; }
            location ~ \\.php$ { return 205; }
            location ~* \\.(png|JPG)$ { return 206; }
            location /nest/ { return 207;
                location /nest/in/ { return 208; location = /nest/in/eq { return 209; } }
                location ~ \\.txt$ { return 210; }
                location ^~ /nest/own/ { return 211; } }
            location ^~ /shut/ { return 212; location ~ \\.txt$ { return 213; } location /shut/in/ { return 214; } }
            location ~ ^/re/ { return 215; location ~ \\.inner$ { return 216; } location ~ in$ { return 217; } }
        }",
        files: &[],
        requests: "
            GET h /
            GET h /eq
            GET h /eq/
            GET h /eqq
            GET h //eq
            GET h /./eq
            GET h /x/../eq
            GET h /%65q
            GET h /eq?x=1
            GET h /static/a.css
            GET h /static/a.php
            GET h /static/raw/a.php
            GET h /static/raw
            GET h /a.php
            GET h /a.php?x
            GET h /a.PHP
            GET h /a.php%0a
            GET h /a.png
            GET h /a.PNG
            GET h /a.jpg
            GET h /nest/
            GET h /nest/x.txt
            GET h /nest/x.php
            GET h /nest/in/x
            GET h /nest/in/eq
            GET h /nest/in/x.php
            GET h /nest/in/x.txt
            GET h /nest/own/x.txt
            GET h /nest/own/x.php
            GET h /nest/own/x
            GET h /shut/x.php
            GET h /shut/x.txt
            GET h /shut/in/x.php
            GET h /shut/in/x.txt
            GET h /re/x
            GET h /re/x.inner
            GET h /re/in
            GET h /re/in.php
            GET h /re/in.inner
            GET h /..
            GET h /%00
            POST h /eq",
    },
    Configuration {
        name: "host order",
        http: r#"        server { listen 127.0.0.1:{port:front}; server_name first.example.com; return 201; }
        server { listen 127.0.0.1:{port:front}; server_name shop.example.com .dot.example.org; return 202; }
        server { listen 127.0.0.1:{port:front}; server_name *.example.com; return 203; }
        server { listen 127.0.0.1:{port:front}; server_name *.deep.example.com; return 204; }
        server { listen 127.0.0.1:{port:front}; server_name www.example.*; return 205; }
        server { listen 127.0.0.1:{port:front}; server_name ~^(?<sub>[a-z]+)\.re\.net$ ~Upper; return 302 http://x/$sub; }
        server { listen 127.0.0.1:{port:front}; server_name ~^[a-z]+\.re\.net$; return 207; }
        server { listen 127.0.0.1:{port:front} default_server; server_name "" _; return 208; }
        server { listen 127.0.0.1:{port:front}; server_name shop.example.com 10.0.0.1; return 209; }"#,
        files: &[],
        requests: "
            GET first.example.com /
            GET FIRST.example.com /
            GET first.example.com. /
            GET shop.example.com /
            GET a.example.com /
            GET a.b.example.com /
            GET example.com /
            GET a.deep.example.com /
            GET deep.example.com /
            GET www.example.com /
            GET www.example.net /
            GET www.example.co.uk /
            GET dot.example.org /
            GET a.dot.example.org /
            GET adot.example.org /
            GET abc.re.net /
            GET ABC.re.net /
            GET abc1.re.net /
            GET someupper.thing /
            GET unknown /
            GET 10.0.0.1 /
            GET _ /
            GET first.example.com:8080 /",
    },
    Configuration {
        name: "automatic redirects to a folder",
        http: r"        server { listen 127.0.0.1:{port:front};
            location /dir/ { proxy_pass http://127.0.0.1:{port:a}; }
            location ~ ^/dir$ { return 201; }
            location /two/ { proxy_pass http://127.0.0.1:{port:a}; }
            location = /two { return 202; }
            location /three/ { proxy_pass http://127.0.0.1:{port:a}; }
            location /three { return 203; }
            location /four/ { return 204; }
            location ^~ /five/ { proxy_pass http://127.0.0.1:{port:b}; }
            location = /six/ { proxy_pass http://127.0.0.1:{port:b}; }
            location /out { return 205; location /out/in/ { proxy_pass http://127.0.0.1:{port:c}; } }
            location /seven/ { internal; proxy_pass http://127.0.0.1:{port:c}; }
        }",
        files: &[],
        requests: "
            GET h /dir
            GET h /dir?a=b
            GET h /dir/
            GET h /dir/x
            GET h /two
            GET h /three
            GET h /three/
            GET h /four
            GET h /five
            GET h /six
            GET h /six/
            GET h /six/x
            GET h /out
            GET h /out/in
            GET h /out/in/
            GET h /seven
            GET h /seven/",
    },
    Configuration {
        name: "proxy_pass with and without a URI",
        http: r"        upstream pool { server 127.0.0.1:{port:c}; }
        server { listen 127.0.0.1:{port:front};
            location /plain/ { proxy_pass http://127.0.0.1:{port:a}; }
            location /slash/ { proxy_pass http://127.0.0.1:{port:a}/; }
            location /tail { proxy_pass http://127.0.0.1:{port:a}/; }
            location /swap/ { proxy_pass http://127.0.0.1:{port:a}/new/path/; }
            location /swapq/ { proxy_pass http://127.0.0.1:{port:a}/new?x=1; }
            location = /exact { proxy_pass http://127.0.0.1:{port:a}/other; }
            location ~ ^/re/(.*)$ { proxy_pass http://127.0.0.1:{port:b}; }
            location ~ ^/rev/(.*)$ { proxy_pass http://127.0.0.1:{port:b}/got/$1; }
            location /brk/ { rewrite ^/brk/(.*)$ /broken/$1 break; proxy_pass http://127.0.0.1:{port:b}/ignored/; }
            location /brk2/ { rewrite ^/brk2/(.*)$ /broken/$1?y=2 break; proxy_pass http://127.0.0.1:{port:b}; }
            location /nobrk/ { set $x 1; proxy_pass http://127.0.0.1:{port:b}/z/; }
            location /var/ { set $up 127.0.0.1:{port:b}; proxy_pass http://$up; }
            location /varuri/ { set $up 127.0.0.1:{port:b}; proxy_pass http://$up/fixed; }
            location /varreq/ { proxy_pass http://pool$request_uri; }
            location /varu/ { proxy_pass http://pool$uri$is_args$args; }
            location /pool/ { proxy_pass http://POOL/p/; }
            location /poolvar/ { set $name pool; proxy_pass http://$name; }
            location /proto/ { set $p http; set $app 127.0.0.1; set $port {port:c}; proxy_pass $p://$app:$port; }
            location /scheme/ { set $app 127.0.0.1; proxy_pass $scheme://$app:{port:c}/s; }
            location /url/ { set $target http://127.0.0.1:{port:b}; proxy_pass $target; }
            location /urlx/ { set $target http://127.0.0.1:{port:b}; proxy_pass $target/x; }
        }",
        files: &[],
        requests: "
            GET h /plain/x?q=1
            GET h /plain//x
            GET h /plain/%20/x
            GET h /plain/a/../b
            GET h /slash/x?q=1
            GET h /slash/
            GET h /slash/a%20b
            GET h /slash//x
            GET h /tail/abc
            GET h /tail
            GET h /tailabc
            GET h /swap/x
            GET h /swap/x?q
            GET h /swapq/x
            GET h /swapq/x?q=2
            GET h /exact
            GET h /exact?q
            GET h /re/x%20y?q
            GET h /rev/x?q
            GET h /brk/x?q
            GET h /brk2/x
            GET h /brk2/x?q
            GET h /nobrk/x
            GET h /var/x?q
            GET h /var/a%20b
            GET h /varuri/x?q
            GET h /varreq/x?q
            GET h /varu/x?q
            GET h /varu/x
            GET h /pool/x
            GET h /poolvar/x?q
            GET h /proto/x?q
            GET h /scheme/x
            GET h /url/x?q
            GET h /urlx/y?q",
    },
    Configuration {
        name: "rewrites of a server",
        http: r#"        server { listen 127.0.0.1:{port:front};
            set $env base;
            if ($host = old.example.com) { return 301 https://new.example.com$request_uri; }
            if ($request_method = DELETE) { return 405; }
            if ($http_x_flag) { set $env flag; }
            if ($args ~ ^go=(\w+)) { return 302 /went/$1; }
            if ($http_user_agent ~* "bad bot") { return 403; }
            rewrite ^/old/(.*)$ /new/$1 last;
            rewrite ^/abs/(.*)$ http://other.example.com/$1;
            rewrite ^/perm/(.*)$ /moved/$1 permanent;
            rewrite ^/temp/(.*)$ /moved/$1? redirect;
            rewrite ^/tempq/(.*)$ /moved/$1?a=b redirect;
            rewrite ^/chain/(.*)$ /chain2/$1;
            rewrite ^/chain2/(.*)$ /new/chained/$1;
            rewrite ^/q1/(.*)$ /new/q?n=$1 last;
            rewrite ^/q2/(.*)$ /new/q?n=$1? last;
            rewrite ^/q3/(.*)$ /new/q? last;
            rewrite ^/stop/(.*)$ /new/$1 break;
            rewrite ^/new/x$ /never last;
            location / { return 200 "$env"; }
            location /new/ { proxy_pass http://127.0.0.1:{port:a}; }
            location /never { return 204; }
            location /env/ { if ($env = flag) { return 203; } return 202; }
        }"#,
        files: &[],
        requests: "
            GET old.example.com /x?y
            DELETE h /
            GET h /env/
            GET h /env/ X-Flag: 1
            GET h /env/ X-Flag: 0
            GET h /?go=there
            GET h /?go=
            GET h / User-Agent: a Bad Bot 1
            GET h / User-Agent: good
            GET h /old/x
            GET h /old/x?q=1
            GET h /old/a%20b
            GET h /abs/x?q=1
            GET h /abs/x
            GET h /perm/x?q=1
            GET h /temp/x?q=1
            GET h /tempq/x?q=1
            GET h /tempq/x
            GET h /chain/x
            GET h /q1/x?o=1
            GET h /q1/x
            GET h /q2/x?o=1
            GET h /q3/x?o=1
            GET h /stop/x
            GET h /new/x
            GET h /new/y",
    },
    Configuration {
        name: "rewrites of locations",
        http: r#"        server { listen 127.0.0.1:{port:front};
            location / { proxy_pass http://127.0.0.1:{port:a}; }
            location /loop/ { rewrite ^ /loop/x last; }
            location /ten/ { rewrite "^/ten/x{9}$" /done last; rewrite ^/ten/(x*)$ /ten/x$1 last; }
            location /eleven/ { rewrite "^/eleven/x{10}$" /done last; rewrite ^/eleven/(x*)$ /eleven/x$1 last; }
            location /last/ { rewrite ^/last/(.*)$ /b/$1 last; return 201; }
            location /none/ { rewrite ^/none/(.*)$ /b/$1; return 202; }
            location /none2/ { rewrite ^/none2/(.*)$ /b/$1; }
            location /none3/ { rewrite ^/none3/(.*)$ /b/$1; break; proxy_pass http://127.0.0.1:{port:c}; }
            location /break/ { rewrite ^/break/(.*)$ /b/$1 break; proxy_pass http://127.0.0.1:{port:c}; }
            location /b/ { proxy_pass http://127.0.0.1:{port:b}; }
            location /done { return 203; }
            location /in/ { internal; return 204; }
            location /toin/ { rewrite ^ /in/ last; }
            location /cond/ {
                if ($arg_v = 1) { rewrite ^ /b/one last; }
                if ($arg_v = 2) { rewrite ^ /b/two break; }
                if ($arg_v = 3) { return 205; }
                if ($arg_v = 4) { break; return 206; }
                if ($arg_v = 5) { set $five 1; }
                if ($five) { return 207; }
                if ($arg_v != 6) { return 208; }
                proxy_pass http://127.0.0.1:{port:c};
            }
        }"#,
        files: &[],
        requests: "
            GET h /loop/
            GET h /ten/
            GET h /eleven/
            GET h /last/x
            GET h /none/x
            GET h /none2/x?q
            GET h /none3/x?q
            GET h /break/x?q
            GET h /in/
            GET h /toin/
            GET h /cond/
            GET h /cond/?v=1
            GET h /cond/?v=2
            GET h /cond/?v=3
            GET h /cond/?v=4
            GET h /cond/?v=5
            GET h /cond/?v=6",
    },
    Configuration {
        name: "if blocks with settings",
        http: r"        server { listen 127.0.0.1:{port:front};
            root {prefix}/www;
            location / {
                if ($arg_a) { proxy_pass http://127.0.0.1:{port:b}; }
                if ($arg_b) { proxy_pass http://127.0.0.1:{port:c}; }
                if ($arg_c) { set $c 1; }
                if ($arg_d) { return 201; }
                proxy_pass http://127.0.0.1:{port:a};
            }
            location /files/ { if ($arg_a) { proxy_pass http://127.0.0.1:{port:b}; } }
            location /uri/ { if ($arg_a) { set $x 1; } proxy_pass http://127.0.0.1:{port:a}/other/; }
            location /try/ { if ($arg_a) { set $x 1; } try_files /nope @named; }
            location @named { proxy_pass http://127.0.0.1:{port:c}; }
            location /methods/ { limit_except GET { deny all; } proxy_pass http://127.0.0.1:{port:a}; }
            location /methods2/ { limit_except GET POST { deny all; } return 202; }
            location /methods3/ { limit_except GET { proxy_pass http://127.0.0.1:{port:b}; } proxy_pass http://127.0.0.1:{port:a}; }
        }",
        files: &[("www/files/x", "file in {prefix}/www"), ("www/try/x", "file in {prefix}/www")],
        requests: "
            GET h /
            GET h /?a=1
            GET h /?b=1
            GET h /?a=1&b=1
            GET h /?a=1&c=1
            GET h /?b=1&c=1
            GET h /?c=1
            GET h /?d=1&a=1
            GET h /files/x
            GET h /files/x?a=1
            GET h /uri/x
            GET h /uri/x?a=1
            GET h /try/x
            GET h /try/x?a=1
            GET h /methods/x
            HEAD h /methods/x
            POST h /methods/x
            POST h /methods2/x
            PUT h /methods2/x
            GET h /methods2/x
            GET h /methods3/x
            POST h /methods3/x",
    },
    Configuration {
        name: "files, try_files and index",
        http: r"        server { listen 127.0.0.1:{port:front};
            root {prefix}/www; index index.html;
            location / { try_files $uri $uri/ /front.php?path=$uri&$args; }
            location = /front.php { proxy_pass http://127.0.0.1:{port:a}; }
            location ~ \.php$ { try_files $uri =404; proxy_pass http://127.0.0.1:{port:b}; }
            location /only/ { try_files $uri $uri/ =404; }
            location /code/ { try_files $uri =503; }
            location /named/ { try_files $uri @app; }
            location @app { proxy_pass http://127.0.0.1:{port:c}; }
            location /alias/ { alias {prefix}/other/; }
            location /idx/ { index index.php index.html; }
            location /idxfile/ { index nothere.html /front.php; }
            location /missing/ { error_page 404 = @app; }
            location /page/ { error_page 404 /404.html; }
            location /fallback/ { try_files $uri /named/x?z=1; }
            location /proxyfound/ { try_files /www $uri/ @app; proxy_pass http://127.0.0.1:{port:b}; }
            location /plain/ { }
        }",
        files: &[
            ("www/a.txt", "file in {prefix}/www"),
            ("www/index.html", "file in {prefix}/www"),
            ("www/x.php", "no"),
            ("www/only/x", "file in {prefix}/www"),
            ("www/named/x", "file in {prefix}/www"),
            ("other/x", "file in {prefix}/other/"),
            ("www/idx/index.php", "no"),
            ("www/plain/index.html", "file in {prefix}/www"),
        ],
        requests: "
            GET h /
            GET h /a.txt
            GET h /nope?q=1
            GET h /x.php
            GET h /only/x
            GET h /only/nope
            GET h /code/nope
            GET h /named/x
            GET h /named/nope?q
            GET h /alias/x
            GET h /alias/nope
            GET h /idx/
            GET h /idx/x
            GET h /idxfile/
            GET h /missing/x
            GET h /missing/x?q
            GET h /page/x
            GET h /fallback/nope
            GET h /proxyfound/x
            GET h /plain/",
    },
    Configuration {
        name: "error pages",
        http: r#"        error_page 502 504 /50x.html;
        server { listen 127.0.0.1:{port:front};
            root {prefix}/www;
            error_page 403 /403.html;
            error_page 404 = @lost;
            location @lost { proxy_pass http://127.0.0.1:{port:a}; }
            location = /403.html { internal; }
            location /denied/ { deny all; proxy_pass http://127.0.0.1:{port:b}; }
            location /gone/ { return 404; }
            location /gonetext/ { return 404 "no"; }
            location /teapot/ { error_page 418 = @brew; return 418; }
            location /teapotkeep/ { error_page 418 @brew; return 418; }
            location @brew { return 200 "tea"; }
            location /to200/ { error_page 405 =200 /ok; return 405; }
            location /ok { return 201; }
            location /toself/ { error_page 500 /toself/; return 500; }
            location /recursive/ { error_page 500 /recursive2/; recursive_error_pages on; return 500; }
            location /recursive2/ { error_page 501 =202 /ok; recursive_error_pages on; return 501; }
            location /once/ { error_page 500 /once2/; return 500; }
            location /once2/ { error_page 501 =202 /ok; return 501; }
            location /away/ { error_page 401 https://login.example.com/; return 401; }
            location /away303/ { error_page 401 =303 https://login.example.com/; return 401; }
            location /here/ { error_page 401 =302 /login?back=$request_uri; return 401; }
            location /login { proxy_pass http://127.0.0.1:{port:c}; }
            location /methods/ { error_page 405 = /seen; return 405; }
            location /seen { if ($request_method = GET) { return 203; } return 204; }
            location /close/ { return 444; }
            location /status/ { return 503; }
            location /nowhere/ { return 301; }
            location /url/ { return https://x.example.com/$uri; }
            location /rel/ { return 308 /other?x=$args; }
            location /text/ { return 203 text; }
            location /redirkeep/ { error_page 404 @redir; return 404; }
            location @redir { return 302 /r; }
        }"#,
        files: &[("www/403.html", "file in {prefix}/www")],
        requests: "
            GET h /denied/
            GET h /403.html
            GET h /gone/x?q
            GET h /gonetext/
            GET h /teapot/
            GET h /teapotkeep/
            GET h /to200/
            POST h /to200/
            GET h /toself/
            GET h /recursive/
            GET h /once/
            GET h /away/
            GET h /away303/
            GET h /here/
            POST h /methods/
            GET h /close/
            GET h /status/
            GET h /nowhere/
            GET h /url/x
            GET h /rel/x?y
            GET h /text/
            GET h /redirkeep/",
    },
    Configuration {
        name: "access",
        http: r"        server { listen 127.0.0.1:{port:front};
            allow 10.0.0.0/8; deny 127.0.0.0/8;
            location / { proxy_pass http://127.0.0.1:{port:a}; }
            location /open/ { allow all; proxy_pass http://127.0.0.1:{port:a}; }
            location /some/ { allow 127.0.0.1; deny all; proxy_pass http://127.0.0.1:{port:b}; location /some/in/ { proxy_pass http://127.0.0.1:{port:c}; } location /some/none/ { deny all; proxy_pass http://127.0.0.1:{port:c}; } }
            location /auth/ { allow all; auth_basic x; auth_basic_user_file {prefix}/users; proxy_pass http://127.0.0.1:{port:a}; }
            location /authoff/ { allow all; auth_basic off; proxy_pass http://127.0.0.1:{port:a}; }
            location /any/ { satisfy any; allow 127.0.0.1; deny all; auth_basic x; auth_basic_user_file {prefix}/users; proxy_pass http://127.0.0.1:{port:a}; }
            location /anyno/ { satisfy any; deny all; auth_basic x; auth_basic_user_file {prefix}/users; proxy_pass http://127.0.0.1:{port:a}; }
            location /ret/ { deny all; return 201; }
            location /v6/ { allow ::1; deny all; proxy_pass http://127.0.0.1:{port:a}; }
        }",
        files: &[("users", "")],
        requests: "
            GET h /
            GET h /open/
            GET h /some/
            GET h /some/in/
            GET h /some/none/
            GET h /auth/
            GET h /authoff/
            GET h /any/
            GET h /anyno/
            GET h /ret/
            GET h /v6/",
    },
    Configuration {
        name: "maps",
        http: r#"        map $host $backend { hostnames; default 127.0.0.1:{port:a}; shop.example.com 127.0.0.1:{port:b}; *.example.com 127.0.0.1:{port:c}; .dot.org 127.0.0.1:{port:b}; www.* 127.0.0.1:{port:c}; }
        map $uri $moved { /old /new; ~^/cat/(?<item>\d+)$ /item/$item; ~*^/UP/ /up; "" /empty; }
        map $http_x_version$arg_v $version { default ""; V1 one; ~^v[2-9] many; \~x tilde; }
        map $http_upgrade $url { default http://127.0.0.1:{port:a}; websocket http://127.0.0.1:{port:b}/ws; }
        map $version $chained { default none; one first; }
        geo $where { default far; 127.0.0.0/8 near; 127.0.0.1 here; 10.0.0.0/8 lan; }
        server { listen 127.0.0.1:{port:front};
            if ($moved) { return 301 $moved; }
            location / { proxy_pass http://$backend; }
            location /v/ { if ($version = one) { return 201; } if ($version = many) { return 202; } if ($version = tilde) { return 203; } if ($version = "") { return 204; } }
            location /url/ { proxy_pass $url; }
            location /chain/ { if ($chained = first) { return 205; } return 206; }
            location /geo/ { if ($where = here) { return 207; } return 208; }
            location /case/ { if ($Chained = first) { return 209; } return 210; }
            location /https/ { if ($https) { return 211; } return 212; }
        }"#,
        files: &[],
        requests: "
            GET shop.example.com /
            GET SHOP.example.com /
            GET a.example.com /
            GET example.com /
            GET dot.org /
            GET x.dot.org /
            GET www.test /
            GET other /
            GET h /old
            GET h /OLD
            GET h /cat/12
            GET h /up/x
            GET h /v/ X-Version: v1
            GET h /v/ X-Version: V1
            GET h /v/ X-Version: v2
            GET h /v/ X-Version: v0
            GET h /v/?v=1 X-Version: v
            GET h /v/ X-Version: ~x
            GET h /v/
            GET h /url/x?q
            GET h /url/x?q Upgrade: websocket
            GET h /chain/ X-Version: v1
            GET h /chain/
            GET h /geo/
            GET h /case/ X-Version: v1
            GET h /https/",
    },
    Configuration {
        name: "variables",
        http: r"        server { listen 127.0.0.1:{port:front}; server_name .vars.example.com second;
            location /host/ { return 302 http://$host/; }
            location /http_host/ { return 302 http://$http_host/; }
            location /name/ { return 302 http://$server_name/; }
            location /uri/ { return 302 http://x$uri; }
            location /request_uri/ { return 302 http://x$request_uri; }
            location /args/ { return 302 http://x/$arg_a/$is_args$args; }
            location /port/ { return 302 http://x:$server_port/; }
            location /braces/ { return 302 http://x/${host}y; }
            location /cookie/ { return 302 http://x/$cookie_sid/; }
            location /method/ { return 302 http://x/$request_method; }
            location /remote/ { return 302 http://x/$remote_addr; }
            location /proto/ { return 302 $scheme://x/$server_protocol; }
            location ~ ^/cap/(\w+)/(?<rest>.*)$ { set $one $1; if ($arg_q ~ (z+)) { return 302 http://x/$one/$1/$rest; } return 302 http://x/$1/$rest; }
            location /unset/ { if ($never) { return 201; } set $never 1; return 302 http://x/$never; }
            location /root/ { return 302 http://x$document_root/; root /srv/www; }
            location /file/ { return 302 http://x$request_filename; root /srv/www/; }
        }",
        files: &[],
        requests: "
            GET a.vars.example.com /host/
            GET A.vars.example.com:77 /host/
            GET A.vars.example.com:77 /http_host/
            GET a.vars.example.com /name/
            GET h /uri/a%20b/..//c?q
            GET h /request_uri/a%20b/..//c?q
            GET h /args/?a=1&b=2
            GET h /args/
            GET h /port/
            GET h /braces/
            GET h /cookie/ Cookie: a=b; sid=12
            POST h /method/
            GET h /remote/
            GET h /proto/
            GET h /cap/one/two/three
            GET h /cap/one/two/three?q=azzb
            GET h /unset/
            GET h /root/
            GET h /file/x",
    },
    Configuration {
        name: "pools and dead members",
        http: r"        upstream live { server 127.0.0.1:{port:a}; server 127.0.0.1:{port:b} backup; server 127.0.0.1:{port:c} down; }
        upstream onlybackup { server 127.0.0.1:{port:c} down; server 127.0.0.1:{port:b} backup; }
        server { listen 127.0.0.1:{port:front};
            location / { proxy_pass http://live; }
            location /backup/ { proxy_pass http://onlybackup; }
            location /grpc { return 201; }
            location /stub { stub_status; }
            location /gif { empty_gif; }
        }",
        files: &[],
        requests: "
            GET h /
            GET h /stub
            GET h /gif",
    },
    Configuration {
        name: "internal redirects run the server's instructions again",
        http: r"        server { listen 127.0.0.1:{port:front};
            root {prefix}/www;
            set $n 1;
            if ($uri = /again) { return 201; }
            if ($arg_z) { return 202; }
            location / { rewrite ^/r$ /again last; proxy_pass http://127.0.0.1:{port:a}; }
            location /try/ { try_files /nope /again; }
            location /tryq/ { try_files /nope /x?z=1; }
            location /err/ { error_page 404 = /again; return 404; }
            location /priv/ { internal; proxy_pass http://127.0.0.1:{port:b}; }
            location /topriv/ { try_files /nope /priv/x; }
            location /errpriv/ { error_page 404 = /priv/y; return 404; }
            location /named/ { try_files /nope @n; }
            location @n { rewrite ^/named/(.*)$ /priv/$1 last; }
            location /namedbreak/ { try_files /nope @nb; }
            location @nb { rewrite ^/namedbreak/(.*)$ /zz/$1 break; proxy_pass http://127.0.0.1:{port:c}; }
        }",
        files: &[],
        requests: "
            GET h /again
            GET h /r
            GET h /try/x
            GET h /tryq/x
            GET h /err/x
            GET h /priv/x
            GET h /topriv/x?q
            GET h /errpriv/x
            GET h /named/x?q
            GET h /namedbreak/x?q",
    },
];
