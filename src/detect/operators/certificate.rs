//! `tls.subject`, `tls.issuerdn`, `tls.fingerprint`: a content of a certificate's text, in the
//! language's old way.

use super::content::CONTENT;
use crate::detect::operator::{Builder, Example, Operator, Problem};
use crate::detect::syntax::required;

/// A content of `field`; what stood before it goes on behind it.
fn compile(
    field: &'static str,
    argument: Option<&str>,
    builder: &mut Builder,
    syntax: &str,
) -> Result<(), Problem> {
    let text = required(argument, syntax)?;
    let (sticky, transforms) = (builder.sticky, builder.transforms.clone());
    let (open, moved) = (builder.open, builder.moved);
    builder.select(Some(field));
    // Quotes may be left away.
    let pushed = if text.ends_with('"') {
        (CONTENT.compile)(Some(text), builder)
    } else {
        let (mark, bare) = text.strip_prefix('!').map_or(("", text), |rest| ("!", rest));
        (CONTENT.compile)(Some(&format!("{mark}\"{}\"", bare.trim_start())), builder)
            .map_err(|problem| Problem { span: 0..text.len(), ..problem })
    };
    (builder.sticky, builder.transforms) = (sticky, transforms);
    (builder.open, builder.moved) = (open, moved);
    pushed
}

const SUBJECT_SYNTAX: &str = "tls.subject:[!]\"TEXT\";";
const ISSUER_SYNTAX: &str = "tls.issuerdn:[!]\"TEXT\";";
const FINGERPRINT_SYNTAX: &str = "tls.fingerprint:[!]\"XX:XX:...\";";

/// `tls.subject`.
pub static TLS_SUBJECT: Operator = Operator {
    name: "tls.subject",
    aliases: &[],
    help: "The same as `tls.cert_subject` followed by a `content`.",
    syntax: SUBJECT_SYNTAX,
    examples: &[Example {
        rule: "tls.subject:\"CN=example.org\";",
        payload: b"CN=example.org",
        alerts: false,
    }],
    compile: |argument, builder| compile("tls.cert_subject", argument, builder, SUBJECT_SYNTAX),
};

/// `tls.issuerdn`.
pub static TLS_ISSUER: Operator = Operator {
    name: "tls.issuerdn",
    aliases: &[],
    help: "The same as `tls.cert_issuer` followed by a `content`.",
    syntax: ISSUER_SYNTAX,
    examples: &[Example {
        rule: "tls.issuerdn:!\"CN=Example CA\";",
        payload: b"CN=Example CA",
        alerts: false,
    }],
    compile: |argument, builder| compile("tls.cert_issuer", argument, builder, ISSUER_SYNTAX),
};

/// `tls.fingerprint`.
pub static TLS_FINGERPRINT: Operator = Operator {
    name: "tls.fingerprint",
    aliases: &[],
    help: "The same as `tls.cert_fingerprint` followed by a `content`.",
    syntax: FINGERPRINT_SYNTAX,
    examples: &[Example {
        rule: "tls.fingerprint:\"4a:a3:66:76:82:cb:6b:23:bb:c3:58:47:23:a4:63:a7:78:a4:a1:18\";",
        payload: b"4a:a3:66:76",
        alerts: false,
    }],
    compile: |argument, builder| {
        compile("tls.cert_fingerprint", argument, builder, FINGERPRINT_SYNTAX)
    },
};
