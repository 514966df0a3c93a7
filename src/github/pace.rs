//! How fast we write: GitHub asks for a second between two writes, and takes 80 a minute and 500 an hour from one installation.
//!
//! A clock is handed in, so that an hour passes in a test as fast as it likes.

use std::collections::VecDeque;
use std::time::Duration;

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
/// GitHub's own limits of writes that people see.
const A_MINUTE: usize = 80;
const AN_HOUR: usize = 500;
/// The last hundred of an hour are for checks: whatever else is not written then, the verdict is.
const AN_HOUR_BESIDE_CHECKS: usize = 400;

/// What a write is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Worth {
    /// The check, which people wait for.
    Check,
    /// Everything else.
    Words,
}

/// The writes of one installation.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// When those of the last hour were or will be sent, the oldest first.
    sent: VecDeque<Duration>,
}

impl Pace {
    /// Takes the next place in line at `now`, `gap` after the one before. Returns when that is; where it is more than `most` ahead no place is
    /// taken, and the time is an error.
    pub(super) fn take(&mut self, now: Duration, worth: Worth, gap: Duration, most: Duration) -> Result<Duration, Duration> {
        while self.sent.front().is_some_and(|first| *first + HOUR <= now) {
            self.sent.pop_front();
        }
        let an_hour = match worth {
            Worth::Check => AN_HOUR,
            Worth::Words => AN_HOUR_BESIDE_CHECKS,
        };
        let after = |places: usize, window: Duration| self.sent.len().checked_sub(places).and_then(|at| self.sent.get(at)).map(|then| *then + window);
        let times = [Some(now), self.sent.back().map(|last| *last + gap), after(A_MINUTE, MINUTE), after(an_hour, HOUR)];
        let when = times.into_iter().flatten().max().unwrap_or(now);
        if when > now + most {
            return Err(when);
        }
        self.sent.push_back(when);
        Ok(when)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Sends as fast as it may for so long, and returns when each write went out.
    fn run(pace: &mut Pace, worth: Worth, gap: Duration, until: Duration) -> Vec<Duration> {
        let mut now = Duration::ZERO;
        let mut sent = Vec::new();
        while let Ok(when) = pace.take(now, worth, gap, HOUR * 24) {
            if when > until {
                break;
            }
            now = when;
            sent.push(when);
        }
        sent
    }

    #[test]
    fn no_second_has_two_no_minute_more_than_80_and_no_hour_more_than_500() {
        for gap in [SECOND, SECOND / 4] {
            let sent = run(&mut Pace::default(), Worth::Check, gap, HOUR * 3);
            assert!(sent.windows(2).all(|two| two[1] >= two[0] + gap));
            for (window, most) in [(MINUTE, A_MINUTE), (HOUR, AN_HOUR)] {
                for start in &sent {
                    let inside = sent.iter().filter(|at| *at >= start && **at < *start + window).count();
                    assert!(inside <= most, "{inside} within {window:?} from {start:?}");
                }
            }
            assert!(sent.len() >= 1500, "{}", sent.len());
        }
    }

    #[test]
    fn when_the_hour_is_nearly_used_up_the_check_is_still_written() {
        let mut pace = Pace::default();
        let mut now = Duration::ZERO;
        let most = Duration::from_secs(20);
        while let Ok(when) = pace.take(now, Worth::Words, SECOND, most) {
            now = when;
        }
        assert_eq!(pace.sent.len(), AN_HOUR_BESIDE_CHECKS);
        let not_before = pace.take(now, Worth::Words, SECOND, most).unwrap_err();
        assert!(not_before > now + Duration::from_mins(50), "{not_before:?}");
        for _ in 0..100 {
            now = pace.take(now, Worth::Check, SECOND, most).unwrap();
        }
        assert!(pace.take(now, Worth::Check, SECOND, most).is_err());
        // What was refused took no place: after the hour everything goes on.
        assert!(pace.take(now + HOUR, Worth::Words, SECOND, most).is_ok());
    }
}
