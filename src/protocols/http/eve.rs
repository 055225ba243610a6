//! The `http` object of EVE, Suricata's extended form.

use super::range::Range;
use super::transaction::Transaction;
use crate::field::{Describe, Tree};

impl Describe for Transaction {
    fn describe(&self, tree: &mut dyn Tree) {
        let mut text = |key: &str, value: Option<&[u8]>| {
            if let Some(value) = value {
                tree.text(key, value);
            }
        };
        text("hostname", self.host());
        if let Some(port) = self.port() {
            tree.int("http_port", u64::from(port));
        }
        let mut text = |key: &str, value: Option<&[u8]>| {
            if let Some(value) = value {
                tree.text(key, value);
            }
        };
        text("url", self.request.part(1));
        text("http_user_agent", self.request.get(b"user-agent"));
        text("xff", self.request.get(b"x-forwarded-for"));
        let content_type = self.response.get(b"content-type");
        text(
            "http_content_type",
            content_type.and_then(|value| value.split(|byte| *byte == b';').next()),
        );
        if let Some(value) = self.response.get(b"content-range") {
            tree.object("content_range", &mut |tree| content_range(value, tree));
        }
        let mut text = |key: &str, value: Option<&[u8]>| {
            if let Some(value) = value {
                tree.text(key, value);
            }
        };
        text("http_refer", self.request.get(b"referer"));
        text("http_method", self.request.part(0));
        text("protocol", self.request.part(2));
        match self.status() {
            Some(status) => tree.int("status", u64::from(status)),
            None => text("status_string", self.response.part(1)),
        }
        if let Some(location) = self.response.get(b"location") {
            tree.text("redirect", location);
        }
        tree.int("length", self.response_body.length());
    }
}

/// The Content-Range that `value` says.
fn content_range(value: &[u8], tree: &mut dyn Tree) {
    tree.text("raw", value);
    let Some(range) = Range::parse(value) else { return };
    if let Some((start, end)) = range.bounds {
        tree.int("start", start);
        tree.int("end", end);
    }
    if let Some(size) = range.size {
        tree.int("size", size);
    }
}
