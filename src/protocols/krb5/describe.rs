//! A message as EVE shows it: Suricata's `krb5` object.

use super::message::Message;
use super::names;
use crate::field::{Describe, Tree};
use crate::protocols::formats::kerberos::Principal;

impl Describe for Message {
    fn describe(&self, tree: &mut dyn Tree) {
        tree.text("msg_type", names::kind(self.kind).as_bytes());
        if let Some(error) = self.error {
            let failed = self.failed.map_or("UNKNOWN".into(), names::kind);
            tree.text("failed_request", failed.as_bytes());
            tree.text("error_code", names::error(error).as_bytes());
        }
        let text = |name: Option<&Principal>| name.map_or(b"<empty>".to_vec(), Principal::text);
        tree.text("cname", &text(self.client.as_ref()));
        tree.text("realm", self.realm.as_deref().unwrap_or(b"<empty>"));
        tree.text("sname", &text(self.service.as_ref()));
        let encryption = self.encryption.map_or("<none>".into(), names::encryption);
        tree.text("encryption", encryption.as_bytes());
        tree.bool("weak_encryption", self.is_weak());
        if let Some(ticket) = self.ticket {
            tree.text("ticket_encryption", names::encryption(ticket).as_bytes());
            tree.bool("ticket_weak_encryption", names::is_weak(ticket));
        }
    }
}
