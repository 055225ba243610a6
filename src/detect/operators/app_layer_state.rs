//! `app-layer-state`: the moment of a transaction at which a rule is looked at.

use crate::detect::operator::{Example, Operator, Problem};
use crate::detect::syntax::{hook, required};

const SYNTAX: &str = "app-layer-state:[=|>=|>|<=|<]MOMENT;";

/// See [`Operator`].
pub static APP_LAYER_STATE: Operator = Operator {
    name: "app-layer-state",
    aliases: &[],
    help: "Ties the rule to a moment of a transaction, such as `client_hello_done`. A sign that \
           asks for what was before it loads and does not match: fields are looked at when they \
           are final.",
    syntax: SYNTAX,
    examples: &[Example {
        rule: r#"http.host; content:"b"; app-layer-state:request_headers;"#,
        payload: b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        alerts: false,
    }],
    compile: |argument, builder| {
        let text = required(argument, SYNTAX)?;
        let moment = text.trim_start_matches(['=', '>', '<', ' ']);
        let Some(hook) = hook(moment) else {
            return Err(Problem::whole(
                "R229",
                format!("`{moment}` is no moment of a transaction"),
            )
            .hint("for example `app-layer-state:request_complete;`"));
        };
        builder.rule.never |= text.starts_with('<');
        builder.rule.hook = Some(hook);
        Ok(())
    },
};
