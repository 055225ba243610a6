//! Programs that steal passwords: they look up under which address they are seen, then hand over
//! what they have found by mail, FTP, a messenger's robot or a web page.

use std::net::IpAddr;

use super::places;
use crate::anomaly::stats::Recent;
use crate::anomaly::{FieldRef, Known, Site};
use crate::net::Endpoint;
use crate::record::{Context, TransactionRecord};
use crate::time::{Duration, Timestamp};

/// Hosts remembered that looked up their address.
const HOSTS_MAX: usize = 1024;
/// Bytes kept of the name of a service.
const NAME_BYTES_MAX: usize = 128;
/// Pairs of hosts and servers with uploads remembered.
const USED_MAX: usize = 1024;
/// Ports on which mail is handed in.
const MAIL_PORTS: &[u16] = &[25, 26, 465, 587, 2525];
/// Names under which common thieves store: passwords, cookies, keys typed, screens.
const LOOT: &[&[u8]] = &[b"PW_", b"CO_", b"KL_", b"SC_", b"CC_"];
/// The messenger's door for robots; its own programs use others.
const ROBOTS: &[u8] = b"api.telegram.org";

/// How something was handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Mail handed to a server outside.
    Mail,
    /// A file stored by FTP; whether it is named as thieves do.
    Ftp { loot: bool },
    /// The robots' door of Telegram.
    Robot,
    /// A form sent to a server that is known by address only.
    Form,
}

/// Something was handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Handover {
    pub(super) way: Way,
    /// What was named: sender of the mail, file, name, page.
    pub(super) what: Vec<u8>,
    /// When the host looked up its address, and where, if it did shortly before.
    pub(super) lookup: Option<(Timestamp, String)>,
    /// The host had handed over to this server without a look-up before.
    pub(super) used: bool,
}

/// See the module's page.
pub(super) struct Thief {
    within: Duration,
    query: FieldRef,
    server_name: FieldRef,
    host: FieldRef,
    method: FieldRef,
    uri: FieldRef,
    mail_from: FieldRef,
    command: FieldRef,
    command_data: FieldRef,
    /// The last look-up of a host.
    pub(super) lookups: Recent<IpAddr, (Timestamp, String)>,
    /// Servers to which a host handed over without one.
    pub(super) used: Recent<(IpAddr, IpAddr), ()>,
}

impl Thief {
    pub(super) fn new(site: &Site, within: Duration) -> Self {
        Self {
            within,
            query: site.field("dns", "dns.queries.rrname"),
            server_name: site.field("tls", "tls.sni"),
            host: site.field("http", "http.host"),
            method: site.field("http", "http.method"),
            uri: site.field("http", "http.uri"),
            mail_from: site.field("smtp", "smtp.mail_from"),
            command: site.field("ftp", "ftp.command"),
            command_data: site.field("ftp", "ftp.command_data"),
            lookups: Recent::new(HOSTS_MAX),
            used: Recent::new(USED_MAX),
        }
    }

    /// What a transaction hands over, if it does.
    pub(super) fn read(
        &mut self,
        (context, at): (&Context, Timestamp),
        of: &TransactionRecord,
        known: &Known,
    ) -> Option<Handover> {
        let (host, server) = (context.source?.addr, context.destination?);
        let (ours, within) = known.ours(host, server.addr);
        if !ours {
            return None;
        }
        let name = match of.protocol {
            "dns" => self.query,
            "tls" => self.server_name,
            "http" => self.host,
            _ => FieldRef::default(),
        };
        let lookup = |name: &[u8]| {
            let kept = name.get(..NAME_BYTES_MAX).unwrap_or(name);
            places::tells_address(name).then(|| String::from_utf8_lossy(kept).into_owned())
        };
        if let Some(Some(service)) = name.bytes(of, lookup) {
            *self.lookups.touch(&host) = (at, service);
            return None;
        }
        if of.protocol == "dns" || within {
            return None;
        }
        let (way, what) = self.handover(server, of, known)?;
        let lookup = self.lookups.peek(&host).filter(|(then, _)| at.since(*then) <= self.within);
        let lookup = lookup.cloned();
        let used = self.used.peek(&(host, server.addr)).is_some();
        if lookup.is_none() {
            self.used.touch(&(host, server.addr));
        }
        Some(Handover { way, what, lookup, used })
    }

    fn handover(
        &self,
        server: Endpoint,
        of: &TransactionRecord,
        known: &Known,
    ) -> Option<(Way, Vec<u8>)> {
        match of.protocol {
            "smtp" => {
                let from = self.mail_from.bytes(of, <[u8]>::to_vec)?;
                MAIL_PORTS.contains(&server.port).then_some((Way::Mail, from))
            }
            "ftp" => {
                let stores = self.command.bytes(of, |command| {
                    command.eq_ignore_ascii_case(b"STOR") || command.eq_ignore_ascii_case(b"APPE")
                });
                if stores != Some(true) {
                    return None;
                }
                let file = self.command_data.bytes(of, <[u8]>::to_vec).unwrap_or_default();
                let name = file.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
                let loot = LOOT.iter().any(|start| name.starts_with(start));
                Some((Way::Ftp { loot }, file))
            }
            "tls" => {
                let name = self.server_name.bytes(of, <[u8]>::to_vec)?;
                name.eq_ignore_ascii_case(ROBOTS).then_some((Way::Robot, name))
            }
            "http" => {
                let posts = self.method.bytes(of, |method| matches!(method, b"POST" | b"PUT"));
                if posts != Some(true) || known.name(server.addr).is_some() {
                    return None;
                }
                Some((Way::Form, self.uri.bytes(of, <[u8]>::to_vec).unwrap_or_default()))
            }
            _ => None,
        }
    }

    pub(super) fn memory(&self) -> usize {
        let names: usize = self.lookups.iter().map(|(_, (_, name))| name.capacity()).sum();
        self.lookups.memory() + self.used.memory() + names
    }
}
