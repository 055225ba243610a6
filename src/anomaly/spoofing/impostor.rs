//! Messages in a router's name that another machine sends: "go by way of me" (redirects of ICMP, RFC
//! 792, and of NDP, RFC 4861, 8), "I am no way out any more" (4.2).
//!
//! The address of who sent them can be made up, the hardware address of the frame seldom is. So the frame
//! has to come from the machine that has the router's address; and a machine that sends others to itself
//! speaks for nobody else. Nobody redirects all machines at once, and no router resigns again and again
//! while it goes on.

use std::net::{IpAddr, Ipv4Addr};

use super::KIND;
use super::claims::{Claims, Mac};
use super::neighbours::{self, Routers};
use super::told::Told;
use super::words::hex;
use crate::anomaly::known::{Vlan, is_redundant_router};
use crate::anomaly::stats::Recent;
use crate::anomaly::{Found, Judgement, Said};
use crate::field::Node;
use crate::net::{Endpoint, ip_protocol, is_group};
use crate::record::{Context, IcmpMessage, Level};
use crate::time::{Duration, Timestamp};

/// Impostors remembered.
const IMPOSTORS_MAX: usize = 256;
/// After this time the same is told again.
const AGAIN: Duration = Duration::from_secs(3600);
/// Type of a redirect of ICMP, and of NDP.
const REDIRECT: (u8, u8) = (5, neighbours::REDIRECT);
/// A router that resigns so often within this time, while it goes on, is not who says so.
const RESIGNED_MIN: u32 = 4;
const SOON: Duration = Duration::from_secs(3600);
const AT_ONCE: Duration = Duration::from_secs(1);

/// See the module's page.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Impostors {
    /// When what a card did was told last, by the address that it used.
    told: Recent<(Vlan, Mac, IpAddr), Timestamp>,
    many: Told,
    /// Routers that resigned.
    resigned: Recent<(Vlan, IpAddr), Resigned>,
}

/// What is known of who is there.
pub(super) struct Link<'a> {
    pub(super) claims: &'a Claims,
    pub(super) routers: &'a Routers,
    /// Who was silent for so long may have lost its address honestly.
    pub(super) reassigned: Duration,
}

/// How often a router resigned and was one again.
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Resigned {
    since: Timestamp,
    times: u32,
    /// When it had said last that it is one.
    said: Timestamp,
}

/// What gives it away.
#[derive(Clone, Copy)]
enum Sign {
    /// The router is at this hardware address.
    OtherCard(Mac),
    /// It sends the others to itself.
    ItsOwn,
    /// All machines are told.
    ToAll,
    /// The router goes on saying that it is one.
    GoesOn,
}

/// A message that is no router's.
struct Forged {
    mac: Mac,
    router: IpAddr,
    /// Where it sends the others; none when it says that the router is none.
    to: Option<IpAddr>,
    sign: Sign,
}

impl Impostors {
    pub(super) const fn new() -> Self {
        Self {
            told: Recent::new(IMPOSTORS_MAX),
            many: Told::new(),
            resigned: Recent::new(IMPOSTORS_MAX),
        }
    }

    /// Takes a message; the finding when it is a router's in name only.
    pub(super) fn add(
        &mut self,
        context: &Context,
        message: &IcmpMessage,
        at: Timestamp,
        link: &Link<'_>,
    ) -> Option<Found> {
        let forged = self.forged(context, message, at, link)?;
        let key = (context.vlan, forged.mac, forged.router);
        if self.told.peek(&key).is_some_and(|told| at.since(*told) < AGAIN) {
            return None;
        }
        *self.told.touch(&key) = at;
        self.many.is_due(context.vlan).then(|| found(context, &forged))
    }

    pub(super) fn memory(&self) -> usize {
        self.told.memory() + self.many.memory() + self.resigned.memory()
    }

    fn forged(
        &mut self,
        context: &Context,
        message: &IcmpMessage,
        at: Timestamp,
        link: &Link<'_>,
    ) -> Option<Forged> {
        let (source, target) = (context.source?.addr, context.destination?.addr);
        let mac = message.frame_source.filter(|mac| !is_redundant_router(*mac))?;
        let v6 = context.protocol == ip_protocol::ICMPV6;
        let redirects = message.kind == if v6 { REDIRECT.1 } else { REDIRECT.0 };
        let to = match (redirects, v6) {
            (true, false) => Some(IpAddr::from(Ipv4Addr::from_bits(message.rest))),
            (true, true) if neighbours::is_local(context, message) => {
                Some(IpAddr::from(*message.sample.first_chunk::<16>()?))
            }
            // Some announce networks and never were a way out; others stop once.
            (false, _) if neighbours::resigns(context, message) => None,
            _ => return None,
        };
        let said = link.routers.said(context.vlan, source).filter(|said| at <= said.until);
        let goes_on = match (redirects, said) {
            (true, _) => false,
            (false, Some(said)) => self.goes_on((context.vlan, source), at, said.at),
            (false, None) => return None,
        };
        let held = |address| link.claims.holders(context.vlan, address, at, link.reassigned);
        // Of a router that was not heard on this link nothing is known: who is beyond the true one can send
        // what looks so. Where two claim the address it is not known who has it.
        let known = held(source);
        let contested = known.is_some_and(|(_, before)| before == Some(mac));
        let other = known.map(|(held, _)| held).filter(|held| *held != mac && !contested);
        let other = other.filter(|held| !is_redundant_router(*held));
        let to_itself = |to: IpAddr| to != source && held(to).is_some_and(|(held, _)| held == mac);
        let its_own = || known.is_some() && !contested && to.is_some_and(to_itself);
        let sign = match other {
            Some(router) => Sign::OtherCard(router),
            None if its_own() => Sign::ItsOwn,
            None if redirects && is_group(target) => Sign::ToAll,
            None if goes_on => Sign::GoesOn,
            None => return None,
        };
        Some(Forged { mac, router: source, to, sign })
    }

