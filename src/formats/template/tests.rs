//! Readings of whole templates, and templates that are damaged or hostile.

use super::*;
use crate::formats::source::shown;
use crate::model::Inventory;
use crate::snapshot::memory;

fn template(path: &str, text: &str) -> Template {
    let path = TreePath::new(path).unwrap();
    let text: Arc<str> = Arc::from(text);
    let snapshot = memory([("x", "")]);
    let inventory = Inventory::default();
    let language = language_of(&path, &text, Reader::Nginx, &[]).unwrap_or(Language::Jinja);
    Template::read(&path, &text, language, &Variables::new(&snapshot, &inventory))
}

/// Returns the readings, each on a line, and what is wrong.
fn readings(path: &str, text: &str) -> String {
    let template = template(path, text);
    let choices = std::iter::once(Choice::first()).chain(template.further());
    let words = |choice: &Choice| choice.name().map_or_else(|| "first".to_owned(), |name| name.to_string());
    let line = |choice: Choice| {
        let text = template.reading(&choice).text;
        format!("{}: {}", words(&choice), shown(&text).split_whitespace().collect::<Vec<_>>().join(" "))
    };
    let mut lines: Vec<String> = choices.map(line).collect();
    lines.extend(template.problems().iter().map(|problem| format!("{}..{} {}", problem.span.start, problem.span.end, problem.message)));
    lines.join("\n")
}

