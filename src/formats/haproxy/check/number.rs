//! Numbers and times as HAProxy reads them.

/// The longest time: 2,147,483,647 milliseconds (HAProxy: `src/cfgparse.c`, `TIMER_OVERFLOW`).
const LONGEST_MS: u128 = 2_147_483_647;

/// What a written time is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Time<'a> {
    /// So many microseconds.
    Us(u128),
    /// More than HAProxy can count.
    TooLong,
    /// A time with something after its unit; this much is read.
    Begins(&'a str),
    /// No number, or something after it that is no unit.
    Odd,
}

/// Returns what `text` is as a time; without a unit it counts `default_us` microseconds each (HAProxy: `src/tools.c`, `parse_time_err`).
pub(super) fn time(text: &str, default_us: u128) -> Time<'_> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).unwrap_or((text, ""));
    let unit = match unit {
        "" => default_us,
        "us" => 1,
        "ms" => 1_000,
        "s" => 1_000_000,
        "m" => 60_000_000,
        "h" => 3_600_000_000,
        "d" => 86_400_000_000,
        _ if number.is_empty() => return Time::Odd,
        longer => {
            let length = ["us", "ms", "s", "m", "h", "d"].iter().find(|unit| longer.starts_with(**unit)).map(|unit| digits + unit.len());
            return length.and_then(|length| text.get(..length)).map_or(Time::Odd, Time::Begins);
        }
    };
    if number.is_empty() {
        return Time::Odd;
    }
    match number.parse::<u64>() {
        Ok(number) if u128::from(number) * unit / 1_000 <= LONGEST_MS => Time::Us(u128::from(number) * unit),
        Ok(_) | Err(_) => Time::TooLong,
    }
}

/// Returns the number at the start of `text`, as C's `atol` reads it: 0 where there is none; and whether all of it was one.
pub(super) fn leading(text: &str) -> (i64, bool) {
    let signs = usize::from(text.starts_with(['-', '+']));
    let digits = text.bytes().skip(signs).take_while(u8::is_ascii_digit).count();
    let number = text.get(..signs + digits).unwrap_or_default();
    let value = number.parse().unwrap_or(if digits == 0 { 0 } else { i64::MAX });
    (value, digits > 0 && signs + digits == text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_one_unit() {
        assert_eq!(time("5", 1_000), Time::Us(5_000));
        assert_eq!(time("2s", 1_000), Time::Us(2_000_000));
        assert_eq!(time("500us", 1_000), Time::Us(500));
        assert_eq!(time("2x", 1_000), Time::Odd);
        assert_eq!(time("1m30s", 1_000), Time::Begins("1m"));
        assert_eq!(time("5msec", 1_000), Time::Begins("5ms"));
        assert_eq!(time("s", 1_000), Time::Odd);
        assert_eq!(time("25d", 1_000), Time::TooLong);
        assert_eq!(time("24d", 1_000), Time::Us(24 * 86_400_000_000));
    }

    #[test]
    fn a_number_ends_where_its_digits_do() {
        assert_eq!(leading("10x"), (10, false));
        assert_eq!(leading("x"), (0, false));
        assert_eq!(leading("-1"), (-1, true));
    }
}