    /// Whether a router that resigns, and has said that it is one at `said`, has done both at once again and
    /// again: one whose line comes and goes takes seconds.
    fn goes_on(&mut self, router: (Vlan, IpAddr), at: Timestamp, said: Timestamp) -> bool {
        let resigned = self.resigned.touch(&router);
        if at.since(resigned.since) > SOON {
            *resigned = Resigned { since: at, ..Resigned::default() };
        }
        resigned.times += u32::from(said > resigned.said && at.since(said) <= AT_ONCE);
        resigned.said = said;
        resigned.times >= RESIGNED_MIN
    }
}

fn found(context: &Context, forged: &Forged) -> Found {
    let Forged { mac, router, sign, .. } = forged;
    let (who, says, find) = (forged.who(), forged.says(), forged.find());
    Judgement {
        kind: &KIND,
        sid: 9,
        title: forged.title(),
        context: Context { source: Some(Endpoint { addr: *router, port: 0 }), ..*context },
        level: Level::Medium,
        score: 1.0,
        threshold: 1.0,
        confidence: if matches!(sign, Sign::ToAll) { 0.7 } else { 0.85 },
        numbers: vec![("hardware_address", Node::Text(hex(*mac).into_bytes()))],
        baseline: vec![("machines_per_address", Node::Int(1))],
        evidence: context.flow_id.into_iter().collect(),
        // Who has no router has no network.
        technique: if forged.to.is_some() { "T1557" } else { "T1499" },
        acn: match forged.to {
            Some(_) => &["acn:impact=\"confidentiality\""],
            None => &["acn:impact=\"availability\""],
        },
        took: Duration::default(),
        seen: Said::new(
            format!("{} dice alle altre, a nome di {router}, {}.", who.it, says.it),
            format!("{} tells others, in the name of {router}, {}.", who.en, says.en),
        ),
        normal: Said::new(
            "Di norma lo dice soltanto il router, dalla propria scheda di rete.",
            "Normally only the router says so, from its own network card.",
        ),
        why: forged.why(),
        meaning: Said::new(
            "Così una macchina si mette sulla strada delle altre e può leggere ciò che si dicono, oppure \
             le lascia senza rete.",
            "This is how a machine puts itself in the others' way and can read what they say, or leaves \
             them without network.",
        ),
        advice: Said::new(
            format!(
                "{} (lo switch dice da quale porta arrivano) e scollegare la macchina; far ignorare i \
                 redirect ICMP ai PC e attivare RA guard sullo switch.",
                find.it
            ),
            format!(
                "{} (the switch tells the port) and disconnect the machine; let the PCs ignore ICMP \
                 redirects and turn on RA guard on the switch.",
                find.en
            ),
        ),
    }
    .found()
}

impl Forged {
    fn title(&self) -> String {
        let (card, router) = (hex(self.mac), self.router);
        match (self.to, self.sign) {
            (Some(to), _) => format!("Forged redirect: {card} sends others to {to} as {router}"),
            (None, Sign::GoesOn) => {
                format!("Forged router advertisement: somebody says that {router} is no router")
            }
            (None, _) => {
                format!("Forged router advertisement: {card} says that {router} is no router")
            }
        }
    }

    /// Who sends it: of a router that goes on the other has made up the card, too.
    fn who(&self) -> Said {
        let card = hex(self.mac);
        match self.sign {
            Sign::GoesOn => Said::new("Una macchina", "A machine"),
            _ => Said::new(
                format!("La macchina con indirizzo hardware {card}"),
                format!("The machine with hardware address {card}"),
            ),
        }
    }

    fn find(&self) -> Said {
        let card = hex(self.mac);
        match self.sign {
            Sign::GoesOn => Said::new("trovare chi invia gli annunci", "find who sends them"),
            _ => Said::new(
                format!("trovare la macchina con indirizzo hardware {card}"),
                format!("find the machine with hardware address {card}"),
            ),
        }
    }

    fn says(&self) -> Said {
        match self.to {
            Some(to) => Said::new(
                format!("di passare per {to} (redirect ICMP)"),
                format!("to go by way of {to} (ICMP redirect)"),
            ),
            None => Said::new(
                "che il router non è più una via d'uscita (annuncio NDP con durata zero)",
                "that the router is no way out any more (router advertisement with lifetime zero)",
            ),
        }
    }

    fn why(&self) -> Said {
        match self.sign {
            Sign::OtherCard(router) => {
                let (card, router) = (hex(self.mac), hex(router));
                Said::new(
                    format!(
                        "il router ha l'indirizzo hardware {router}, il messaggio viene da {card}"
                    ),
                    format!(
                        "the router has hardware address {router}, the message came from {card}"
                    ),
                )
            }
            Sign::ItsOwn => Said::new(
                "la macchina manda le altre a se stessa, con il nome di un'altra",
                "the machine sends the others to itself, in another's name",
            ),
            Sign::GoesOn => Said::new(
                "il router, subito dopo, continua ad annunciarsi",
                "right afterwards the router goes on announcing itself",
            ),
            Sign::ToAll => Said::new(
                "un router lo dice a una macchina sola, mai a tutte",
                "a router tells it to one machine, never to all",
            ),
        }
    }
}
