//! A connection as EVE shows it: Suricata's `tls` object with its extended fields.

use super::connection::Connection;
use crate::field::{Describe, Tree};
use crate::protocols::formats::hello::Ja3;
use crate::time::Timestamp;

impl Describe for Connection {
    fn describe(&self, tree: &mut dyn Tree) {
        if let Some(certificate) = &self.certificate {
            tree.text("subject", certificate.subject.as_bytes());
            tree.text("issuerdn", certificate.issuer.as_bytes());
        }
        if self.resumed {
            tree.bool("session_resumed", true);
        }
        if let Some(certificate) = &self.certificate {
            tree.text("serial", certificate.serial.as_bytes());
            tree.text("fingerprint", certificate.fingerprint.as_bytes());
        }
        if let Some(sni) = self.client.as_ref().and_then(|client| client.sni.as_ref()) {
            tree.text("sni", sni);
        }
        tree.text("version", self.version_name().as_bytes());
        if let Some(certificate) = &self.certificate {
            tree.text("notbefore", date(certificate.not_before).as_bytes());
            tree.text("notafter", date(certificate.not_after).as_bytes());
        }
        let ja3 = self.client.as_ref().and_then(|client| client.ja3.as_ref());
        let ja3s = self.server.as_ref().and_then(|server| server.ja3s.as_ref());
        fingerprint("ja3", ja3, tree);
        fingerprint("ja3s", ja3s, tree);
        if let Some(client) = self.client.as_ref().filter(|client| !client.ja4.is_empty()) {
            tree.text("ja4", client.ja4.as_bytes());
        }
        let names = self.certificate.iter().flat_map(|certificate| &certificate.names);
        list("subjectaltname", names.map(String::as_bytes), tree);
        let offered = self.client.iter().flat_map(|client| &client.alpn);
        list("client_alpns", offered.map(Vec::as_slice), tree);
        let chosen = self.server.iter().flat_map(|server| &server.alpn);
        list("server_alpns", chosen.map(Vec::as_slice), tree);
    }

    fn certificates(&self) -> &[Box<[u8]>] {
        &self.chain
    }
}

fn fingerprint(key: &str, ja3: Option<&Ja3>, tree: &mut dyn Tree) {
    if let Some(ja3) = ja3 {
        tree.object(key, &mut |tree| {
            tree.text("hash", ja3.hash.as_bytes());
            tree.text("string", ja3.string.as_bytes());
        });
    }
}

fn list<'a>(key: &str, values: impl Iterator<Item = &'a [u8]> + Clone, tree: &mut dyn Tree) {
    if values.clone().next().is_some() {
        tree.list(key, &mut |tree| values.clone().for_each(|value| tree.text("", value)));
    }
}

/// `2017-01-04T10:48:43`. What is before 1970 is shown as its beginning.
fn date(seconds: i64) -> String {
    let text = Timestamp::new(seconds.try_into().unwrap_or(0), 0).to_string();
    text.get(..19).unwrap_or_default().to_owned()
}
