//! The file of thresholds beside the rules: `suppress`, `threshold`, `event_filter`, `rate_filter`.
//!
//! ```text
//! suppress gen_id G, sig_id S [, track by_src|by_dst|by_either, ip ADDRESSES]
//! threshold gen_id G, sig_id S, type limit|threshold|both, track T, count N, seconds N
//! rate_filter gen_id G, sig_id S, track T, count N, seconds N, new_action ACTION, timeout N
//! ```
//!
//! `event_filter` is `threshold`. 0 for a number means every generator or every rule. A `\` at a
//! line's end continues it, `#` begins a comment.

use std::sync::Arc;

use super::rule::Rule;
use super::variables::Variables;
use crate::net::AddressSet;
use crate::record::{RateFilter, SuppressedEnd, Suppression, Threshold, ThresholdKind, Track};

/// Entries of one file.
pub const LIMITS_MAX: usize = 65_536;

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Generator; 0 for all.
    gid: u32,
    /// Rule; 0 for all.
    sid: u32,
    what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Suppress(Suppression),
    Threshold(Threshold),
    Rate(RateFilter),
    /// A rate that changes what an inline engine does: the alert stays.
    Nothing,
}

/// Reads a file of thresholds.
///
/// # Errors
/// All that is wrong, each with its line.
pub fn parse(text: &str, variables: &mut Variables) -> Result<Vec<Limit>, Vec<String>> {
    let (mut limits, mut problems) = (Vec::new(), Vec::new());
    let mut whole = String::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if whole.is_empty() && line.starts_with('#') {
            continue;
        }
        if let Some(begun) = line.strip_suffix('\\') {
            whole.push_str(begun);
            whole.push(' ');
            continue;
        }
        whole.push_str(line);
        let entry = std::mem::take(&mut whole);
        if entry.trim().is_empty() {
            continue;
        }
        match limit(entry.trim(), variables) {
            Ok(_) if limits.len() >= LIMITS_MAX => {
                problems.push(format!("line {number}: more than {LIMITS_MAX} entries"));
                break;
            }
            Ok(limit) => limits.push(limit),
            Err(why) => problems.push(format!("line {number}: {why}")),
        }
    }
    if problems.is_empty() { Ok(limits) } else { Err(problems) }
}

/// Gives a rule what the entries say of it. An entry of one rule replaces the rule's own threshold,
/// one of all rules does not.
pub fn apply(limits: &[Limit], rule: &mut Rule) {
    let (gid, sid) = (rule.signature.gid, rule.signature.sid);
    let own = rule.signature.threshold.is_some();
    let of_rule = |limit: &&Limit| {
        (limit.gid == 0 || limit.gid == gid) && (limit.sid == 0 || limit.sid == sid)
    };
    for limit in limits.iter().filter(of_rule) {
        let signature = Arc::make_mut(&mut rule.signature);
        match &limit.what {
            What::Suppress(suppression) => signature.suppressions.push(suppression.clone()),
            What::Threshold(threshold) if limit.sid != 0 || !own => {
                signature.threshold = Some(*threshold);
            }
            What::Rate(rate) => signature.rate = Some(*rate),
            What::Threshold(_) | What::Nothing => {}
        }
    }
}

/// The parts of an entry, as written.
#[derive(Default)]
struct Parts<'a> {
    gid: Option<u32>,
    sid: Option<u32>,
    kind: Option<&'a str>,
    track: Option<&'a str>,
    count: Option<u32>,
    seconds: Option<u32>,
    timeout: Option<u32>,
    action: Option<&'a str>,
    addresses: Option<&'a str>,
}

fn limit(entry: &str, variables: &mut Variables) -> Result<Limit, String> {
    let (word, rest) = entry.split_once(char::is_whitespace).unwrap_or((entry, ""));
    let parts = parts(rest)?;
    let missing = |what: &str| format!("`{what}` is missing");
    let gid = parts.gid.ok_or_else(|| missing("gen_id"))?;
    let sid = parts.sid.ok_or_else(|| missing("sig_id"))?;
    let track = || match parts.track {
        Some("by_src") => Ok(Track::BySource),
        Some("by_dst") => Ok(Track::ByDestination),
        Some("by_both") => Ok(Track::ByBoth),
        Some("by_rule") => Ok(Track::ByRule),
        Some("by_flow") => Ok(Track::ByFlow),
        Some(other) => Err(format!("`{other}` cannot be tracked")),
        None => Err(missing("track")),
    };
    let count = || parts.count.filter(|count| *count > 0).ok_or_else(|| missing("count"));
    let seconds = || parts.seconds.filter(|span| *span > 0).ok_or_else(|| missing("seconds"));
    let what = match word {
        "suppress" => What::Suppress(suppression(&parts, variables)?),
        "threshold" | "event_filter" => {
            let kind = match parts.kind {
                Some("limit") => ThresholdKind::Limit,
                Some("threshold") => ThresholdKind::Threshold,
                Some("both") => ThresholdKind::Both,
                _ => return Err("`type` must be limit, threshold or both".to_owned()),
            };
            let (track, count, seconds) = (track()?, count()?, seconds()?);
            What::Threshold(Threshold { kind, track, count, seconds })
        }
        "rate_filter" => {
            let timeout = parts.timeout.ok_or_else(|| missing("timeout"))?;
            let (track, count, seconds) = (track()?, count()?, seconds()?);
            match parts.action {
                Some("pass") => What::Rate(RateFilter { track, count, seconds, timeout }),
                Some("alert" | "drop" | "reject") => What::Nothing,
                _ => return Err("`new_action` must be alert, drop, pass or reject".to_owned()),
            }
        }
        other => return Err(format!("`{other}` is none of suppress, threshold, rate_filter")),
    };
    Ok(Limit { gid, sid, what })
}

