//! What findings of spoofing say, in numbers and in words.

use std::net::{IpAddr, Ipv6Addr};

use super::KIND;
use super::claims::{Claimant, Mac};
use super::dhcp::Rivals;
use super::neighbours;
use super::resolver::Answerer;
use crate::anomaly::words::{count, printable, span};
use crate::anomaly::{Found, Judgement, Said};
use crate::field::Node;
use crate::record::{Context, Level};
use crate::time::{Duration, Timestamp};

/// What findings about a claimant need to know.
pub(super) struct About<'a> {
    pub(super) context: &'a Context,
    pub(super) at: Timestamp,
    pub(super) mac: Mac,
    /// An address of its own.
    pub(super) own: Option<IpAddr>,
    /// The claims are of IPv6.
    pub(super) v6: bool,
}

const ACN: &[&str] = &["acn:impact=\"confidentiality\""];

/// A machine stands between two others.
pub(super) fn between(claimant: &Claimant, repeats: u32, about: &About<'_>) -> Found {
    let mut addresses: Vec<String> = Vec::new();
    for claim in claimant.claims.iter().filter(|claim| claim.times >= repeats) {
        let text = claim.address.to_string();
        if !addresses.contains(&text) {
            addresses.push(text);
        }
    }
    let (it, en) = (addresses.join(" e "), addresses.join(" and "));
    let messages = total(claimant);
    Judgement {
        sid: 1,
        title: format!("{} poisoning: {} poses as {en}", protocol(about), who(about)),
        level: Level::High,
        score: addresses.len() as f64,
        threshold: 2.0,
        confidence: 0.95,
        seen: Said::new(
            format!("{} dice alle altre macchine, senza che lo abbiano chiesto, di essere {it}.", who(about)),
            format!("{} tells other machines, unasked, that it is {en}.", who(about)),
        ),
        why: Said::new(
            format!("{messages} messaggi {}, ripetuti, per più indirizzi", protocol(about)),
            format!("{messages} {} messages, repeated, for several addresses", protocol(about)),
        ),
        meaning: Said::new(
            "Così una macchina si mette in mezzo fra le altre e il router, e può leggere o cambiare \
             ciò che si dicono, password comprese.",
            "This is how a machine gets between others and the router, and can read or change what \
             they say, passwords included.",
        ),
        advice: Said::new(
            format!(
                "trovare la macchina con indirizzo hardware {} (lo switch dice su quale porta è), \
                 scollegarla e avvisare il referente per la sicurezza; cambiare le password usate \
                 nel frattempo.",
                hex(about.mac)
            ),
            format!(
                "find the machine with hardware address {} (the switch tells its port), disconnect \
                 it and tell the security contact; change passwords used meanwhile.",
                hex(about.mac)
            ),
        ),
        ..frame(about, claimant)
    }
    .found()
}

/// Two machines use one address.
pub(super) fn conflict(
    claimant: &Claimant,
    address: IpAddr,
    repeats: u32,
    about: &About<'_>,
) -> Found {
    let messages = total(claimant);
    // Network cards that work as a team share one address, but have none besides. fe80::1 is the router's
    // in many a network, and two may be seen here.
    const ROUTER: IpAddr = IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1));
    let insists = claimant.insists(address, repeats);
    let poses = insists || about.own.is_some() && address != ROUTER;
    Judgement {
        sid: 2,
        title: format!("Two machines use the address {address}"),
        level: if poses { Level::Medium } else { Level::Low },
        score: messages as f64,
        threshold: repeats.into(),
        confidence: if poses { 0.7 } else { 0.5 },
        seen: Said::new(
            format!("{} usa l'indirizzo {address}, che anche un'altra macchina usa.", who(about)),
            format!("{} uses the address {address}, which another machine uses too.", who(about)),
        ),
        why: Said::new(
            format!(
                "l'indirizzo è passato più volte dall'una all'altra; {messages} messaggi {}",
                protocol(about)
            ),
            format!("the address went to and fro; {messages} {} messages", protocol(about)),
        ),
        meaning: Said::new(
            "Per lo più è un errore di configurazione (lo stesso indirizzo dato a due macchine); \
             se l'indirizzo è quello del router, qualcuno può volerne leggere il traffico.",
            "Mostly a mistake of configuration (the same address given to two machines); if it is \
             the router's address, someone may want to read its traffic.",
        ),
        advice: Said::new(
            format!(
                "controllare quale macchina deve avere {address} e cambiare l'indirizzo dell'altra."
            ),
            format!("check which machine is to have {address} and change the other's address."),
        ),
        ..frame(about, claimant)
    }
    .found()
}

