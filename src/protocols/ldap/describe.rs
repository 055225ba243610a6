//! The `ldap` object of EVE: a request and its responses.

use super::codes;
use super::message::{Attribute, Body, Message, Outcome};
use super::parser::Exchange;
use crate::field::{Describe, Tree};
use crate::protocols::formats::digits::hex;

impl Describe for Exchange {
    fn describe(&self, tree: &mut dyn Tree) {
        if let Some(request) = &self.request {
            tree.object("request", &mut |tree| {
                tree.int("message_id", request.id.unsigned_abs());
                one(request, tree);
            });
        }
        if !self.responses.is_empty() {
            tree.list("responses", &mut |tree| {
                for response in &self.responses {
                    tree.object("", &mut |tree| {
                        if self.request.is_none() {
                            tree.int("message_id", response.id.unsigned_abs());
                        }
                        one(response, tree);
                    });
                }
            });
        }
    }
}

fn one(message: &Message, tree: &mut dyn Tree) {
    let Some(name) = codes::operation(message.code.into()) else { return };
    tree.text("operation", name.as_bytes());
    if !matches!(message.body, Body::None) {
        tree.object(name, &mut |tree| body(message, tree));
    }
}

fn body(message: &Message, tree: &mut dyn Tree) {
    match &message.body {
        Body::Bind { version, name, sasl } => {
            tree.int("version", *version);
            tree.text("name", name);
            if let Some((mechanism, credentials)) = sasl {
                tree.object("sasl", &mut |tree| {
                    tree.text("mechanism", mechanism);
                    if let Some(credentials) = credentials {
                        tree.text("credentials", hex(credentials, "").as_bytes());
                    }
                });
            }
        }
        Body::Search(search) => {
            tree.text("base_object", &search.base);
            tree.int("scope", search.scope);
            tree.int("deref_alias", search.deref);
            tree.int("size_limit", search.size_limit);
            tree.int("time_limit", search.time_limit);
            tree.bool("types_only", search.types_only);
            texts("attributes", &search.attributes, tree);
        }
        Body::Modify(object, changes) => {
            tree.text("object", object);
            if !changes.is_empty() {
                tree.list("changes", &mut |tree| {
                    changes.iter().for_each(|(kind, attribute)| change(*kind, attribute, tree));
                });
            }
        }
        Body::Entry(name, all) => {
            let (dn, kind) =
                if message.code == 8 { ("entry", "name") } else { ("base_object", "type") };
            tree.text(dn, name);
            attributes(all, kind, tree);
        }
        Body::Delete(name) => tree.text("dn", name),
        Body::Rename { entry, new, delete_old, superior } => {
            tree.text("entry", entry);
            tree.text("new_rdn", new);
            tree.bool("delete_old_rdn", *delete_old);
            text("new_superior", superior, tree);
        }
        Body::Compare(entry, description, value) => {
            tree.text("entry", entry);
            tree.object("attribute_value_assertion", &mut |tree| {
                tree.text("description", description);
                tree.text("value", value);
            });
        }
        Body::Extended(name, value) => {
            text("name", name, tree);
            text("value", value, tree);
        }
        Body::Result(done, name, value) => {
            outcome(done, tree);
            text("name", name, tree);
            match value {
                Some(credentials) if message.code == 1 => {
                    tree.text("server_sasl_creds", hex(credentials, "").as_bytes());
                }
                value => text("value", value, tree),
            }
        }
        Body::Abandon(id) => tree.int("message_id", id.unsigned_abs()),
        Body::None => {}
    }
}

fn change(kind: u64, attribute: &Attribute, tree: &mut dyn Tree) {
    tree.object("", &mut |tree| {
        match kind {
            0 => tree.text("operation", b"add"),
            1 => tree.text("operation", b"delete"),
            2 => tree.text("operation", b"replace"),
            other => tree.text("operation", other.to_string().as_bytes()),
        }
        tree.object("modification", &mut |tree| {
            tree.text("attribute_type", &attribute.name);
            texts("attribute_values", &attribute.values, tree);
        });
    });
}

fn attributes(all: &[Attribute], kind: &str, tree: &mut dyn Tree) {
    if all.is_empty() {
        return;
    }
    tree.list("attributes", &mut |tree| {
        for attribute in all {
            tree.object("", &mut |tree| {
                tree.text(kind, &attribute.name);
                texts("values", &attribute.values, tree);
            });
        }
    });
}

fn outcome(done: &Outcome, tree: &mut dyn Tree) {
    match codes::result(done.code.into()) {
        Some(name) => tree.text("result_code", name.as_bytes()),
        None => tree.text("result_code", done.code.to_string().as_bytes()),
    }
    tree.text("matched_dn", &done.matched_dn);
    tree.text("message", &done.message);
}

fn text(key: &str, value: &Option<Vec<u8>>, tree: &mut dyn Tree) {
    if let Some(value) = value {
        tree.text(key, value);
    }
}

fn texts(key: &str, values: &[Vec<u8>], tree: &mut dyn Tree) {
    if !values.is_empty() {
        tree.list(key, &mut |tree| values.iter().for_each(|value| tree.text("", value)));
    }
}
