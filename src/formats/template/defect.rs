//! What is wrong with a template although every tag is in order.

use super::expr::Expr;
use super::scan::meant_of;
use super::tree::{Arm, Defect, Define, Loop, Node};
use std::collections::BTreeMap;
use std::ops::Range;

/// Returns the branches that can never be taken and the names that are misspelt; `text` is the template's.
pub(super) fn find(text: &str, nodes: &[Node], is_known: impl Fn(&str) -> bool) -> Vec<Defect> {
    let mut found = Vec::new();
    dead(text, nodes, &mut found);
    constants(text, nodes, &mut found);
    let mut uses = BTreeMap::new();
    count(nodes, &mut uses);
    misspelt(nodes, &mut Vec::new(), &|name| uses.get(name) == Some(&1) && !is_known(name), &mut found);
    found
}

/// A loop over a list that may have any number of elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::formats) struct Round {
    /// From the end of its first tag to the beginning of its last.
    pub(in crate::formats) inside: Range<usize>,
    /// What inside it stands under a further condition.
    pub(in crate::formats) conditional: Vec<Range<usize>>,
    /// The names that differ from round to round.
    names: Vec<String>,
}

impl Round {
    /// Returns whether `words`, those of an expression, differ from round to round.
    pub(in crate::formats) fn changes(&self, words: &str) -> bool {
        let used = words.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '@' | '$')));
        let mut used = used.filter(|word| !word.is_empty());
        used.clone().any(|word| matches!(word, "loop" | "index" | "i" | "each"))
            || used.any(|word| self.names.iter().any(|name| name == word))
            || words.contains("{{ .")
    }

    /// Returns whether it is a loop of Go's, in which `.` is the element.
    pub(in crate::formats) fn names_dot(&self) -> bool {
        self.names.iter().any(|name| name == ".")
    }
}

/// Adds the loops among `nodes`, the outer ones first.
pub(super) fn rounds(nodes: &[Node], found: &mut Vec<Round>) {
    for node in nodes {
        match node {
            Node::Loop(one) => {
                let mut names = one.names.clone();
                let mut conditional = Vec::new();
                inside(&one.body, &mut names, &mut conditional);
                found.push(Round { inside: one.inside.clone(), conditional, names });
                rounds(&one.body, found);
            }
            Node::Choice(arms) => arms.iter().for_each(|arm| rounds(&arm.body, found)),
            Node::Group(inner) | Node::Define(Define { body: inner, .. }) => rounds(inner, found),
            Node::Text(_) | Node::Print(_) | Node::Set(..) | Node::Include(_) => {}
        }
    }
}

/// Gathers the names that get a value in a loop's body, and the places under a condition.
fn inside(nodes: &[Node], names: &mut Vec<String>, conditional: &mut Vec<Range<usize>>) {
    for node in nodes {
        match node {
            Node::Set(name, _) => names.push(name.clone()),
            Node::Group(inner) => inside(inner, names, conditional),
            Node::Loop(one) => {
                names.extend(one.names.iter().cloned());
                inside(&one.body, names, conditional);
            }
            Node::Choice(arms) => {
                for arm in arms {
                    inside(&arm.body, names, conditional);
                    let texts = arm.body.iter().filter_map(place);
                    if let Some(all) = texts.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end)) {
                        conditional.push(all);
                    }
                }
            }
            Node::Text(_) | Node::Print(_) | Node::Define(_) | Node::Include(_) => {}
        }
    }
}

fn place(node: &Node) -> Option<Range<usize>> {
    match node {
        Node::Text(range) => Some(range.clone()),
        Node::Print(print) => Some(print.range.clone()),
        Node::Loop(one) => Some(one.tag.start..one.inside.end),
        Node::Choice(arms) => arms.iter().map(|arm| arm.tag.clone()).reduce(|a, b| a.start..b.end),
        Node::Include(include) => Some(include.range.clone()),
        Node::Set(..) | Node::Group(_) | Node::Define(_) => None,
    }
}

