//! The diff, with annotations on their lines, and a list of those whose lines the diff does not show.

use super::super::diff::{ChangedFile, DiffLine, changed_files};
use super::view::Page;
use maud::{Markup, html};
use serde_json::Value;

/// Lines shown around an annotation outside the diff.
const CONTEXT: u64 = 2;

/// An annotation of a check run.
#[derive(Debug)]
struct Note<'a> {
    path: &'a str,
    start: u64,
    end: u64,
    level: &'a str,
    title: Option<&'a str>,
    message: &'a str,
    check: &'a str,
}

fn notes<'a>(page: &'a Page<'_>) -> Vec<Note<'a>> {
    let text = |value: &'a Value, key: &str| value.get(key).and_then(Value::as_str);
    let number = |value: &Value, key: &str| value.get(key).and_then(Value::as_u64).unwrap_or_default();
    let mut notes = Vec::new();
    for run in page.runs() {
        notes.extend(run.annotations.iter().map(|value| Note {
            path: text(value, "path").unwrap_or_default(),
            start: number(value, "start_line"),
            end: number(value, "end_line"),
            level: text(value, "annotation_level").unwrap_or("notice"),
            title: text(value, "title"),
            message: text(value, "message").unwrap_or_default(),
            check: &run.name,
        }));
    }
    notes
}

/// Everything about files.
pub(super) fn changes(page: &Page<'_>) -> Markup {
    let merge_base = page.state.objects.merge_base(page.pull.base, page.pull.head).unwrap_or(page.pull.base);
    let files = changed_files(&page.state.objects, merge_base, page.pull.head);
    let notes = notes(page);
    let in_diff = |note: &&Note<'_>| files.iter().any(|file| file.path == note.path && file.has_line("RIGHT", note.end));
    let elsewhere: Vec<&Note<'_>> = notes.iter().filter(|note| !in_diff(note)).collect();
    html! {
        h2 { "Files changed " span.count { (files.len()) } }
        @if files.is_empty() { p.quiet { "This pull request changes nothing now." } }
        @for file in &files { (changed(file, &notes)) }
        @if !elsewhere.is_empty() {
            h2 { "Also annotated " span.count { (elsewhere.len()) } }
            p.quiet { "Lines that decide, outside the diff." }
            @for note in elsewhere { (outside(page, note)) }
        }
    }
}

fn changed(file: &ChangedFile, notes: &[Note<'_>]) -> Markup {
    let own: Vec<&Note<'_>> = notes.iter().filter(|note| note.path == file.path).collect();
    html! {
        section.file data-path=(file.path) {
            div.name {
                code { @if let Some(was) = &file.was { (was) " → " } (file.path) }
                span.sum { span.plus { "+" (file.additions) } " " span.minus { "−" (file.deletions) } }
            }
            @match &file.hunks {
                None => p.quiet { "A binary file." },
                Some(hunks) => table.diff {
                    @for hunk in hunks {
                        tr.hunk { td colspan="2" {} td { (hunk.header) } }
                        @for line in &hunk.lines { (diff_line(line, &own)) }
                    }
                },
            }
        }
    }
}

fn diff_line(line: &DiffLine, notes: &[&Note<'_>]) -> Markup {
    let kind = match line.sign {
        '+' => "added",
        '-' => "removed",
        _ => "same",
    };
    let here = notes.iter().filter(|note| line.new == Some(note.end));
    html! {
        tr.(kind) { td.line { @if let Some(old) = line.old { (old) } } td.line { @if let Some(new) = line.new { (new) } } td.code { (line.sign) (line.text) } }
        @for note in here { tr.note { td colspan="3" { (shown(note)) } } }
    }
}

fn shown(note: &Note<'_>) -> Markup {
    html! {
        div.annotation.(note.level) data-annotation={ (note.path) ":" (note.start) } {
            div.title {
                span.sign.(note.level) aria-hidden="true" {}
                strong { (note.title.unwrap_or(note.level)) }
                span.from { (note.check) " · line " (note.start) @if note.end != note.start { "–" (note.end) } }
            }
            div.message { (note.message) }
        }
    }
}

/// An annotation with the lines around it, from head.
fn outside(page: &Page<'_>, note: &Note<'_>) -> Markup {
    let files = page.state.objects.files(page.pull.head);
    let bytes = files.get(note.path).and_then(|entry| page.state.objects.blob(entry.id)).unwrap_or_default();
    let text = String::from_utf8_lossy(bytes);
    let near = |number: u64| number + CONTEXT >= note.start && number <= note.end + CONTEXT;
    let lines: Vec<(u64, &str)> = (1_u64..).zip(text.lines()).filter(|(number, _)| near(*number)).collect();
    html! {
        section.file data-path=(note.path) {
            div.name { code { (note.path) } span.sum { "not in the diff" } }
            table.diff {
                @for (number, line) in lines {
                    tr.same { td.line { (number) } td.line {} td.code { " " (line) } }
                    @if number == note.end { tr.note { td colspan="3" { (shown(note)) } } }
                }
                @if text.is_empty() { tr.note { td colspan="3" { (shown(note)) } } }
            }
        }
    }
}
