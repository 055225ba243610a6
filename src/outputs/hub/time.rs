//! Points in time as EVE and STIX write them.

use crate::time::Timestamp;

/// As STIX writes `created` and `modified`: milliseconds, always three digits.
pub fn millis(at: Timestamp) -> String {
    let [y, mo, d, h, mi, s, us] = at.civil();
    format!("{y:04}-{mo:02}-{d:02}T{h:02}:{mi:02}:{s:02}.{:03}Z", us / 1000)
}

/// As identifiers of observables need it: microseconds without zeros at the end, and no dot when
/// nothing is behind it. Other forms of the same time would give another identifier.
pub fn shortest(at: Timestamp) -> String {
    let [y, mo, d, h, mi, s, us] = at.civil();
    let whole = format!("{y:04}-{mo:02}-{d:02}T{h:02}:{mi:02}:{s:02}");
    if us == 0 {
        return format!("{whole}Z");
    }
    let fraction = format!("{us:06}");
    format!("{whole}.{}Z", fraction.trim_end_matches('0'))
}

/// The beginning of the day, UTC.
pub const fn day(at: Timestamp) -> Timestamp {
    Timestamp::new(at.seconds() / 86_400 * 86_400, 0)
}

/// Reads `2016-07-13T22:42:07.199672+0000`, `...+02:00` or `...Z`.
pub fn parse(text: &str) -> Option<Timestamp> {
    let (date, rest) = text.split_once('T')?;
    let at = rest.find(['Z', '+', '-'])?;
    let (clock, zone) = rest.split_at_checked(at)?;
    let numbers = |text: &str, by: char| {
        let mut parts = text.split(by).map(digits);
        let read = [parts.next()??, parts.next()??, parts.next()??];
        parts.next().is_none().then_some(read)
    };
    let [year, month, day] = numbers(date, '-')?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let [hour, minute, second] = numbers(clock, ':')?;
    let sound = (1970..=2500).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !sound || fraction.len() > 9 {
        return None;
    }
    let nanos = digits(fraction)? * 10_u64.pow(9 - u32::try_from(fraction.len()).ok()?);
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    let seconds = match zone.strip_prefix(['+', '-']) {
        None => seconds,
        Some(offset) => {
            let offset = offset.replace(':', "");
            let (hours, minutes) = offset.split_at_checked(2)?;
            let shift = digits(hours)? * 3600 + digits(minutes)? * 60;
            if zone.starts_with('+') {
                seconds.checked_sub(shift)?
            } else {
                seconds.checked_add(shift)?
            }
        }
    };
    Some(Timestamp::new(seconds, nanos))
}

fn digits(text: &str) -> Option<u64> {
    let sound = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    sound.then(|| text.parse().ok()).flatten()
}

/// Days since 1970 (H. Hinnant, "chrono-compatible low-level date algorithms").
const fn days(year: u64, month: u64, day: u64) -> u64 {
    let y = if month <= 2 { year - 1 } else { year };
    let (era, yoe) = (y / 400, y % 400);
    let doy = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn times_are_read_as_eve_writes_them_and_written_as_stix_wants_them() {
        let at = parse("2016-07-13T22:42:07.120000+0000").unwrap();
        assert_eq!(at.to_string(), "2016-07-13T22:42:07.120000+0000");
        assert_eq!(parse("2016-07-14T00:42:07.12+0200").unwrap(), at);
        assert_eq!(parse("2016-07-13T21:42:07.12-01:00").unwrap(), at);
        assert_eq!(millis(at), "2016-07-13T22:42:07.120Z");
        assert_eq!(shortest(at), "2016-07-13T22:42:07.12Z");
        assert_eq!(shortest(day(at)), "2016-07-13T00:00:00Z");
        for seconds in [0, 951_782_400, 4_102_444_799] {
            let at = Timestamp::new(seconds, 5_000);
            assert_eq!(parse(&at.to_string()), Some(at));
        }
        for wrong in ["", "2016-07-13", "2016-13-13T00:00:00Z", "1969-01-01T00:00:00Z", "T", "x"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