fn suppression(parts: &Parts<'_>, variables: &mut Variables) -> Result<Suppression, String> {
    let whose = match (parts.track, parts.addresses) {
        (None, None) => {
            return Ok(Suppression { whose: None, addresses: AddressSet::any().into() });
        }
        (Some("by_src"), Some(_)) => SuppressedEnd::Source,
        (Some("by_dst"), Some(_)) => SuppressedEnd::Destination,
        (Some("by_either"), Some(_)) => SuppressedEnd::Either,
        _ => return Err("`track by_src|by_dst|by_either` and `ip` belong together".to_owned()),
    };
    let addresses = parts.addresses.unwrap_or("any");
    let addresses = variables.addresses(addresses).map_err(|problem| problem.message)?;
    Ok(Suppression { whose: Some(whose), addresses })
}

fn parts(text: &str) -> Result<Parts<'_>, String> {
    let mut parts = Parts::default();
    let mut rest = text;
    while !rest.trim().is_empty() {
        // A list of addresses has commas of its own.
        let mut depth = 0;
        let end = rest.bytes().position(|byte| {
            depth += i32::from(byte == b'[') - i32::from(byte == b']');
            byte == b',' && depth == 0
        });
        let (item, behind) = match end {
            Some(end) => rest.split_at(end),
            None => (rest, ""),
        };
        rest = behind.strip_prefix(',').unwrap_or("");
        let item = item.trim();
        let (key, value) = item.split_once(char::is_whitespace).unwrap_or((item, ""));
        let value = value.trim();
        let number = || value.parse::<u32>().map(Some).map_err(|_| format!("`{item}`: no number"));
        match key {
            "gen_id" => parts.gid = number()?,
            "sig_id" => parts.sid = number()?,
            "type" => parts.kind = Some(value),
            "track" => parts.track = Some(value),
            "count" => parts.count = number()?,
            "seconds" => parts.seconds = number()?,
            "timeout" => parts.timeout = number()?,
            "new_action" => parts.action = Some(value),
            "ip" => parts.addresses = Some(value),
            _ => return Err(format!("`{item}` means nothing here")),
        }
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn every_form_is_read() {
        let text = "# comment\n\nsuppress gen_id 1, sig_id 2\n\
                    suppress gen_id 1, sig_id 3, track by_src, ip [10.0.0.1,10.1.0.0/16]\n\
                    event_filter gen_id 1, sig_id 0, type limit, \\\n  track by_src, count 1, seconds 60\n\
                    rate_filter gen_id 1, sig_id 4, track by_rule, count 5, seconds 9, \
                    new_action pass, timeout 30\n\
                    rate_filter gen_id 1, sig_id 4, track by_rule, count 5, seconds 9, \
                    new_action drop, timeout 30\n";
        let limits = parse(text, &mut Variables::default()).unwrap();
        let kinds: Vec<_> =
            limits.iter().map(|limit| (limit.gid, limit.sid, &limit.what)).collect();
        let threshold =
            Threshold { kind: ThresholdKind::Limit, track: Track::BySource, count: 1, seconds: 60 };
        let rate = RateFilter { track: Track::ByRule, count: 5, seconds: 9, timeout: 30 };
        assert!(matches!(kinds.first(), Some((1, 2, What::Suppress(s))) if s.whose.is_none()));
        assert!(matches!(kinds.get(1), Some((1, 3, What::Suppress(s)))
            if s.addresses.contains("10.1.2.3".parse().unwrap())
                && !s.addresses.contains("10.2.2.3".parse().unwrap())));
        assert_eq!(kinds.get(2), Some(&(1, 0, &What::Threshold(threshold))));
        assert_eq!(kinds.get(3), Some(&(1, 4, &What::Rate(rate))));
        assert_eq!(kinds.get(4), Some(&(1, 4, &What::Nothing)));
    }

    #[test]
    fn all_that_is_wrong_is_told_with_its_line() {
        let text = "suppress gen_id 1\nforbid gen_id 1, sig_id 1\n\nsuppress gen_id 1, sig_id 2, ip 1.1.1.1\n";
        let problems = parse(text, &mut Variables::default()).unwrap_err();
        let lines: Vec<_> = problems.iter().filter_map(|told| told.split(':').next()).collect();
        assert_eq!(lines, ["line 1", "line 2", "line 4"]);
    }
}
