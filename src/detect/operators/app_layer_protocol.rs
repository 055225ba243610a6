//! `app-layer-protocol`: which protocol a conversation was found to speak.

use crate::detect::operator::{Example, Operator, Problem};
use crate::detect::syntax::{application_name, items, negation, required};

const SYNTAX: &str = "app-layer-protocol:[!]NAME[,MODE];";

/// Which detection is asked in the reference engine. Here there is one for both directions.
static MODES: &[&str] = &["either", "both", "final", "original", "to_server", "to_client"];

/// `app-layer-protocol`.
pub static APP_LAYER_PROTOCOL: Operator = Operator {
    name: "app-layer-protocol",
    aliases: &[],
    help: "The protocol that the conversation was found to speak; `failed` when it is none that \
           is known, `unknown` before that is settled. A mode (final, original, to_server, \
           to_client, either, both) is read; both directions share one answer here.",
    syntax: SYNTAX,
    examples: &[
        Example { rule: r#"content:"x"; app-layer-protocol:http;"#, payload: b"x", alerts: false },
        Example {
            rule: r#"content:"x"; app-layer-protocol:tls,final;"#,
            payload: b"x",
            alerts: false,
        },
    ],
    compile: |argument, builder| {
        let text = required(argument, SYNTAX)?;
        let mut parts = items(text);
        let (span, first) = parts.next().unwrap_or((0..1, ""));
        let (negated, word, _) = negation(first);
        let name = match word {
            "failed" | "unknown" | "http1" => word,
            _ => application_name(word).ok_or_else(|| {
                Problem::spanned("R219", span, format!("`{word}` is not an application protocol"))
                    .hint("for example `app-layer-protocol:!tls;`")
            })?,
        };
        if let Some((span, mode)) = parts.find(|(_, mode)| !MODES.contains(mode)) {
            let message = format!("`{mode}` is not a mode");
            return Err(Problem::spanned("R219", span, message).hint(MODES.join(", ")));
        }
        builder.rule.application.push((name.to_owned(), negated));
        Ok(())
    },
};
