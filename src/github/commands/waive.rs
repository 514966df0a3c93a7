//! `/waypost waive FINGERPRINT until=YYYY-MM-DD reason="…"`

use super::arguments::Arguments;
use super::decide::{self, Deciding};
use super::{Command, CommandError, Context, Granted, Reply, Spec, usage};
use crate::policy::DecisionKind;
use crate::report::answers;
use crate::report::replies::Refusal;
use crate::review::settings::{Least, Role};
use crate::store::now_ms;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// An exception longer than this is no exception.
const MOST_DAYS: i64 = 366;

/// Lets a finding through until the end of a day (UTC). The finding stays visible; when it says something else it blocks again.
pub(super) const SPEC: Spec = Spec {
    name: "waive",
    arguments: "FINGERPRINT until=YYYY-MM-DD reason=\"…\"",
    least: Least::Role(Role::Maintain),
    summary: "lets a finding through until the end of that day (UTC), on this pull request",
    example: "/waypost waive 0123456789abcdef until=2030-01-31 reason=\"web05 joins the inventory tonight\"",
    parse,
};

/// What is waived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Args {
    pub(super) finding: String,
    pub(super) until: Date,
    pub(super) reason: String,
}

fn parse(mut arguments: Arguments) -> Result<Command, Refusal> {
    let finding = arguments.word(&SPEC, "the fingerprint of a finding")?;
    let until = arguments.required(&SPEC, "until")?;
    let reason = arguments.required(&SPEC, "reason")?;
    arguments.end(&SPEC, &["until", "reason"])?;
    let is_day = until.len() == 10 && until.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let day: Option<Date> = until.parse().ok().filter(|_| is_day);
    let until =
        day.ok_or_else(|| Refusal::BadValue { why: format!("`{until}` is not a day: it is written like `2030-01-31`"), usage: usage(&SPEC) })?;
    Ok(Command::Waive(Args { finding, until, reason }))
}

pub(super) async fn run(cx: &Context<'_>, granted: &Granted, args: &Args) -> Result<Reply, CommandError> {
    decide::not_own(cx, granted, SPEC.name)?;
    let lapses_at_ms = end_of(args.until, now_ms())?;
    let found = decide::finding(cx, &args.finding).await?;
    let day = args.until.to_string();
    let deciding = Deciding { command: SPEC.name, kind: DecisionKind::Waiver, reason: &args.reason, until: Some((day.clone(), lapses_at_ms)) };
    decide::give(cx, granted, &found, deciding).await?;
    Ok(Reply { text: Some(answers::waived(&found.message, &day)), review: true })
}

/// Returns the first millisecond after the day, which must be ahead and not too far.
fn end_of(day: Date, now_ms: i64) -> Result<i64, Refusal> {
    let bad = |why: String| Refusal::BadValue { why, usage: usage(&SPEC) };
    let next = day.checked_add(1.day()).map_err(|_out_of_range| bad(format!("`{day}` is too far ahead")))?;
    let end = next.to_zoned(TimeZone::UTC).map_err(|_out_of_range| bad(format!("`{day}` is too far ahead")))?.timestamp().as_millisecond();
    if end <= now_ms {
        return Err(bad(format!("`{day}` is over")));
    }
    if end - now_ms > MOST_DAYS * 24 * 3600 * 1000 {
        let today = Timestamp::from_millisecond(now_ms).map(|now| now.to_zoned(TimeZone::UTC).date().to_string()).unwrap_or_default();
        return Err(bad(format!("`{day}` is more than a year from today, {today}")));
    }
    Ok(end)
}

#[cfg(test)]
mod tests {
    use super::super::commands_in;
    use super::*;

    #[test]
    fn a_day_holds_to_its_end_and_is_neither_over_nor_far() {
        // 2026-11-30T12:00:00Z
        let noon = 1_796_040_000_000;
        let day = |text: &str| text.parse::<Date>().unwrap();
        assert_eq!(end_of(day("2026-11-30"), noon), Ok(noon + 12 * 3600 * 1000));
        assert!(matches!(end_of(day("2026-11-29"), noon), Err(Refusal::BadValue { why, .. }) if why.contains("is over")));
        assert!(matches!(end_of(day("2028-11-29"), noon), Err(Refusal::BadValue { why, .. }) if why.contains("more than a year")));
        assert!(end_of(day("9999-12-31"), noon).is_err());
    }

    #[test]
    fn arguments_stand_in_any_order_and_what_is_wrong_is_said() {
        let line = "/waypost waive reason='a \"quoted\" word' until=2030-02-28 0123456789abcdef";
        let Ok(Command::Waive(args)) = commands_in(line).pop().unwrap() else { panic!() };
        assert_eq!(
            (args.finding.as_str(), args.reason.as_str(), args.until.to_string().as_str()),
            ("0123456789abcdef", "a \"quoted\" word", "2030-02-28")
        );
        let refused = |line: &str| match commands_in(line).pop().unwrap() {
            Err(refusal) => crate::report::replies::refusal(&refusal),
            Ok(command) => panic!("{command:?}"),
        };
        insta::assert_snapshot!(
            [
                "/waypost waive 0123456789abcdef",
                "/waypost waive 0123456789abcdef until=tomorrow reason=x",
                "/waypost waive 0123456789abcdef until=2030-02-30 reason=x",
                "/waypost waive 0123456789abcdef untill=2030-02-28 reason=x",
                "/waypost waive 0123456789abcdef until=2030-02-28 reason=",
                "/waypost waive 0123456789abcdef until=2030-02-28 reason=x y",
                "/waypost waive 0123456789abcdef until=2030-02-28 reason=\"x",
            ]
            .map(refused)
            .join("\n")
        );
    }
}
