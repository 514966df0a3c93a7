//! What a template is made of, whatever its language.

use super::expr::Expr;
use std::ops::Range;

/// A piece of a template.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    /// Text that is printed as it stands.
    Text(Range<usize>),
    /// An expression that is printed.
    Print(Print),
    /// One of several bodies.
    Choice(Vec<Arm>),
    /// A body that is printed for each element of a list.
    Loop(Loop),
    /// A name that gets a value.
    Set(String, Expr),
    /// A body that is printed as it stands (`with`, `block`).
    Group(Vec<Node>),
    /// A body with a name, printed where that is used (`macro`, `define`).
    Define(Define),
    /// Another template that stands here. Once it is found, its body takes this one's place.
    Include(Include),
}

/// A body with a name.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Define {
    /// The name; of an imported one with the name of the import before it (`macros.server`).
    pub(super) name: String,
    /// What it takes, with what each is where nobody says.
    pub(super) parameters: Vec<(String, Option<Expr>)>,
    /// The body.
    pub(super) body: Vec<Node>,
}

/// Another template.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Include {
    /// The tag.
    pub(super) range: Range<usize>,
    /// Its names: the first that is there counts.
    pub(super) names: Vec<String>,
    /// Nothing is wrong if none is there.
    pub(super) optional: bool,
    /// Only what it defines is taken, under these names.
    pub(super) import: Option<Import>,
}

/// The names under which the macros of another template are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Import {
    /// All, with this before them: `import 'x' as name`.
    All(String),
    /// These, under these: `from 'x' import a, b as c`.
    Some(Vec<(String, String)>),
}

/// An expression that is printed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Print {
    /// The whole tag.
    pub(super) range: Range<usize>,
    /// What is printed.
    pub(super) what: Expr,
}

/// A body with the condition under which it is printed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Arm {
    /// The tag that begins it.
    pub(super) tag: Range<usize>,
    /// `None` is `else`.
    pub(super) when: Option<Expr>,
    /// The body.
    pub(super) body: Vec<Node>,
}

/// A loop.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Loop {
    /// The tag that begins it.
    pub(super) tag: Range<usize>,
    /// The names that each element is given to.
    pub(super) names: Vec<String>,
    /// The list.
    pub(super) list: Expr,
    /// The condition an element must meet.
    pub(super) when: Option<Expr>,
    /// The body.
    pub(super) body: Vec<Node>,
    /// What is printed for an empty list.
    pub(super) otherwise: Vec<Node>,
    /// From the end of the first tag to the begin of the last.
    pub(super) inside: Range<usize>,
}

/// A piece of a template as its language's reader finds it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tag {
    /// The whole tag.
    pub(super) range: Range<usize>,
    /// What it does.
    pub(super) kind: Kind,
    /// Blanks before it are not printed.
    pub(super) trim_before: bool,
    /// Blanks after it are not printed.
    pub(super) trim_after: bool,
}

/// What a tag does.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// Prints.
    Print(Expr),
    /// Neither prints nor decides.
    Nothing,
    /// Begins a body under a condition.
    If(Expr),
    /// Ends that body and begins another under a further condition.
    ElseIf(Expr),
    /// Ends that body and begins the one for every other case; in a loop, the one for an empty list.
    Else,
    /// Begins a choice by value; its bodies begin with [`Kind::When`].
    Case(Expr),
    /// One of these values.
    When(Vec<Expr>),
    /// Begins a loop.
    For {
        /// The names given to each element.
        names: Vec<String>,
        /// The list.
        list: Expr,
        /// The condition an element must meet.
        when: Option<Expr>,
    },
    /// Begins a body that is printed where it stands.
    Group(&'static str),
    /// Begins a body that is not printed, nor anywhere else (`load_yaml`).
    Aside(&'static str),
    /// Begins a body that is printed where its name is used (`macro`, `define`, a `set` with a body): what it is called by its language, its name, and
    /// what it takes.
    Define(&'static str, String, Vec<(String, Option<Expr>)>),
    /// Another template.
    Include {
        /// Its names: the first that is there counts.
        names: Vec<String>,
        /// Nothing is wrong if none is there.
        optional: bool,
        /// Only what it defines is taken.
        import: Option<Import>,
    },
    /// Begins a body that is changed before it is printed (`filter`, `call`): as a whole an expression.
    Changed(&'static str, Expr),
    /// Ends a body: of the kind named, or of any.
    End(Option<&'static str>),
    /// Gives a value to a name.
    Set(String, Expr),
}

impl Kind {
    /// Returns the name of the body this begins, if it begins one.
    pub(super) fn begins(&self) -> Option<&'static str> {
        match self {
            Self::If(_) => Some("if"),
            Self::Case(_) => Some("case"),
            Self::For { .. } => Some("for"),
            Self::Group(name) | Self::Aside(name) | Self::Changed(name, _) | Self::Define(name, ..) => Some(name),
            Self::Include { .. } | Self::Print(_) | Self::Nothing | Self::ElseIf(_) | Self::Else | Self::When(_) | Self::End(_) | Self::Set(..) => {
                None
            }
        }
    }
}

/// Something wrong with a template itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Defect {
    /// The place.
    pub(super) range: Range<usize>,
    /// What happened.
    pub(super) message: String,
    /// What to do.
    pub(super) help: String,
    /// Further places.
    pub(super) related: Vec<(Range<usize>, String)>,
    /// Nothing is rendered; otherwise the file is there and not as meant.
    pub(super) fatal: bool,
}

impl Defect {
    /// Returns a defect because of which nothing is rendered.
    pub(super) fn fatal(range: Range<usize>, message: String, help: &str) -> Self {
        Self { range, message, help: help.to_owned(), related: Vec::new(), fatal: true }
    }

    /// Returns a defect with which the template is rendered, and not as it was meant.
    pub(super) fn doubtful(range: Range<usize>, message: String, help: &str) -> Self {
        Self { fatal: false, ..Self::fatal(range, message, help) }
    }
}
