//! One slip in a file: one problem, on the line where it was made, and the rest is read.

use super::said;
use insta::assert_snapshot;

/// Returns what is said of a main file with `http` as the content of its `http` block, which begins on line 3.
fn in_http(http: &str) -> String {
    said(&[("nginx.conf", &format!("events {{}}\nhttp {{\n{http}\n}}\n"))])
}

#[test]
fn a_missing_semicolon_before_a_brace_is_blamed_on_its_line() {
    assert_snapshot!(in_http("  server {\n    location / {\n      proxy_pass http://web_pool\n    }\n    listen 80;\n  }"), @r"
    error: `proxy_pass` has no `;`
      --> nginx.conf:5:7
      and nginx.conf:6:5 `proxy_pass` runs on into this `}`
    help: end line 5 with `;`; nginx refuses the whole configuration until then
    read: nginx.conf: events {  }; http { server { location / { proxy_pass http://web_pool }; listen 80 } }
    ");
}

#[test]
fn a_missing_semicolon_before_another_directive_is_blamed_on_its_line() {
    assert_snapshot!(in_http("  server {\n    listen 80;\n    location / {\n      proxy_pass http://web_pool\n      proxy_set_header Host $host;\n    }\n  }"), @r"
    error: `proxy_pass` has no `;`
      --> nginx.conf:6:7
      and nginx.conf:7:7 `proxy_pass` runs on into this line
    help: end line 6 with `;`; nginx refuses the whole configuration until then
    read: nginx.conf: events {  }; http { server { listen 80; location / { proxy_pass http://web_pool; proxy_set_header Host $host } } }
    ");
}

#[test]
fn a_missing_semicolon_before_a_block_is_blamed_on_its_line() {
    assert_snapshot!(in_http("  server {\n    root /srv\n    location / {\n      return 204;\n    }\n  }"), @r"
    error: `root` has no `;`
      --> nginx.conf:4:5
      and nginx.conf:5:5 `root` runs on into this line
    help: end line 4 with `;`; nginx refuses the whole configuration until then
    read: nginx.conf: events {  }; http { server { root /srv; location / { return 204 } } }
    ");
}

#[test]
fn two_missing_semicolons_are_two_problems() {
    assert_snapshot!(in_http("  server {\n    root /srv\n    index a.html\n    location / {\n      return 204\n    }\n  }"), @r"
    error: `root` has no `;`
      --> nginx.conf:4:5
      and nginx.conf:5:5 `root` runs on into this line
    help: end line 4 with `;`; nginx refuses the whole configuration until then
    error: `index` has no `;`
      --> nginx.conf:5:5
      and nginx.conf:6:5 `index` runs on into this line
    help: end line 5 with `;`; nginx refuses the whole configuration until then
    error: `return` has no `;`
      --> nginx.conf:7:7
      and nginx.conf:8:5 `return` runs on into this `}`
    help: end line 7 with `;`; nginx refuses the whole configuration until then
    read: nginx.conf: events {  }; http { server { root /srv; index a.html; location / { return 204 } } }
    ");
}

#[test]
fn a_list_over_several_lines_is_no_slip() {
    assert_snapshot!(in_http("  log_format main '$remote_addr'\n    '$status';\n  server {\n    server_name a.example.com\n      b.example.com;\n  }"), @"read: nginx.conf: events {  }; http { log_format main $remote_addr $status; server { server_name a.example.com b.example.com } }");
}

#[test]
fn a_missing_brace_is_blamed_on_the_block_that_stays_open() {
    assert_snapshot!(in_http("  server {\n    location / {\n      return 204;\n  }\n  server {\n    listen 81;\n  }"), @r"
    error: the block of `location` opened here is never closed
      --> nginx.conf:4:5
      and nginx.conf:6:3 by its indentation the block should end before this
    help: close the block of line 4 with `}` before line 6
    read: nginx.conf: events {  }; http { server { location / { return 204 } }; server { listen 81 } }
    ");
}

#[test]
fn a_block_that_swallows_its_sibling_is_the_open_one() {
    assert_snapshot!(in_http("  server {\n    listen 80;\n\n  server {\n    listen 81;\n  }"), @r"
    error: the block of `server` opened here is never closed
      --> nginx.conf:3:3
      and nginx.conf:6:3 by its indentation the block should end before this
    help: close the block of line 3 with `}` before line 6
    read: nginx.conf: events {  }; http { server { listen 80 }; server { listen 81 } }
    ");
}

#[test]
fn a_truncated_file_names_the_innermost_open_block() {
    assert_snapshot!(said(&[("nginx.conf", "events {}\nhttp {\n  server {\n    listen 80;\n    location / {\n      proxy_pass http://we")]), @r"
    error: the block of `location` opened here is never closed
      --> nginx.conf:5:5
      and nginx.conf:6:7 the file ends in this statement
      and nginx.conf:3:3 also open at the end of the file
      and nginx.conf:2:1 also open at the end of the file
    help: close the block of line 5 with `}` before the end of the file
    read: nginx.conf: events {  }; http { server { listen 80; location / { proxy_pass http://we } } }
    ");
}

#[test]
fn a_brace_too_many_is_found_by_its_indentation() {
    assert_snapshot!(in_http("  server {\n    location /a {\n      return 204;\n    }\n    }\n    location /b {\n      return 205;\n    }\n  }"), @r"
    error: this `}` is one too many
      --> nginx.conf:7:5
      and nginx.conf:3:3 nginx closes this block there
    help: remove it; by its indentation it closes no block of its own
    read: nginx.conf: events {  }; http { server { location /a { return 204 }; location /b { return 205 } } }
    ");
}

#[test]
fn a_brace_too_many_at_the_end_closes_nothing() {
    assert_snapshot!(in_http("}\n"), @r"
    error: this `}` closes nothing: no block is open here
      --> nginx.conf:5:1
    help: remove it, or look above for a block that is closed too early
    read: nginx.conf: events {  }; http {  }
    ");
}

#[test]
fn a_missing_opening_brace_is_seen_when_the_block_begins_all_the_same() {
    assert_snapshot!(in_http("  server {\n    location /a\n      return 204;\n    }\n    listen 80;\n  }"), @r"
    error: `location` has no `{`
      --> nginx.conf:4:5
      and nginx.conf:5:7 `location` runs on into this line
    help: end line 4 with `{`; nginx refuses the whole configuration until then
    read: nginx.conf: events {  }; http { server { location /a { return 204 }; listen 80 } }
    ");
}

#[test]
fn an_open_quote_is_blamed_on_the_line_where_it_opens() {
    assert_snapshot!(in_http("  server {\n    add_header X-A \"a;\n    add_header X-B \"b\";\n    location / {\n      return 204;\n    }\n  }"), @r#"
    error: the quote `"` that opens here is not closed
      --> nginx.conf:4:20
    help: close it on line 4, or escape it as `\"` if it is meant
    read: nginx.conf: events {  }; http { server { add_header X-A a; add_header X-B b; location / { return 204 } } }
    "#);
    assert_snapshot!(in_http("  server {\n    return 200 'it is;\n  }"), @r"
    error: the quote `'` that opens here is not closed
      --> nginx.conf:4:16
    help: close it on line 4, or escape it as `\'` if it is meant
    read: nginx.conf: events {  }; http { server { return 200 it is } }
    ");
}

#[test]
fn what_follows_a_quote_must_be_apart() {
    assert_snapshot!(in_http("  server {\n    return 200 \"a\"b;\n  }"), @r"
    error: a quoted word must be followed by a blank, `;`, `{` or `)`
      --> nginx.conf:4:16
    help: put a blank between the two, or one pair of quotes around both; nginx takes a quote for one only at the start of a word
    read: nginx.conf: events {  }; http { server { return 200 a b } }
    ");
}

#[test]
fn stray_terminators_are_named() {
    assert_snapshot!(in_http("  server {\n    listen 80;;\n  };\n  {\n    server { listen 81; }\n  }"), @r"
    error: `;` with no directive before it
      --> nginx.conf:4:15
    help: remove it; nginx refuses an empty statement
    error: `;` with no directive before it
      --> nginx.conf:5:4
    help: remove it; nginx refuses an empty statement
    error: `{` with no directive before it
      --> nginx.conf:6:3
    read: nginx.conf: events {  }; http { server { listen 80 }; server { listen 81 } }
    ");
}

#[test]
fn a_name_that_is_nearly_right_is_an_error_and_a_strange_one_is_not_understood() {
    assert_snapshot!(in_http("  server {\n    lsiten 80;\n    location / {\n      proxy_psas http://a;\n      my_module on;\n      my_module off;\n    }\n  }"), @r"
    error: there is no directive `lsiten`
      --> nginx.conf:4:5
    help: did you mean `listen`? nginx refuses a name it does not know
    error: there is no directive `proxy_psas`
      --> nginx.conf:6:7
    help: did you mean `proxy_pass`? nginx refuses a name it does not know
    unknown: nginx.conf:7:7 unknown directive `my_module`
    read: nginx.conf: events {  }; http { server { lsiten 80; location / { proxy_psas http://a; my_module on; my_module off } } }
    ");
}

#[test]
fn a_directive_in_the_wrong_place_or_of_the_wrong_form_is_an_error() {
    let http = "  listen 80;\n  server {\n    location / {\n      map $a $b { default 1; }\n      gzip yes;\n      root /a /b;\n      return;\n      location /x;\n    }\n    listen 80 { }\n  }";
    assert_snapshot!(in_http(http), @r"
    error: `listen` may not stand in `http`
      --> nginx.conf:3:3
    help: `listen` may stand in `server`, `server` of `stream` or `server` of `mail`
    error: `map` may not stand in `location`
      --> nginx.conf:6:7
    help: `map` may stand in `http` or `stream`
    error: `gzip` is `on` or `off`, and this is `yes`
      --> nginx.conf:7:7
    help: write `on` or `off`; nginx refuses the whole configuration until then
    error: `root` takes one argument, and this has 2
      --> nginx.conf:8:7
    help: a `;` may be missing, or quotes around a text with blanks; nginx refuses the whole configuration until then
    error: `return` takes 1 or 2 arguments, and this has none
      --> nginx.conf:9:7
    help: add what is missing; nginx refuses the whole configuration until then
    error: `location` needs a block and has none
      --> nginx.conf:10:7
    help: give it a `{ … }`; nginx refuses it with `;`
    error: `listen` takes no block
      --> nginx.conf:12:5
    help: end it with `;`; nginx refuses it with `{`
    read: nginx.conf: events {  }; http { listen 80; server { location / { map $a $b { default 1 }; gzip yes; root /a /b; return; location /x }; listen 80 {  } } }
    ");
}

#[test]
fn lua_keeps_its_braces_and_quotes_to_itself() {
    let http = "  server {\n    location / {\n      content_by_lua_block {\n        local t = { \"}\", '{' } -- it's {\n        ngx.say([[ } ]])\n      }\n    }\n    listen 80;\n  }";
    assert_snapshot!(in_http(http), @"read: nginx.conf: events {  }; http { server { location / { content_by_lua_block {  } }; listen 80 } }");
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_no_words() {
    assert_snapshot!(said(&[("nginx.conf", "\u{feff}events {}\r\nhttp {\r\n  server {\r\n    listen 80\r\n  }\r\n}\r\n")]), @r"
    error: `listen` has no `;`
      --> nginx.conf:4:5
      and nginx.conf:5:3 `listen` runs on into this `}`
    help: end line 4 with `;`; nginx refuses the whole configuration until then
    read: nginx.conf: events {  }; http { server { listen 80 } }
    ");
}
