//! `tag`: keeps packets that follow an alert, of its flow or of a host.

use std::sync::Arc;

use crate::detect::operator::{Example, Operator, Problem};
use crate::detect::syntax::{integer, items, required};
use crate::record::{Tag, TagMetric, TagScope};

const SYNTAX: &str = "tag:session|host[,COUNT,packets|bytes|seconds[,src|dst]];";

/// Packets that a tag without a count counts, the alert's own among them; as in Suricata.
const PACKETS_DEFAULT: u32 = 256;

/// `tag` (Suricata's user guide, "Tag").
pub static TAG: Operator = Operator {
    name: "tag",
    aliases: &[],
    help: "Writes packets that follow the alert, whole, as records `packet`: those of its flow \
           (`session`), or those from and to its source or destination (`host`; the destination \
           unless told). Without a count 256 packets. The packet that alerted is counted, and not \
           written: the alert tells of it. A rule with \
           `host` makes every packet pass the last stage, which takes time.",
    syntax: SYNTAX,
    examples: &[
        Example { rule: r#"content:"x"; tag:session;"#, payload: b"x", alerts: true },
        Example { rule: r#"content:"x"; tag:host,60,seconds,src;"#, payload: b"x", alerts: true },
    ],
    compile: |argument, builder| {
        let text = required(argument, SYNTAX)?;
        let mut tag =
            Tag { scope: TagScope::Session, metric: TagMetric::Packets, count: PACKETS_DEFAULT };
        let mut given = 0;
        for ((span, item), at) in items(text).zip(0..) {
            let wrong = |_| {
                Problem::spanned("R223", span.clone(), format!("`{item}` means nothing here"))
                    .hint(format!("write `{SYNTAX}`"))
            };
            part(&mut tag, at, item).map_err(wrong)?;
            given = at;
        }
        if given == 1 {
            return Err(Problem::spanned("R223", 0..text.len(), "a count of what?")
                .hint("write `packets`, `bytes` or `seconds` behind it"));
        }
        Arc::make_mut(&mut builder.rule.signature).tags.push(tag);
        Ok(())
    },
};

/// Takes the item at a place of the argument.
fn part(tag: &mut Tag, at: usize, item: &str) -> Result<(), ()> {
    let host = tag.scope != TagScope::Session;
    match (at, item) {
        (0, "session") => tag.scope = TagScope::Session,
        (0, "host") => tag.scope = TagScope::Destination,
        (1, count) => {
            let count = integer(count, 32).ok().and_then(|count| u32::try_from(count).ok());
            tag.count = count.filter(|count| *count > 0).ok_or(())?;
        }
        (2, "packets") => tag.metric = TagMetric::Packets,
        (2, "bytes") => tag.metric = TagMetric::Bytes,
        (2, "seconds") => tag.metric = TagMetric::Seconds,
        (3, "src") if host => tag.scope = TagScope::Source,
        // Of a flow both ends are kept, whatever is written here.
        (3, "src" | "dst") => {}
        _ => return Err(()),
    }
    Ok(())
}
