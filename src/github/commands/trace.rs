//! `/waypost trace URL`

use super::arguments::Arguments;
use super::{Command, CommandError, Context, Reply, Spec, usage};
use crate::analysis;
use crate::formats;
use crate::model::{Name, Request};
use crate::report;
use crate::report::replies::Refusal;
use crate::review::settings::Least;
use crate::review::trace_report;
use std::sync::Arc;

/// Shows how one request is routed, before and after.
pub(super) const SPEC: Spec = Spec {
    name: "trace",
    arguments: "URL [-X METHOD] [-H 'Name: value'] [--from IP] [--listener ADDR:PORT]",
    least: Least::Anyone,
    summary: "shows how a request is routed before and after this change, line by line",
    example: "/waypost trace http://shop.example.com/cart",
    parse,
};

/// The request to trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Args {
    /// See above.
    pub request: Request,
}

fn parse(arguments: Arguments) -> Result<Command, Refusal> {
    let words = arguments.all();
    let mut request: Option<Request> = None;
    let mut options = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word.starts_with('-') {
            let value = words.next().ok_or_else(|| Refusal::Missing { what: format!("the value of `{word}`"), usage: usage(&SPEC) })?;
            options.push((word.as_str(), value.as_str()));
        } else if request.is_none() {
            // `<http://…>` is how some editors write links.
            let url = word.trim_start_matches('<').trim_end_matches('>');
            request = Some(Request::get(url).map_err(|bad| Refusal::BadValue { why: bad.to_string(), usage: usage(&SPEC) })?);
        } else {
            return Err(Refusal::TooMuch { word: word.clone(), usage: usage(&SPEC) });
        }
    }
    let mut request = request.ok_or_else(|| Refusal::Missing { what: "the URL".to_owned(), usage: usage(&SPEC) })?;
    for (option, value) in options {
        set(&mut request, option, value)?;
    }
    Ok(Command::Trace(Args { request }))
}

fn set(request: &mut Request, option: &str, value: &str) -> Result<(), Refusal> {
    let bad = |why: String| Refusal::BadValue { why, usage: usage(&SPEC) };
    match option {
        "-X" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_alphabetic()) => value.clone_into(&mut request.method),
        "-X" => return Err(bad(format!("`{value}` is not a method"))),
        "-H" => {
            let (name, value) = value.split_once(':').ok_or_else(|| bad(format!("`{value}` is not a header: it has no colon")))?;
            request.headers.push((Name::from(name.trim()), value.trim().to_owned()));
        }
        "--from" => request.from = Some(value.parse().or(Err(bad(format!("`{value}` is not an IP address"))))?),
        "--listener" => request.listener = Some(value.to_owned()),
        _ => return Err(Refusal::TooMuch { word: option.to_owned(), usage: usage(&SPEC) }),
    }
    Ok(())
}

/// Traces the request through both sides.
pub(super) async fn run(cx: &Context<'_>, args: &Args) -> Result<Reply, CommandError> {
    let Some(sides) = cx.sides else { return Ok(Reply::default()) };
    let sides = [Arc::clone(&sides.base), Arc::clone(&sides.head)];
    let request = args.request.clone();
    let work = {
        let sides = sides.clone();
        move || {
            let [was, now] = sides.each_ref().map(|side| trace_report(side, &analysis::trace(&formats::read(side), &request)));
            report::trace_comment(&was, &now)
        }
    };
    Ok(Reply::text(cx.trees.run(&sides, cx.limit, Arc::new(work)).await?))
}

#[cfg(test)]
mod tests {
    use super::super::commands_in;
    use super::*;

    fn traced(line: &str) -> Option<Request> {
        match commands_in(line).pop().unwrap().ok()? {
            Command::Trace(args) => Some(args.request),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn options_stand_before_or_after_the_url() {
        let request = traced("/waypost trace -X POST <http://shop.example.com/cart> -H 'X-Canary: a: b' --from 10.0.0.1").unwrap();
        assert_eq!((request.method.as_str(), request.url().as_str()), ("POST", "http://shop.example.com/cart"));
        assert_eq!(request.header("x-canary"), Some("a: b"));
        assert_eq!(request.from, "10.0.0.1".parse().ok());
    }

    #[test]
    fn what_is_wrong_is_said() {
        for bad in [
            "/waypost trace",
            "/waypost trace shop.example.com",
            "/waypost trace http://a/ http://b/",
            "/waypost trace http://a/ -H x",
            "/waypost trace http://a/ -H",
        ] {
            assert!(traced(bad).is_none(), "{bad}");
        }
    }
}
