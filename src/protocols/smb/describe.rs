//! An exchange as EVE shows it: Suricata's `smb` object.

use super::names;
use super::transaction::{Create, Detail, Negotiate, Session, Status, Transaction, Tree};
use crate::field::{Describe, Tree as Out};
use crate::protocols::formats::dcerpc::{self, Call, kind};

impl Describe for Transaction {
    fn describe(&self, out: &mut dyn Out) {
        out.int("id", self.id);
        if out.wants("dialect") {
            out.text("dialect", &self.dialect.text());
        }
        if self.version != 0 {
            out.text("command", names::command(self.version, self.command).as_bytes());
        }
        match self.status {
            Some(Status::Nt(status)) => {
                if out.wants("status") {
                    out.text("status", names::status(status).as_bytes());
                }
                out.text("status_code", format!("{status:#x}").as_bytes());
            }
            Some(Status::Dos(class, code)) => {
                out.text("status", names::dos_error(class, code).as_bytes());
                out.text("status_code", format!("0x{code:04x}").as_bytes());
            }
            None => {}
        }
        out.int("session_id", self.key.session);
        out.int("tree_id", self.key.tree.into());
        match &self.detail {
            Detail::Plain => {}
            Detail::Negotiate(detail) => negotiate(detail, out),
            Detail::Session(detail) => session(detail, out),
            Detail::Tree(detail) => tree(detail, self.version, out),
            Detail::Create(detail) => create(detail, out),
            Detail::File(file) => {
                out.text("filename", &file.name);
                out.text("share", &file.share);
                fuid(&file.handle, out);
            }
            Detail::Rename { from, to, handle: of } => {
                if self.version == 2 {
                    out.object("set_info", &mut |out| {
                        out.text("class", b"FILE_INFO");
                        out.text("info_level", b"SMB2_FILE_RENAME_INFO");
                    });
                }
                out.object("rename", &mut |out| {
                    out.text("from", from);
                    out.text("to", to);
                });
                fuid(of, out);
            }
            Detail::Call(detail) => out.object("dcerpc", &mut |out| call(detail, out)),
            Detail::Control(function) => {
                out.text("function", names::control(*function).as_bytes());
            }
            Detail::SetInfo { name, handle: of, command, level, delete } => {
                named("filename", name, out);
                access(*delete, out);
                match command {
                    8 => out.text("subcmd", b"SET_FILE_INFO"),
                    6 => out.text("subcmd", b"SET_PATH_INFO"),
                    _ => {}
                }
                if *level == 1013 {
                    out.text("level_of_interest", b"Set Disposition Information");
                }
                fuid(of, out);
            }
        }
    }
}

fn access(delete: bool, out: &mut dyn Out) {
    out.text("access", if delete { b"delete on close" } else { b"normal" });
}

/// A name without zero bytes; an empty one is the root of the share.
fn named(key: &str, name: &[u8], out: &mut dyn Out) {
    let bare: Vec<u8> = name.iter().copied().filter(|byte| *byte != 0).collect();
    if bare.is_empty() {
        out.text("filename", b"<share_root>");
    } else {
        out.text(key, &bare);
    }
}

fn negotiate(negotiate: &Negotiate, out: &mut dyn Out) {
    if !negotiate.dialects.is_empty() {
        out.list("client_dialects", &mut |out| {
            negotiate.dialects.iter().for_each(|dialect| out.text("", dialect));
        });
    }
    if let Some(client) = &negotiate.client {
        out.text("client_guid", guid(client).as_bytes());
    }
    out.text("server_guid", guid(&negotiate.server).as_bytes());
    let (read, write) = negotiate.limits;
    if read > 0 {
        out.int("max_read_size", read.into());
    }
    if write > 0 {
        out.int("max_write_size", write.into());
    }
}

fn session(session: &Session, out: &mut dyn Out) {
    if let Some(who) = &session.logon.ntlmssp {
        out.object("ntlmssp", &mut |out| {
            out.text("domain", &who.domain);
            out.text("user", &who.user);
            out.text("host", &who.host);
            if let Some(version) = who.version_text() {
                out.text("version", version.as_bytes());
            }
        });
    }
    if let Some(ticket) = &session.logon.ticket {
        out.object("kerberos", &mut |out| {
            out.text("realm", &ticket.realm);
            if !ticket.service.components.is_empty() {
                out.list("snames", &mut |out| {
                    ticket.service.components.iter().for_each(|name| out.text("", name));
                });
            }
        });
    }
    for (key, host) in [("request", &session.request), ("response", &session.response)] {
        if let Some([system, software]) = host {
            out.object(key, &mut |out| {
                out.text("native_os", system);
                out.text("native_lm", software);
            });
        }
    }
}