/// A second DHCP server.
pub(super) fn rivals(context: &Context, rivals: &Rivals) -> Found {
    let server = context.source.map_or_else(|| "?".to_owned(), |end| end.addr.to_string());
    let known = rivals.known;
    let list = |addresses: &[IpAddr]| {
        let texts: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
        if texts.is_empty() { "-".to_owned() } else { texts.join(", ") }
    };
    let (routers, names) = (list(&rivals.offer.routers), list(&rivals.offer.names));
    let (old_routers, old_names) =
        (list(&rivals.known_offer.routers), list(&rivals.known_offer.names));
    let text = |value: &str| Node::Text(value.as_bytes().to_vec());
    // Servers of IPv6 name no routers.
    let (new, old) = if rivals.offer.routers.is_empty() && rivals.known_offer.routers.is_empty() {
        (
            Said::new(format!("server dei nomi {names}"), format!("name servers {names}")),
            old_names.clone(),
        )
    } else {
        let it = format!("router {routers} e server dei nomi {names}");
        let en = format!("router {routers} and name servers {names}");
        (Said::new(it, en), format!("{old_routers}, {old_names}"))
    };
    Judgement {
        kind: &KIND,
        sid: 3,
        title: format!("A second DHCP server, {server}, names another gateway or name server"),
        context: *context,
        level: Level::Medium,
        score: 2.0,
        threshold: 2.0,
        confidence: 0.7,
        numbers: vec![("routers", text(&routers)), ("dns_servers", text(&names))],
        baseline: vec![("routers", text(&old_routers)), ("dns_servers", text(&old_names))],
        evidence: context.flow_id.into_iter().collect(),
        technique: "T1557.003",
        acn: ACN,
        took: Duration::default(),
        seen: Said::new(
            format!(
                "{server} dà indirizzi (DHCP) alla stessa rete di {known}, ma con {} invece di {old}.",
                new.it
            ),
            format!(
                "{server} gives out addresses (DHCP) on the network of {known}, but with {} instead of \
                 {old}.",
                new.en
            ),
        ),
        normal: Said::new(
            "Di norma i server DHCP di una rete danno tutti lo stesso router e gli stessi nomi.",
            "Normally all DHCP servers of a network name the same router and name servers.",
        ),
        why: Said::new("due server in disaccordo", "two servers that disagree"),
        meaning: Said::new(
            "Spesso è un router di casa collegato per errore; un attaccante fa lo stesso per far \
             passare da sé il traffico.",
            "Often a home router plugged in by mistake; an attacker does the same to lead traffic \
             through their own machine.",
        ),
        advice: Said::new(
            format!("verificare chi gestisce {server}; se non è un server vostro, scollegarlo."),
            format!("check who runs {server}; unless it is a server of yours, disconnect it."),
        ),
    }
    .found()
}

/// A second router of IPv6.
pub(super) fn rival_routers(context: &Context, rivals: &neighbours::Rivals) -> Found {
    let router = context.source.map_or_else(|| "?".to_owned(), |end| end.addr.to_string());
    let known = rivals.known;
    let network = |upper: u64| format!("{}/64", Ipv6Addr::from(u128::from(upper) << 64));
    let [theirs, its] = rivals.networks.map(network);
    Judgement {
        kind: &KIND,
        sid: 4,
        title: format!("A second IPv6 router, {router}, announces another network"),
        context: *context,
        level: Level::Medium,
        score: 2.0,
        threshold: 2.0,
        confidence: 0.7,
        numbers: vec![
            ("network", Node::Text(its.clone().into_bytes())),
            ("rivals", Node::Int(rivals.many)),
        ],
        baseline: vec![("network", Node::Text(theirs.clone().into_bytes()))],
        evidence: context.flow_id.into_iter().collect(),
        technique: "T1557",
        acn: ACN,
        took: Duration::default(),
        seen: Said::new(
            format!(
                "{router} si annuncia come router IPv6 della rete {its}, mentre {known} annuncia \
                 {theirs}."
            ),
            format!(
                "{router} announces itself as IPv6 router of the network {its}, while {known} \
                 announces {theirs}."
            ),
        ),
        normal: Said::new(
            "Di norma i router IPv6 di una rete annunciano tutti la stessa rete.",
            "Normally all IPv6 routers of a network announce the same one.",
        ),
        why: Said::new("due router in disaccordo", "two routers that disagree"),
        meaning: Said::new(
            "Spesso è un router di casa, un telefono o un PC che condivide la propria connessione; \
             un attaccante fa lo stesso per far passare da sé il traffico, perché le macchine \
             seguono questi annunci da sole.",
            "Often a home router, a telephone or a PC that shares its connection; an attacker does \
             the same to lead traffic through their own machine, as machines follow such \
             announcements by themselves.",
        ),
        advice: Said::new(
            format!(
                "verificare chi gestisce {router}; se non è un router vostro, scollegarlo; sugli \
                 switch attivare la protezione dagli annunci (RA Guard)."
            ),
            format!(
                "check who runs {router}; unless it is a router of yours, disconnect it; turn on \
                 protection from announcements (RA Guard) on the switches."
            ),
        ),
    }
    .found()
}

