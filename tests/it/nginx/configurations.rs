//! Configurations in which nginx's choice is easy to get wrong, and requests that show it.
//!
//! `{port:front}` is where requests enter; `a`, `b` and `c` are backends that answer with their port and what they were asked for.

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

pub(super) const ALL: &[Configuration] = &[Configuration {
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
}];
