//! `flow`: which way a packet goes, and how far its conversation has come.

use crate::detect::diagnostic::nearest;
use crate::detect::operator::{Example, Operator, Problem};
use crate::detect::rule::FlowTest;
use crate::detect::syntax::{items, required};

const SYNTAX: &str = "flow:WORD[,WORD]...;";

/// A word and the flag that it sets.
type Word = (&'static str, fn(&mut FlowTest) -> &mut bool);

static WORDS: &[Word] = &[
    ("to_server", |flow| &mut flow.to_server),
    ("from_client", |flow| &mut flow.to_server),
    ("to_client", |flow| &mut flow.to_client),
    ("from_server", |flow| &mut flow.to_client),
    ("established", |flow| &mut flow.established),
    ("not_established", |flow| &mut flow.not_established),
    ("stateless", |flow| &mut flow.stateless),
    ("only_stream", |flow| &mut flow.only_stream),
    ("no_stream", |flow| &mut flow.no_stream),
    ("only_frag", |flow| &mut flow.only_frag),
    ("no_frag", |flow| &mut flow.no_frag),
];

/// `flow`.
pub static FLOW: Operator = Operator {
    name: "flow",
    aliases: &[],
    help: "Direction and state of the conversation: to_server (from_client), to_client \
           (from_server), established, not_established, stateless, only_stream, no_stream, \
           only_frag, no_frag.",
    syntax: SYNTAX,
    examples: &[
        Example { rule: r#"flow:to_server; content:"x";"#, payload: b"x", alerts: true },
        Example { rule: r#"flow:to_client; content:"x";"#, payload: b"x", alerts: false },
        Example { rule: r#"flow:no_frag; content:"x";"#, payload: b"x", alerts: true },
    ],
    compile: |argument, builder| {
        let text = required(argument, SYNTAX)?;
        let mut flow = builder.rule.flow;
        for (span, item) in items(text) {
            let lower = item.to_ascii_lowercase();
            let Some((_, flag)) = WORDS.iter().find(|(word, _)| *word == lower) else {
                let message = format!("`{item}` is not a word of `flow`");
                let problem = Problem::spanned("R210", span, message);
                return Err(match nearest(&lower, WORDS.iter().map(|(word, _)| *word)) {
                    Some(near) => problem.hint(format!("did you mean `{near}`?")),
                    None => problem,
                });
            };
            if std::mem::replace(flag(&mut flow), true) {
                return Err(Problem::spanned("R211", span, format!("`{item}` is there twice")));
            }
        }
        let clash = [
            (flow.to_server && flow.to_client, "to_server and to_client"),
            (flow.established && flow.not_established, "established and not_established"),
            (flow.stateless && flow.established, "stateless and established"),
            (flow.stateless && flow.not_established, "stateless and not_established"),
            (flow.only_stream && flow.no_stream, "only_stream and no_stream"),
            (flow.only_frag && flow.no_frag, "only_frag and no_frag"),
        ];
        if let Some((_, pair)) = clash.iter().find(|(both, _)| *both) {
            let message = format!("{pair} exclude each other");
            return Err(Problem::spanned("R211", 0..text.len(), message));
        }
        builder.rule.flow = flow;
        Ok(())
    },
};