/// A machine that answers for names of others.
pub(super) fn answerer(
    answerer: &Answerer,
    protocol: &str,
    context: &Context,
    at: Timestamp,
    names_min: u64,
) -> Found {
    let who = context.source.map_or_else(|| "?".to_owned(), |end| end.addr.to_string());
    let names = answerer.names();
    let many = names >= names_min;
    let shown: Vec<String> = answerer.examples.iter().map(|name| printable(name)).collect();
    let shown = shown.join(", ");
    let took = at.since(answerer.first);
    let span = span(took);
    let of = count(names, ["nome", "nomi diversi"], ["name", "different names"]);
    Judgement {
        kind: &KIND,
        sid: 5,
        title: format!("{protocol} poisoning: {who} answers for {shown}"),
        context: *context,
        level: if many { Level::High } else { Level::Medium },
        score: names as f64,
        threshold: names_min as f64,
        confidence: if many { 0.9 } else { 0.7 },
        numbers: vec![
            ("names", Node::Int(names)),
            ("examples", Node::Text(shown.clone().into_bytes())),
            ("seconds", Node::Float(took.as_secs_f64())),
        ],
        baseline: vec![("names_max", Node::Int(names_min.saturating_sub(1)))],
        evidence: answerer.evidence.clone(),
        technique: "T1557.001",
        acn: ACN,
        took,
        seen: Said::new(
            format!(
                "Alle macchine vicine che cercano un nome ({protocol}) {who} ha risposto «sono io» per \
                 {} in {}: {shown}.",
                of.it, span.it
            ),
            format!(
                "To neighbours that look for a name ({protocol}) {who} answered \"that is me\" for {} in \
                 {}: {shown}.",
                of.en, span.en
            ),
        ),
        normal: Said::new(
            "Di norma una macchina risponde soltanto al proprio nome.",
            "Normally a machine answers to its own name alone.",
        ),
        why: if many {
            Said::new("nessuna macchina ha tanti nomi", "no machine has so many names")
        } else {
            Said::new("è il nome con cui i PC cercano il proxy", "PCs look for the proxy by that name")
        },
        meaning: answerer_meaning(),
        advice: answerer_advice(&who),
    }
    .found()
}

fn answerer_meaning() -> Said {
    Said::new(
        "Chi cerca un nome che non esiste si collega così a questa macchina e le si presenta con \
             le proprie credenziali: è il modo più comune di rubare password in una rete Windows.",
        "Who looks for a name that does not exist connects to this machine so, and presents \
             credentials to it: it is the most common way to steal passwords in a Windows network.",
    )
}

fn answerer_advice(who: &str) -> Said {
    Said::new(
        format!(
            "trovare {who} e scollegarla; cambiare le password di chi vi si è collegato nel \
                 frattempo; disattivare LLMNR e NetBIOS sui PC."
        ),
        format!(
            "find {who} and disconnect it; change the passwords of those who connected to it \
                 meanwhile; turn LLMNR and NetBIOS off on the PCs."
        ),
    )
}

/// By which addresses are claimed.
const fn protocol(about: &About<'_>) -> &'static str {
    if about.v6 { "NDP" } else { "ARP" }
}

/// What findings about a claimant share.
fn frame(about: &About<'_>, claimant: &Claimant) -> Judgement {
    let took = claimant.first.map_or(Duration::default(), |first| about.at.since(first));
    let seconds = span(took);
    Judgement {
        kind: &KIND,
        sid: 0,
        title: String::new(),
        context: *about.context,
        level: Level::Low,
        score: 0.0,
        threshold: 0.0,
        confidence: 0.0,
        numbers: vec![
            ("hardware_address", Node::Text(hex(about.mac).into_bytes())),
            ("messages", Node::Int(total(claimant))),
            ("seconds", Node::Float(took.as_secs_f64())),
        ],
        baseline: vec![("machines_per_address", Node::Int(1))],
        evidence: Vec::new(),
        technique: "T1557.002",
        acn: ACN,
        took,
        seen: Said::default(),
        normal: Said::new(
            format!(
                "Di norma ogni indirizzo ha una sola macchina; questo è durato {}.",
                seconds.it
            ),
            format!("Normally each address has one machine; this took {}.", seconds.en),
        ),
        why: Said::default(),
        meaning: Said::default(),
        advice: Said::default(),
    }
}

fn total(claimant: &Claimant) -> u64 {
    claimant.claims.iter().map(|claim| u64::from(claim.times)).sum()
}

fn who(about: &About<'_>) -> String {
    match about.own {
        Some(own) => format!("{own} ({})", hex(about.mac)),
        None => hex(about.mac),
    }
}

pub(super) fn hex(mac: Mac) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}
