//! `tls.store`: keep the certificates of the connection that a rule is about.

use std::sync::Arc;

use crate::detect::operator::{Example, Operator};
use crate::detect::syntax::bare;

/// `tls.store` (Suricata's user guide, "SSL/TLS Keywords").
pub static TLS_STORE: Operator = Operator {
    name: "tls_store",
    aliases: &["tls.store"],
    help: "Has the certificates that the server sent stored, when a folder for files is given. The \
           rule has to match before the connection's record is written.",
    syntax: "tls_store;",
    examples: &[Example { rule: r#"content:"x"; tls_store;"#, payload: b"x", alerts: true }],
    compile: |argument, builder| {
        Arc::make_mut(&mut builder.rule.signature).keeps_certificates = true;
        bare(argument)
    },
};