/// How often a constant must be asked for, so that one which is nearly the same is a slip.
const USUAL: usize = 2;

/// Finds conditions that compare with a constant of which another one is nearly the same and asked for more often: such a branch is hardly ever taken.
fn constants(text: &str, nodes: &[Node], found: &mut Vec<Defect>) {
    let mut asked: BTreeMap<String, BTreeMap<String, Vec<Range<usize>>>> = BTreeMap::new();
    compared(nodes, &mut |subject, constant, tag| {
        asked.entry(subject).or_default().entry(constant).or_default().push(tag.clone());
    });
    for constants in asked.values() {
        for (constant, tags) in constants.iter().filter(|(constant, tags)| tags.len() == 1 && constant.len() > 4) {
            let near = |other: &&String| constants.get(*other).is_some_and(|tags| tags.len() >= USUAL) && is_slip(constant, other);
            let (Some(meant), [tag]) = (constants.keys().find(near), tags.as_slice()) else { continue };
            if text.get(tag.clone()).is_some() {
                let message = format!("`{constant}` is asked for here alone; everywhere else it is `{meant}`");
                found.push(Defect::doubtful(tag.clone(), message, &format!("did you mean `{meant}`? otherwise this branch is never taken")));
            }
        }
    }
}

/// Returns whether one letter is missing, too many or another; digits at the end tell things apart on purpose.
fn is_slip(a: &str, b: &str) -> bool {
    let known = [b.to_owned()];
    let bare = |text: &str| text.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
    meant_of(a, &known).is_some() && bare(a) != bare(b)
}

/// Calls `with` for each text that a condition compares something with, and the tag it stands in.
fn compared(nodes: &[Node], with: &mut impl FnMut(String, String, &Range<usize>)) {
    fn parts(condition: &Expr, tag: &Range<usize>, with: &mut impl FnMut(String, String, &Range<usize>)) {
        match condition {
            Expr::Not(inner) => parts(inner, tag, with),
            Expr::And(a, b) | Expr::Or(a, b) => {
                parts(a, tag, with);
                parts(b, tag, with);
            }
            Expr::Equal(subject, constant) => {
                if let Expr::Text(text) = &**constant {
                    with(subject.to_string(), text.clone(), tag);
                }
            }
            _ => {}
        }
    }
    for node in nodes {
        match node {
            Node::Choice(arms) => {
                for arm in arms {
                    arm.when.iter().for_each(|when| parts(when, &arm.tag, with));
                    compared(&arm.body, with);
                }
            }
            Node::Loop(one) => {
                compared(&one.body, with);
                compared(&one.otherwise, with);
            }
            Node::Group(inner) | Node::Define(Define { body: inner, .. }) => compared(inner, with),
            Node::Text(_) | Node::Print(_) | Node::Set(..) | Node::Include(_) => {}
        }
    }
}

fn dead(text: &str, nodes: &[Node], found: &mut Vec<Defect>) {
    for node in nodes {
        match node {
            Node::Choice(arms) => {
                for (at, arm) in arms.iter().enumerate() {
                    found.extend(never_taken(text, arm, arms.get(..at).unwrap_or_default()));
                    dead(text, &arm.body, found);
                }
            }
            Node::Loop(one) => {
                dead(text, &one.body, found);
                dead(text, &one.otherwise, found);
            }
            Node::Group(inner) | Node::Define(Define { body: inner, .. }) => dead(text, inner, found),
            Node::Text(_) | Node::Print(_) | Node::Set(..) | Node::Include(_) => {}
        }
    }
}

fn never_taken(text: &str, arm: &Arm, before: &[Arm]) -> Option<Defect> {
    let is_blank = |node: &Node| matches!(node, Node::Text(range) if text.get(range.clone()).is_some_and(|text| text.trim().is_empty()));
    let when = arm.when.as_ref().filter(|_| !arm.body.iter().all(is_blank))?;
    if matches!(when, Expr::Bool(false) | Expr::Number(0) | Expr::None) {
        let help = "take it out, or give it the condition that is meant";
        return Some(Defect::doubtful(arm.tag.clone(), "this branch is never taken: its condition never holds".to_owned(), help));
    }
    let same = before.iter().find(|other| other.when.as_ref() == Some(when))?;
    let message = "this branch is never taken: a branch before it asks the same".to_owned();
    let mut defect = Defect::doubtful(arm.tag.clone(), message, "give it the condition that is meant");
    defect.related.push((same.tag.clone(), "asked here first".to_owned()));
    Some(defect)
}