fn tree(tree: &Tree, version: u8, out: &mut dyn Out) {
    out.text(if tree.is_pipe { "named_pipe" } else { "share" }, &tree.path);
    if version == 1 {
        out.object("service", &mut |out| {
            if let Some(service) = &tree.asked {
                out.text("request", service);
            }
            if let Some(service) = &tree.given {
                out.text("response", service);
            }
        });
        return;
    }
    out.text(
        "share_type",
        match tree.kind {
            1 => b"FILE",
            2 => b"PIPE",
            3 => b"PRINT",
            _ => b"UNKNOWN",
        },
    );
}

fn create(create: &Create, out: &mut dyn Out) {
    named(if create.directory { "directory" } else { "filename" }, &create.name, out);
    const DISPOSITIONS: [&str; 6] = [
        "FILE_SUPERSEDE",
        "FILE_OPEN",
        "FILE_CREATE",
        "FILE_OPEN_IF",
        "FILE_OVERWRITE",
        "FILE_OVERWRITE_IF",
    ];
    let index = usize::try_from(create.disposition).unwrap_or(usize::MAX);
    let disposition = DISPOSITIONS.get(index).copied().unwrap_or("UNKNOWN");
    out.text("disposition", disposition.as_bytes());
    access(create.delete, out);
    for (key, time) in
        ["created", "accessed", "modified", "changed"].iter().zip(create.created.times)
    {
        out.int(key, unix_seconds(time));
    }
    out.int("size", create.created.size);
    fuid(&create.created.handle, out);
}

fn call(call: &Call, out: &mut dyn Out) {
    let request = call.request.map_or("REQUEST_LOST".into(), dcerpc::name);
    out.text("request", request.as_bytes());
    let response = call.response.map_or("UNREPLIED".into(), dcerpc::name);
    out.text("response", response.as_bytes());
    match call.request {
        Some(kind::REQUEST) => {
            out.int("opnum", call.operation.into());
            out.object("req", &mut |out| {
                out.int("frag_cnt", call.arguments.fragments.into());
                out.int("stub_data_size", call.arguments.size);
            });
            interfaces(call, false, out);
        }
        Some(kind::BIND) => interfaces(call, true, out),
        _ => {}
    }
    if call.response == Some(kind::RESPONSE) {
        out.object("res", &mut |out| {
            out.int("frag_cnt", call.results.fragments.into());
            out.int("stub_data_size", call.results.size);
        });
    }
    out.int("call_id", call.id.into());
}

/// Those that are bound, with what the server said; or that of a call.
fn interfaces(call: &Call, bound: bool, out: &mut dyn Out) {
    let shown = |interface: &&dcerpc::Interface| bound || interface.context == call.context;
    if !call.interfaces.iter().any(|interface| shown(&interface)) {
        return;
    }
    out.list("interfaces", &mut |out| {
        for interface in call.interfaces.iter().filter(shown) {
            out.object("", &mut |out| {
                out.text("uuid", dcerpc::uuid(&interface.uuid).as_bytes());
                let version = format!("{}.{}", interface.version, interface.minor);
                out.text("version", version.as_bytes());
                if let Some(outcome) = interface.outcome.filter(|_| bound) {
                    out.int("ack_result", outcome.result.into());
                    out.int("ack_reason", outcome.reason.into());
                }
            });
        }
    });
}

/// Seconds since 1970 of a time in 100 ns since 1601; 0 before that.
fn unix_seconds(time: u64) -> u64 {
    (time / 10_000_000).saturating_sub(11_644_473_600) & 0xffff_ffff
}

fn fuid(bytes: &[u8], out: &mut dyn Out) {
    if out.wants("fuid") {
        out.text("fuid", handle(bytes).as_bytes());
    }
}

/// A handle as text: a GUID, or the number of SMB 1.
fn handle(bytes: &[u8]) -> String {
    match bytes {
        [low, high] | [low, high, _, _, _, _] => format!("{high:02x}{low:02x}"),
        _ => guid(bytes),
    }
}

/// A GUID as Suricata writes it: every part swapped.
fn guid(bytes: &[u8]) -> String {
    let Ok([a, b, c, d, e, f, g, h, rest @ ..]) = <[u8; 16]>::try_from(bytes) else {
        return String::new();
    };
    let [i, j, k, l, m, n, o, p] = rest;
    let order = [d, c, b, a, f, e, h, g, j, i, l, k, p, o, n, m];
    dcerpc::uuid(&order)
}
