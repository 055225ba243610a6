//! A stream as EVE shows it: Suricata's `http` object with `http2` in it.

use super::names::{ERRORS, SETTINGS, name};
use super::stream::{Part, Stream};
use crate::field::{Describe, Tree};

impl Describe for Stream {
    fn describe(&self, tree: &mut dyn Tree) {
        tree.text("version", b"2");
        for (key, part) in
            [("request_headers", &self.request), ("response_headers", &self.response)]
        {
            if !part.fields.is_empty() || !part.updates.is_empty() {
                tree.list(key, &mut |tree| fields(part, tree));
            }
        }
        let texts: [(&str, &[u8], &Part); 4] = [
            ("http_method", b":method", &self.request),
            ("url", b":path", &self.request),
            ("http_user_agent", b"user-agent", &self.request),
            ("hostname", b"host", &self.request),
        ];
        for (key, field, part) in texts {
            if let Some(value) = last(part, field) {
                tree.text(key, value);
            }
        }
        let length = last(&self.response, b"content-length");
        let length = length.or_else(|| last(&self.request, b"content-length"));
        for (key, value) in [("status", last(&self.response, b":status")), ("length", length)] {
            let number = value.and_then(|value| std::str::from_utf8(value).ok()?.parse().ok());
            if let Some(number) = number {
                tree.int(key, number);
            }
        }
        tree.object("http2", &mut |tree| {
            tree.int("stream_id", self.id.into());
            for (key, part) in [("request", &self.request), ("response", &self.response)] {
                let tells = [part.settings.len(), part.errors.len(), part.priorities.len()];
                if tells != [0; 3] {
                    tree.object(key, &mut |tree| frames(part, tree));
                }
            }
        });
    }

    /// The message of DNS that it carries: the answer, before there is one the question.
    fn beside(&self, tree: &mut dyn Tree) {
        if let Some(message) = self.response.dns.as_ref().or(self.request.dns.as_ref()) {
            tree.object("dns", &mut |tree| message.describe(tree));
        }
    }

    fn is_logged(&self) -> bool {
        self.request.tells() || self.response.tells()
    }
}

/// The value that was sent last.
fn last<'a>(part: &'a Part, name: &[u8]) -> Option<&'a [u8]> {
    part.fields.iter().rev().find(|field| field.name == name).map(|field| field.value.as_slice())
}

fn fields(part: &Part, tree: &mut dyn Tree) {
    for size in &part.updates {
        tree.object("", &mut |tree| tree.int("table_size_update", *size));
    }
    for field in &part.fields {
        tree.object("", &mut |tree| {
            tree.text("name", &field.name);
            tree.text("value", &field.value);
        });
    }
}

fn frames(part: &Part, tree: &mut dyn Tree) {
    if !part.settings.is_empty() {
        tree.list("settings", &mut |tree| {
            for (id, value) in &part.settings {
                tree.object("", &mut |tree| {
                    let id = name(SETTINGS, u64::from(*id)).replace('_', "");
                    tree.text("settings_id", id.as_bytes());
                    tree.int("settings_value", u64::from(*value));
                });
            }
        });
    }
    if let Some(code) = part.errors.first() {
        let code = name(ERRORS, u64::from(*code)).replace('_', "");
        tree.text("error_code", code.as_bytes());
    }
    if let Some(weight) = part.priorities.first() {
        tree.int("priority", u64::from(*weight));
    }
    if let Some(multiple) = part.multiple {
        tree.text("has_multiple", multiple.as_bytes());
    }
}