/// Counts how often each name is used, in lists and conditions too.
fn count(nodes: &[Node], uses: &mut BTreeMap<String, usize>) {
    let mut add = |expr: &Expr| names(expr, &mut |name| *uses.entry(name.to_owned()).or_default() += 1);
    for node in nodes {
        match node {
            Node::Print(print) => add(&print.what),
            Node::Set(_, value) => add(value),
            Node::Choice(arms) => arms.iter().for_each(|arm| arm.when.iter().for_each(&mut add)),
            Node::Loop(one) => {
                add(&one.list);
                one.when.iter().for_each(&mut add);
            }
            Node::Text(_) | Node::Group(_) | Node::Define(_) | Node::Include(_) => {}
        }
    }
    for node in nodes {
        match node {
            Node::Choice(arms) => arms.iter().for_each(|arm| count(&arm.body, uses)),
            Node::Loop(one) => {
                count(&one.body, uses);
                count(&one.otherwise, uses);
            }
            Node::Group(inner) | Node::Define(Define { body: inner, .. }) => count(inner, uses),
            Node::Text(_) | Node::Print(_) | Node::Set(..) | Node::Include(_) => {}
        }
    }
}

/// Finds names that are used once, that nobody defines, and that are a slip from the name of the loop they stand in.
fn misspelt(nodes: &[Node], loops: &mut Vec<String>, is_suspect: &impl Fn(&str) -> bool, found: &mut Vec<Defect>) {
    for node in nodes {
        match node {
            Node::Print(print) => names(&print.what, &mut |name| {
                let meant = meant_of(name, loops).filter(|_| is_suspect(name) && name.len() > 3);
                found.extend(meant.map(|meant| {
                    let message = format!("nothing gives `{name}` a value; the loop around it has `{meant}`");
                    Defect::doubtful(print.range.clone(), message, &format!("did you mean `{meant}`?"))
                }));
            }),
            Node::Choice(arms) => arms.iter().for_each(|arm| misspelt(&arm.body, loops, is_suspect, found)),
            Node::Group(inner) => misspelt(inner, loops, is_suspect, found),
            Node::Loop(Loop { names, body, .. }) => {
                let depth = loops.len();
                loops.extend(names.iter().cloned());
                misspelt(body, loops, is_suspect, found);
                loops.truncate(depth);
            }
            // What a macro takes has names of its own.
            Node::Text(_) | Node::Set(..) | Node::Define(_) | Node::Include(_) => {}
        }
    }
}

/// Calls `with` for each variable of `expr`.
fn names(expr: &Expr, with: &mut impl FnMut(&str)) {
    match expr {
        Expr::Name(name) => with(name),
        Expr::Field(of, _) | Expr::Not(of) | Expr::Is(of, _) => names(of, with),
        Expr::Index(a, b) | Expr::And(a, b) | Expr::Or(a, b) | Expr::Equal(a, b) | Expr::In(a, b) | Expr::Binary(_, a, b) => {
            names(a, with);
            names(b, with);
        }
        Expr::Filter(of, _, arguments) => {
            names(of, with);
            for one in arguments {
                names(one, with);
            }
        }
        Expr::Call(_, all) | Expr::List(all) => all.iter().for_each(|one| names(one, with)),
        Expr::If { when, then, otherwise } => [when, then, otherwise].into_iter().for_each(|one| names(one, with)),
        // Its words may be names.
        Expr::Opaque(words) => words.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty()).for_each(with),
        Expr::Text(_) | Expr::Number(_) | Expr::Bool(_) | Expr::None => {}
    }
}
