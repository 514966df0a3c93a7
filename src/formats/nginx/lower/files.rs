//! Files: `root`, `alias`, `index`, and what an error page makes of those that are not there.
//!
//! nginx: `ngx_http_static_handler`, `ngx_http_index_handler`, `ngx_http_autoindex_handler`.

use super::super::Directive;
use super::Lowering;
use super::answer::error_page;
use super::route::{Server, block};
use super::scope::{LocationKind, Scope, location_kind};
use super::search::{leads_away, page_leads_away};
use crate::model::{Action, Condition, Field, Label, Matcher, Next, Opaque, Outcome, Part, QueryEdit, Route, Step, Table, TableKind, Value};
use crate::span::Span;
use std::rc::Rc;
use std::sync::Arc;

impl Lowering<'_> {
    /// Files below the root, with what can lead away from them: `index`, and an `error_page` for files that are not there.
    pub(super) fn lower_files(&mut self, server: &Server<'_>, scope: &Scope<'_>, label: &Label) -> Step {
        let root = self.root(scope);
        let line = scope.nearest(&["root", "alias"]).last().map_or_else(|| label.clone(), |directive| directive.label());
        let files = Step::end(Outcome::Files { root, label: line });
        let mut step = files.clone();
        if let Some(page) = error_page(scope, 404)
            && page_leads_away(&mut self.regexes, server, page)
        {
            let missing = self.refuse(server, scope, 404, &page.label());
            let input = self.file_name(scope);
            // A folder without its slash is redirected to.
            let exists = Condition::Opaque(Opaque { text: Arc::from(Opaque::FILE_OR_DIRECTORY), input });
            step = self.guarded(&page.label(), exists, step, missing);
        }
        let step = self.lower_listing(server, scope, step);
        let step = self.lower_index(server, scope, step, label);
        self.lower_methods(server, scope, (step, files))
    }

    /// Files are got, nothing else: every other method is refused with 405 before anybody looks for the file, and so is a POST of one that is there; told
    /// where an `error_page` leads away from files. nginx: `ngx_http_static_handler`, `ngx_http_index_handler`.
    fn lower_methods(&mut self, server: &Server<'_>, scope: &Scope<'_>, (step, files): (Step, Step)) -> Step {
        let writes = scope.text("dav_methods").is_some_and(|method| method != "off");
        let leads_away = |lowering: &mut Self, page: &&Directive| !writes && page_leads_away(&mut lowering.regexes, server, page);
        let page = error_page(scope, 405).filter(|page| leads_away(self, page));
        if page.is_none() && step == files {
            return step;
        }
        let label = match (page, &files.next) {
            (Some(page), _) => page.label(),
            (None, Next::End(outcome)) => match &**outcome {
                Outcome::Files { label, .. } => label.clone(),
                _ => return step,
            },
            _ => return step,
        };
        let method = |name| Condition::test(Value::field(Field::Method), Matcher::Equals { text: Value::literal(name), caseless: false });
        let served = Condition::Any(["GET", "HEAD", "POST"].map(method).to_vec());
        if page.is_none() {
            return self.guarded(&label, served, step, files);
        }
        let refused = self.refuse(server, scope, 405, &label);
        let slash = Condition::test(Value::field(Field::Path), Matcher::Suffix { text: Arc::from("/"), caseless: false });
        let exists = Condition::Opaque(Opaque { text: Arc::from(Opaque::FILE), input: self.file_name(scope) });
        let posted = Condition::All(vec![method("POST"), slash.negated(), exists]);
        self.guarded(&label, Condition::Any(vec![served.negated(), posted]), refused, step)
    }

    /// A folder without an index file is refused; told where an `error_page` for 403 leads away from files. nginx: `ngx_http_autoindex_handler`, `ngx_http_index_handler`.
    fn lower_listing(&mut self, server: &Server<'_>, scope: &Scope<'_>, files: Step) -> Step {
        let Some(page) = error_page(scope, 403).filter(|_| !scope.is_on("autoindex")) else { return files };
        if !page_leads_away(&mut self.regexes, server, page) {
            return files;
        }
        let refused = self.refuse(server, scope, 403, &page.label());
        let folder = self.file_name(scope);
        let names = index_names(scope);
        // Such a name is gone to whether it is there or not.
        if names.iter().any(|name| name.starts_with('/')) {
            return files;
        }
        let mut all = vec![
            Condition::test(Value::field(Field::Path), Matcher::Suffix { text: Arc::from("/"), caseless: false }),
            Condition::Opaque(Opaque { text: Arc::from(Opaque::DIRECTORY), input: folder }),
        ];
        for name in names {
            let input = self.index_file(scope, name, &page.head);
            all.push(Condition::Opaque(Opaque { text: Arc::from(Opaque::FILE), input }).negated());
        }
        self.guarded(&page.label(), Condition::All(all), refused, files)
    }

    /// `index`: a path that ends in `/` starts again with the first index file that exists, or with the first name that begins with `/`, which nobody looks
    /// for: only for the folder, where it is not the first name. Told only where that leads to something else than files.
    ///
    /// nginx: `ngx_http_index_handler`.
    fn lower_index(&mut self, server: &Server<'_>, scope: &Scope<'_>, files: Step, label: &Label) -> Step {
        let directive = scope.get("index");
        let names = index_names(scope);
        let folder = match scope.location() {
            Some((LocationKind::Prefix | LocationKind::PrefixOnly, path)) => format!("{}/", path.trim_end_matches('/')),
            _ => "/".to_owned(),
        };
        let line = directive.map_or_else(|| label.clone(), Directive::label);
        let slash = Condition::test(Value::field(Field::Path), Matcher::Suffix { text: Arc::from("/"), caseless: false });
        let mut routes = Vec::new();
        for (at, name) in names.iter().enumerate() {
            if !names.get(at..).unwrap_or_default().iter().any(|name| self.index_leads_away(server, &folder, name)) {
                break;
            }
            let whole = name.starts_with('/');
            let mut parts = if whole { Vec::new() } else { vec![Part::Field(Field::Path)] };
            parts.extend(self.value(name, scope, &line.span).parts);
            let mut actions = vec![Action::Rewrite { path: Some(Value { parts }), query: QueryEdit::Keep, label: Some(line.clone()) }];
            actions.extend(self.mark_internal());
            let step = Step { actions, next: Next::Restart(server.entry) };
            if whole {
                // Once another name was looked for, the folder was too.
                let folder = (at > 0).then(|| Condition::Opaque(Opaque { text: Arc::from(Opaque::DIRECTORY), input: self.file_name(scope) }));
                let when = Condition::All(std::iter::once(slash).chain(folder).collect());
                routes.push(Route { when, step, label: None });
                break;
            }
            let input = self.index_file(scope, name, &line.span);
            let exists = Condition::Opaque(Opaque { text: Arc::from(Opaque::FILE), input });
            routes.push(Route { when: Condition::All(vec![slash.clone(), exists]), step, label: None });
        }
        if routes.is_empty() {
            return files;
        }
        Step::table(self.add(Table { kind: TableKind::Instruction, label: line, routes, otherwise: files, otherwise_label: None }))
    }

    /// Returns the file that the index `name` is in the folder that a request of `scope` asks for.
    fn index_file(&mut self, scope: &Scope<'_>, name: &str, span: &Span) -> Value {
        let mut input = self.file_name(scope);
        input.parts.extend(self.value(name, scope, span).parts);
        input
    }

    /// Returns whether the index file `name` of `folder`, or of a folder below it, is the business of a location that does more than serve files.
    fn index_leads_away(&mut self, server: &Server<'_>, folder: &str, name: &str) -> bool {
        if leads_away(&mut self.regexes, server, &join_path(folder, name)) {
            return true;
        }
        let below = server.index_folders(name);
        below.iter().filter(|below| below.starts_with(folder)).any(|below| leads_away(&mut self.regexes, server, &join_path(below, name)))
    }
}

