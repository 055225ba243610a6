//! `xbits`, `hostbits`: marks on a host or on a pair of hosts, over all their conversations.

use crate::detect::operator::{Builder, Example, Operator, Problem};
use crate::detect::rule::{HostBit, HostTrack};
use crate::detect::syntax::{integer, items, required};

use super::flowbits::command;

/// How long an `xbits` mark stays unless the rule says so, seconds: as in the reference engine.
const XBITS_EXPIRE: u32 = 30;
/// The same for `hostbits`.
const HOSTBITS_EXPIRE: u32 = 300;

const XBITS_SYNTAX: &str =
    "xbits:set|unset|toggle|isset|isnotset,NAME,track ip_src|ip_dst|ip_pair[,expire SECONDS];";
const HOSTBITS_SYNTAX: &str = "hostbits:set|unset|toggle|isset|isnotset,NAME[,src|dst[,SECONDS]];";

fn name(text: Option<&str>, syntax: &str) -> Result<String, Problem> {
    match text {
        Some(name) if !name.is_empty() && !name.contains(char::is_whitespace) => {
            Ok(name.to_owned())
        }
        _ => Err(Problem::spanned("R213", 0..0, "a bit needs a name without blanks")
            .hint(format!("write `{syntax}`"))),
    }
}

fn seconds(text: &str) -> Result<u32, Problem> {
    Ok(u32::try_from(integer(text, 32)?).unwrap_or(u32::MAX))
}

/// `xbits`.
pub static XBITS: Operator = Operator {
    name: "xbits",
    aliases: &[],
    help: "Sets or asks marks on the source, the destination, or the pair of both; they expire \
           after 30 seconds unless told otherwise.",
    syntax: XBITS_SYNTAX,
    examples: &[
        Example {
            rule: r#"content:"x"; xbits:set,seen,track ip_src,expire 60;"#,
            payload: b"x",
            alerts: true,
        },
        Example {
            rule: r#"content:"x"; xbits:isset,seen,track ip_pair;"#,
            payload: b"x",
            alerts: false,
        },
    ],
    compile: |argument, builder| {
        let text = required(argument, XBITS_SYNTAX)?;
        if silences(text, builder) {
            return Ok(());
        }
        let mut parts = items(text);
        let command = command(parts.next().map_or("", |(_, word)| word))?;
        let name = name(parts.next().map(|(_, name)| name), XBITS_SYNTAX)?;
        let (mut track, mut expire) = (None, XBITS_EXPIRE);
        for (span, part) in parts {
            let (key, value) = part.split_once(' ').unwrap_or((part, ""));
            match (key, value.trim_ascii()) {
                ("track", "ip_src") => track = Some(HostTrack::Source),
                ("track", "ip_dst") => track = Some(HostTrack::Destination),
                ("track", "ip_pair") => track = Some(HostTrack::Pair),
                ("expire", number) => {
                    expire = seconds(number).map_err(|problem| Problem { span, ..problem })?;
                }
                _ => {
                    return Err(Problem::spanned(
                        "R214",
                        span,
                        format!("`{part}` means nothing here"),
                    )
                    .hint(format!("write `{XBITS_SYNTAX}`")));
                }
            }
        }
        let Some(track) = track else {
            return Err(Problem::spanned("R214", 0..text.len(), "whose bit it is, is missing")
                .hint("add `track ip_src`, `track ip_dst` or `track ip_pair`"));
        };
        builder.rule.host_bits.push(HostBit { command, name, track, expire });
        Ok(())
    },
};

/// `hostbits`.
pub static HOSTBITS: Operator = Operator {
    name: "hostbits",
    aliases: &[],
    help: "Sets or asks marks on the source or the destination; they expire after 300 seconds \
           unless told otherwise.",
    syntax: HOSTBITS_SYNTAX,
    examples: &[
        Example { rule: r#"content:"x"; hostbits:set,seen,src;"#, payload: b"x", alerts: true },
        Example { rule: r#"content:"x"; hostbits:isset,seen,dst;"#, payload: b"x", alerts: false },
    ],
    compile: |argument, builder| {
        let text = required(argument, HOSTBITS_SYNTAX)?;
        if silences(text, builder) {
            return Ok(());
        }
        let mut parts = items(text);
        let command = command(parts.next().map_or("", |(_, word)| word))?;
        let name = name(parts.next().map(|(_, name)| name), HOSTBITS_SYNTAX)?;
        let track = match parts.next() {
            None | Some((_, "src")) => HostTrack::Source,
            Some((_, "dst")) => HostTrack::Destination,
            Some((span, other)) => {
                let message = format!("`{other}` is neither `src` nor `dst`");
                return Err(Problem::spanned("R214", span, message));
            }
        };
        let expire = parts.next().map_or(Ok(HOSTBITS_EXPIRE), |(_, number)| seconds(number))?;
        builder.rule.host_bits.push(HostBit { command, name, track, expire });
        Ok(())
    },
};

fn silences(text: &str, builder: &mut Builder) -> bool {
    let silent = text.eq_ignore_ascii_case("noalert");
    builder.rule.silent |= silent;
    silent
}
