//! `threshold`, `detection_filter`: when repeated matches become alerts.

use std::sync::Arc;

use crate::detect::operator::{Builder, Example, Operator, Problem};
use crate::detect::syntax::{integer, items, required};
use crate::record::{Threshold, ThresholdKind, Track};

const SYNTAX: &str = "threshold:type limit|threshold|both, track by_src|by_dst|by_both|by_rule|by_flow, count N, seconds N;";
const FILTER_SYNTAX: &str =
    "detection_filter:track by_src|by_dst|by_both|by_rule|by_flow, count N, seconds N;";

/// What stood in the argument.
#[derive(Default)]
struct Parts<'a> {
    kind: Option<&'a str>,
    track: Option<Track>,
    count: Option<u32>,
    seconds: Option<u32>,
    multiplier: Option<u32>,
}

/// `threshold`.
pub static THRESHOLD: Operator = Operator {
    name: "threshold",
    aliases: &[],
    help: "Fewer alerts of one rule. `limit`: at most `count` in the span; `threshold`: at every \
           `count`-th match; `both`: once a span, at the `count`-th match; `backoff` (by_flow, \
           with `multiplier N` for `seconds`): ever more rarely.",
    syntax: SYNTAX,
    examples: &[
        Example {
            rule: r#"content:"x"; threshold:type limit, track by_src, count 1, seconds 60;"#,
            payload: b"x",
            alerts: true,
        },
        Example {
            rule: r#"content:"x"; threshold:type threshold, track by_dst, count 2, seconds 60;"#,
            payload: b"x",
            alerts: false,
        },
    ],
    compile: |argument, builder| {
        let text = required(argument, SYNTAX)?;
        let parts = parse(text, SYNTAX)?;
        let whole = |message: &str| {
            Problem::spanned("R216", 0..text.len(), message).hint(format!("write `{SYNTAX}`"))
        };
        let kind = match parts.kind {
            Some("limit") => ThresholdKind::Limit,
            Some("threshold") => ThresholdKind::Threshold,
            Some("both") => ThresholdKind::Both,
            Some("backoff") => {
                let multiplier = parts.multiplier.filter(|multiplier| *multiplier > 1);
                let multiplier =
                    multiplier.ok_or_else(|| whole("`backoff` needs a `multiplier` above 1"))?;
                if parts.track != Some(Track::ByFlow) {
                    return Err(whole("`backoff` can only track by_flow"));
                }
                ThresholdKind::Backoff { multiplier }
            }
            Some(_) | None => {
                return Err(whole("`type` must be limit, threshold, both or backoff"));
            }
        };
        set(builder, text, kind, &parts, SYNTAX)
    },
};

/// `detection_filter`.
pub static DETECTION_FILTER: Operator = Operator {
    name: "detection_filter",
    aliases: &[],
    help: "Alerts on every match once there were `count` in the span.",
    syntax: FILTER_SYNTAX,
    examples: &[Example {
        rule: r#"content:"x"; detection_filter:track by_src, count 5, seconds 60;"#,
        payload: b"x",
        alerts: false,
    }],
    compile: |argument, builder| {
        let text = required(argument, FILTER_SYNTAX)?;
        let parts = parse(text, FILTER_SYNTAX)?;
        if parts.kind.is_some() {
            return Err(Problem::spanned(
                "R216",
                0..text.len(),
                "`detection_filter` has no `type`",
            )
            .hint(format!("write `{FILTER_SYNTAX}`")));
        }
        set(builder, text, ThresholdKind::DetectionFilter, &parts, FILTER_SYNTAX)
    },
};

fn set(
    builder: &mut Builder,
    text: &str,
    kind: ThresholdKind,
    parts: &Parts<'_>,
    syntax: &str,
) -> Result<(), Problem> {
    let missing = |what: &str| {
        Problem::spanned("R216", 0..text.len(), format!("`{what}` is missing"))
            .hint(format!("write `{syntax}`"))
    };
    let span_counts = !matches!(kind, ThresholdKind::Backoff { .. });
    let threshold = Threshold {
        kind,
        track: parts.track.ok_or_else(|| missing("track"))?,
        count: parts.count.filter(|count| *count > 0).ok_or_else(|| missing("count"))?,
        seconds: match parts.seconds.filter(|seconds| *seconds > 0) {
            Some(seconds) => seconds,
            None if !span_counts => 0,
            None => return Err(missing("seconds")),
        },
    };
    let signature = Arc::make_mut(&mut builder.rule.signature);
    if signature.threshold.replace(threshold).is_some() {
        return Err(Problem::spanned("R217", 0..text.len(), "a rule has one threshold")
            .hint("keep one `threshold` or `detection_filter`"));
    }
    Ok(())
}

fn parse<'a>(text: &'a str, syntax: &str) -> Result<Parts<'a>, Problem> {
    let mut parts = Parts::default();
    for (span, item) in items(text) {
        let wrong = || {
            Problem::spanned("R216", span.clone(), format!("`{item}` means nothing here"))
                .hint(format!("write `{syntax}`"))
        };
        let (key, value) = item.split_once(|c: char| c.is_ascii_whitespace()).ok_or_else(wrong)?;
        let value = value.trim_ascii();
        let number = || {
            let number = integer(value, 32).map_err(|_| wrong())?;
            Ok::<_, Problem>(Some(u32::try_from(number).unwrap_or(u32::MAX)))
        };
        match key {
            "type" => parts.kind = Some(value),
            "track" => {
                parts.track = Some(match value {
                    "by_src" => Track::BySource,
                    "by_dst" => Track::ByDestination,
                    "by_both" => Track::ByBoth,
                    "by_rule" => Track::ByRule,
                    "by_flow" => Track::ByFlow,
                    _ => return Err(wrong()),
                });
            }
            "count" => parts.count = number()?,
            "seconds" => parts.seconds = number()?,
            "multiplier" => parts.multiplier = number()?,
            _ => return Err(wrong()),
        }
    }
    Ok(parts)
}