#[test]
fn every_branch_is_in_some_reading() {
    insta::assert_snapshot!(readings("a.j2", "{% if a %}A{% elif b %}B{% elif c == 'x' %}C{% else %}D{% endif %} {% if not a %}N{% endif %}"), @r"
    first: A
    no condition holds: D N
    only b holds: B N
    only c == 'x' holds: C N
    ");
}

#[test]
fn the_same_condition_has_the_same_answer_in_every_form() {
    insta::assert_snapshot!(readings("a.erb", "<% if @a %>A<% end %><% unless @a %>B<% else %>C<% end %><% if !@a && @b %>D<% end %>"), @r"
    first: AC
    no condition holds: B
    only @b holds: BD
    ");
}

#[test]
fn one_value_at_a_time() {
    insta::assert_snapshot!(readings("a.tmpl", "{{ if eq .env \"prod\" }}P{{ end }}{{ if eq .env \"dev\" }}D{{ end }}{{ .x }}"), @r"
    first: P{{ .x }}
    no condition holds: {{ .x }}
    only .env == 'dev' holds: D{{ .x }}
    ");
}

#[test]
fn a_list_that_may_be_empty_is_a_condition() {
    insta::assert_snapshot!(readings("a.j2", "{% for a in all %}{{ a }}{% if not loop.last %},{% endif %}{% else %}none{% endfor %}"), @r"
    first: {{ all.each }}
    no condition holds: none
    ");
}

/// Returns the first reading of the template at `path`, which lies in a tree with `others`.
fn first_of(path: &str, text: &str, others: &[(&str, &str)]) -> String {
    let snapshot = memory(others.iter().copied());
    let inventory = Inventory::default();
    let (path, text): (TreePath, Arc<str>) = (TreePath::new(path).unwrap(), Arc::from(text));
    let language = language_of(&path, &text, Reader::Haproxy, &[]).unwrap_or(Language::Jinja);
    let template = Template::read(&path, &text, language, &Variables::new(&snapshot, &inventory));
    assert_eq!(template.problems(), Vec::new());
    shown(&template.reading(&Choice::first()).text).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_macro_is_put_in_where_it_is_used() {
    let text = "{% macro server(name, port=80) %}server {{ name }}:{{ port }}{% endmacro %}{{ server('a') }} {{ server(b.c, port=8080) }}";
    assert_eq!(first_of("x.j2", text, &[]), "server a:80 server {{ b.c }}:8080");
    let macros =
        [("t/m.j2", "{% set kind = 'web' %}{% macro one(x) %}<{{ x }}>{% endmacro %}{% macro two(x) %}{{ one(x) }}{{ one(1) }}{% endmacro %}")];
    assert_eq!(first_of("t/x.j2", "{% import 'm.j2' as m %}{{ m.two('a') }} {{ m.kind }} {{ m.none }}", &macros), "<a><1> web {{ m.none }}");
    assert_eq!(first_of("t/x.j2", "{% from 'm.j2' import two as pair %}{{ pair('a') | indent(4) }}", &macros), "<a><1>");
}

#[test]
fn a_template_in_a_template_stands_in_its_place() {
    let parts = [
        ("t/a.j2", "a{% include 'b.j2' %}"),
        ("t/b.j2", "b {{ x }}"),
        ("modules/web/templates/p.erb", "p <%= @x %>"),
        ("c/_h.tpl", "{{ define \"h\" }}h{{ .y }}{{ end }}"),
    ];
    assert_eq!(first_of("t/x.j2", "1 {% include 'a.j2' %} 2 {% include 'none.j2' ignore missing %}", &parts), "1 ab {{ x }} 2");
    assert_eq!(first_of("m/x.erb", "1 <%= scope.function_template(['web/p.erb']) %> 2", &parts), "1 p <%= @x %> 2");
    assert_eq!(first_of("c/x.tpl", "1 {{ template \"h\" . }} {{ include \"h\" . | nindent 4 }}", &parts), "1 h{{ .y }} h{{ .y }}");
    // One that stands in itself comes to an end.
    assert_eq!(first_of("t/y.j2", "1 {% include 'z.j2' %}", &[("t/z.j2", "z {% include 'z.j2' %}")]), "1 z {% include 'z.j2' %}");
}

#[test]
fn a_name_that_is_written_otherwise_is_the_same() {
    let text = |name: &str| format!("{{% for {name} in hosts %}}server {{{{ {name}.ip }}}} {{{{ {name}.port | default(80) }}}};{{% endfor %}}");
    assert_eq!(first_of("x.j2", &text("a"), &[]), "server {{ hosts.each.ip }} {{ hosts.each.port | default(80) }};");
    assert_eq!(first_of("x.j2", &text("a"), &[]), first_of("x.j2", &text("host"), &[]));
    let text = |name: &str| format!("<% @hosts.each do |{name}| %>server <%= {name}[:ip] %>;<% end %>");
    assert_eq!(first_of("x.erb", &text("a"), &[]), first_of("x.erb", &text("host"), &[]));
}

#[test]
fn what_a_template_makes_may_be_a_template() {
    let text = "{{ '{{' }}range service \"{{ name }}\"{{ '}}' }}\n{% raw %}server {{.Address}}:80{% endraw %}{{ '{{end}}' }}";
    assert_eq!(first_of("x.j2", text, &[]), "server {{.Address}}:80");
}

#[test]
fn ansible_prints_no_line_end_behind_a_statement() {
    let text = "a{% if x %} b{% endif %}\nc\n";
    let role = [("roles/r/tasks/main.yml", "")];
    assert_eq!(first_of("roles/r/templates/x.j2", text, &role), "a bc");
    assert_eq!(first_of("salt/x.j2", text, &[]), "a b c");
}

#[test]
fn a_constant_that_is_a_slip_is_told() {
    let branch = |name: &str| format!("{{% if env == '{name}' %}}a{{% endif %}}");
    let text = ["production", "production", "prodution", "staging", "staging1", "staging2"].map(branch).concat();
    let found: Vec<String> = template("x.j2", &text).problems().into_iter().map(|problem| problem.message).collect();
    assert_eq!(found, ["`prodution` is asked for here alone; everywhere else it is `production`"]);
}

#[test]
fn blanks_are_cut_only_where_words_touch() {
    let template = template("a.j2", "a {%- if x %}b{% endif -%} c;\n  {%- if y %}\n  d;\n  {%- endif %}\n");
    assert_eq!(&*template.reading(&Choice::first()).text, "abc;\n  \n  d;\n  \n");
}

/// Every place of a reading is inside the file.
fn holds(path: &str, text: &str) {
    let template = template(path, text);
    for choice in std::iter::once(Choice::first()).chain(template.further()) {
        let source = template.reading(&choice);
        for at in 0..=source.text.len() {
            let span = source.span(at..source.text.len().min(at + 1).max(at));
            assert!(span.start <= span.end && span.end <= text.len() + 1, "{text}: {at} is {span:?}");
        }
    }
    for problem in template.problems() {
        assert!(text.get(problem.span.start..problem.span.end).is_some(), "{text}: {problem:?}");
    }
}

#[test]
fn a_damaged_template_is_read_all_the_same() {
    let seeds = [
        ("a.j2", "{% if a == 'ä' -%} {{ b | default(\"x\") }}{% elif not b %}{% for k, v in d.items() %}{{ k }}{% endfor %}{# c #}{% endif %}"),
        ("a.erb", "<%- if @a -%>\n<%= @b.join('ü') %><% @c.each do |d| -%><%= d %><% end %><% else %><% end -%>"),
        ("a.tmpl", "{{- range $i, $e := .A }}{{ if (eq $e \"ö\") }}{{ $e }}{{ else }}{{ end }}{{ end -}}{{/* c */}}"),
        ("a.epp", "<%- | $a | -%><% if $a { %>x<% } else { %><% $b.each |$c| { -%><%= $c %><% } %><% } %>"),
        ("a.template", "listen ${PORT:-80} $HOST @A@ %%B%% ß;"),
    ];
    for (path, text) in seeds {
        holds(path, text);
        for (at, c) in text.char_indices() {
            let (before, after) = (text.get(..at).unwrap(), text.get(at + c.len_utf8()..).unwrap());
            holds(path, &format!("{before}{after}"));
            for extra in ["%}", "'", "{{"] {
                holds(path, &format!("{before}{extra}{c}{after}"));
            }
        }
    }
}

#[test]
fn a_template_cannot_take_long() {
    let rounds = "{% for a in range %}".repeat(1000);
    let texts = [
        "{{ '".repeat(20_000),
        "{% if x %}".repeat(10_000),
        format!("{}{}", "{% if x %}".repeat(5_000), "{% endif %}".repeat(5_000)),
        format!("{rounds}x{}", "{% endfor %}".repeat(1000)),
        "{% set a = 1 %}{{ a }}".repeat(5_000),
        "<% if a %><%".repeat(10_000),
        "{{/*".repeat(20_000),
    ];
    for text in &texts {
        let template = template(
            if text.starts_with('<') {
                "a.erb"
            } else if text.starts_with("{{/") {
                "a.tmpl"
            } else {
                "a.j2"
            },
            text,
        );
        for choice in std::iter::once(Choice::first()).chain(template.further()) {
            assert!(template.reading(&choice).text.len() < 8 << 20);
        }
    }
}

#[test]
fn loops_over_known_lists_inside_each_other_are_cut_off() {
    let list = (0..1000).map(|n| format!("  - {n}\n")).collect::<Vec<_>>().concat();
    let all = format!("all:\n{list}");
    let snapshot = memory([("group_vars/all.yml", all.as_str())]);
    let inventory = Inventory::default();
    let text: Arc<str> = Arc::from("{% for a in all %}{% for b in all %}{% for c in all %}server {{ a }};{% endfor %}{% endfor %}{% endfor %}");
    let template = Template::read(&TreePath::new("a.j2").unwrap(), &text, Language::Jinja, &Variables::new(&snapshot, &inventory));
    let made = template.reading(&Choice::first()).text;
    assert!(made.starts_with("server 0;") && made.len() < 8 << 20);
}

/// Returns the first reading of a template of a role in a tree with `others`.
fn in_role(others: &[(&str, &str)]) -> String {
    first_of("roles/lb/templates/x.conf.j2", "a {{ host }} b {{ port }}", others)
}

#[test]
fn values_come_in_the_order_of_the_tool_that_keeps_them() {
    let layers = [
        ("roles/lb/defaults/main.yml", "host: default\nport: 1"),
        ("group_vars/all/main.yml", "host: all"),
        ("site.yml", "- hosts: x\n  vars: { host: play }\n  vars_files: [v.yml]\n  roles: [lb]"),
        ("v.yml", "host: file"),
        ("roles/lb/vars/main.yml", "host: role"),
        ("roles/lb/vars/more.yml", "host: more"),
        ("roles/lb/tasks/main.yml", "- include_vars: more.yml"),
        ("other.yml", "- hosts: y\n  roles: [other]"),
    ];
    for (count, expected) in [(1, "default"), (2, "all"), (4, "file"), (5, "role"), (7, "more"), (8, "more")] {
        assert_eq!(in_role(&layers[..count]), format!("a {expected} b 1"), "{count}");
    }
    let given = "- hosts: x\n  roles: [{ role: lb, host: given }]";
    let with = |play: &'static str| layers.iter().map(|(path, text)| (*path, if *path == "site.yml" { play } else { *text })).collect::<Vec<_>>();
    assert_eq!(in_role(&with(given)), "a given b 1");
    let asked = "- hosts: x\n  vars_prompt: [{ name: port }]\n  roles: [lb]";
    assert_eq!(in_role(&with(asked)), "a more b {{ port }}");
    // Another play leaves what stands below.
    let two = "- hosts: x\n  roles: [{ role: lb, port: 2 }]\n- hosts: y\n  roles: [lb]";
    assert_eq!(in_role(&with(two)), "a more b {{ port }}");
}

#[test]
fn values_that_depend_on_what_a_machine_finds_are_holes() {
    let fact = ("roles/lb/tasks/main.yml", "- block:\n    - set_fact: { host: x }\n    - shell: y\n      register: port");
    let main = ("roles/lb/vars/main.yml", "host: role\nport: 1");
    assert_eq!(in_role(&[main, fact]), "a {{ host }} b {{ port }}");
    let some = ("roles/lb/tasks/main.yml", "- include_vars: '{{ os }}.yml'\n- include_vars: none.yml");
    let (debian, other) = (("roles/lb/vars/debian.yml", "host: role\nport: 2"), ("roles/lb/vars/redhat.yml", "host: role"));
    assert_eq!(in_role(&[main, some, debian, other]), "a role b {{ port }}");
}

#[test]
fn hostile_files_of_values_say_nothing_and_end() {
    let bomb: String = (1..40).fold("a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned(), |text, n| {
        text + &format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 9].join(", "))
    });
    let long = format!("port: 1\nhost: \"{}\"\n", "x".repeat(10 << 20));
    let deep = format!("host: {}{}\n", "[".repeat(100_000), "]".repeat(100_000));
    let itself = "host: '{{ port }}'\nport: '{{ host }}{{ host }}'\n";
    for text in [
        &*bomb,
        &*long,
        &*deep,
        itself,
        "host: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  36\nport: !vault x\n",
        "$ANSIBLE_VAULT;1.1;AES256\n36\n",
        "a: [",
        "\0",
    ] {
        assert_eq!(in_role(&[("group_vars/all.yml", text)]), "a {{ host }} b {{ port }}", "{:?}", text.lines().next());
        let play = format!("- hosts: x\n  roles: [lb]\n  vars:\n    {}", text.replace('\n', "\n    "));
        let found = in_role(&[("site.yml", &play)]);
        assert!(found.starts_with("a ") && found.len() < 2 << 20, "{}", found.len());
        let chart = [("c/Chart.yaml", ""), ("c/values.yaml", text)];
        assert!(first_of("c/templates/x.tmpl", "{{ .Values.host }}", &chart).len() < 2 << 20);
        let compose = [("docker-compose.yml", "services: { a: { env_file: .env } }"), (".env", text)];
        assert_eq!(first_of("x.conf.template", "a ${HOST}", &compose), "a ${HOST}");
    }
}