impl Server<'_> {
    /// Returns the folders in which a location of the server begins like the file `name`.
    fn index_folders(&self, name: &str) -> Rc<[String]> {
        if let Some(known) = self.index_folders.borrow().get(name) {
            return Rc::clone(known);
        }
        let mut found = Vec::new();
        gather_folders(self.block, name, &mut found);
        let found: Rc<[String]> = Rc::from(found);
        self.index_folders.borrow_mut().insert(name.to_owned(), Rc::clone(&found));
        found
    }
}

/// The names of `index`, `index.html` where none are said.
fn index_names<'a>(scope: &Scope<'a>) -> Vec<&'a str> {
    scope.get("index").map_or_else(|| vec!["index.html"], |line| line.args.iter().map(|word| &*word.text).collect())
}

fn gather_folders(level: &[Directive], name: &str, found: &mut Vec<String>) {
    for location in level.iter().filter(|directive| directive.name() == "location") {
        let text = match location_kind(location) {
            Some((LocationKind::Exact | LocationKind::Prefix | LocationKind::PrefixOnly, text)) => Some(text),
            // What an anchored regex begins with as a text.
            Some((LocationKind::Regex | LocationKind::RegexCaseless, pattern)) => {
                pattern.strip_prefix('^').map(|text| text.split(|c: char| r"\.[]{}()*+?|^$".contains(c)).next().unwrap_or_default())
            }
            Some((LocationKind::Named, _)) | None => None,
        };
        if let Some((folder, _)) = text.and_then(|text| text.rsplit_once('/')).filter(|(_, last)| name.starts_with(last)) {
            found.push([folder, "/"].concat());
        }
        gather_folders(block(location), name, found);
    }
}

fn join_path(folder: &str, name: &str) -> String {
    if name.starts_with('/') { name.to_owned() } else { format!("{folder}{name}") }
}
