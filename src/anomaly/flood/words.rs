//! What a finding of a flood says.

use super::{Entry, KIND, Limit, Way};
use crate::anomaly::crowd::{Crowd, SOURCES_MAX};
use crate::anomaly::words::{amount, count, host, number, percent, span};
use crate::anomaly::{Found, Judgement, Known, Said, Site};
use crate::field::Node;
use crate::net::{Endpoint, is_group};
use crate::record::{Context, Level};
use crate::time::{Duration, Timestamp};

/// What a finding needs to know.
pub(super) struct About<'a> {
    pub(super) context: &'a Context,
    pub(super) at: Timestamp,
    pub(super) site: &'a Site,
    pub(super) known: &'a Known,
    pub(super) way: Way,
    pub(super) limit: Limit,
    /// What is tolerated in a second.
    pub(super) rate: f64,
    pub(super) grave: f64,
}

const ACN: &[&str] = &["acn:availability=\"dos\"", "acn:impact=\"availability\""];
const ACN_MANY: &[&str] = &["acn:availability=\"ddos\"", "acn:impact=\"availability\""];
const ACN_OURS: &[&str] = &["acn:availability=\"ddos\"", "acn:malicious-code=\"bot\""];

/// The finding.
pub(super) fn found(entry: &Entry, about: &About<'_>) -> Found {
    let none = Crowd::default();
    let crowd = entry.crowd.as_deref().unwrap_or(&none);
    let words = Words::new(entry, crowd, about);
    let level = entry.sum.at(about.at, 0.0);
    let grave = words.ours || level >= about.limit.excess * about.grave;
    // What is made up must not be blamed: a source is named only when it does most of it.
    let source = crowd.leader().map(|addr| Endpoint { addr, port: 0 });
    let took = about.at.since(entry.begun);
    Judgement {
        kind: &KIND,
        sid: sid(about.way) + if words.ours { 10 } else { 0 },
        title: words.title(),
        context: Context { source, ..*about.context },
        level: if grave { Level::High } else { Level::Medium },
        score: level,
        threshold: about.limit.excess,
        confidence: confidence(level, about.limit.excess),
        numbers: vec![
            ("packets", Node::Int(entry.packets)),
            ("bytes", Node::Int(entry.bytes)),
            ("packets_per_second", Node::Float(words.per_second)),
            ("sources", Node::Int(crowd.sources().min(entry.packets))),
            ("source_evenness", Node::Float(crowd.evenness())),
            ("ports", Node::Int(crowd.ports())),
            ("seconds", Node::Float(took.as_secs_f64())),
        ],
        baseline: vec![
            ("tolerated_per_second", Node::Float(about.rate)),
            ("usual_per_second", Node::Float(entry.usual.mean())),
        ],
        evidence: crowd.evidence(),
        technique: technique(about.way),
        acn: if words.ours {
            ACN_OURS
        } else if source.is_some() {
            ACN
        } else {
            ACN_MANY
        },
        took,
        seen: words.seen(took),
        normal: normal(entry, about.rate, words.is_network),
        why: why(level, about.limit.excess),
        meaning: words.meaning(),
        advice: words.advice(),
    }
    .found()
}

const fn sid(way: Way) -> u32 {
    match way {
        Way::Syn => 1,
        Way::Stray => 2,
        Way::Udp => 3,
        Way::Icmp => 4,
        Way::Fragments => 5,
        Way::Connections => 6,
        Way::Slow => 7,
        Way::Other => 8,
    }
}

const fn technique(way: Way) -> &'static str {
    match way {
        Way::Syn | Way::Stray => "T1499.001",
        Way::Udp | Way::Icmp | Way::Fragments | Way::Other => "T1498.001",
        Way::Connections | Way::Slow => "T1499.002",
    }
}

/// The surer the more has piled up.
fn confidence(level: f64, excess: f64) -> f64 {
    1.0 - 0.3 * (excess / level.max(excess)).sqrt()
}

/// What the sentences of a finding share.
struct Words<'a> {
    way: Way,
    victim: String,
    /// The victim is a whole network.
    is_network: bool,
    /// The source that does most of it.
    leader: Option<String>,
    crowd: &'a Crowd,
    entry: &'a Entry,
    /// Whether machines of ours do it to somebody else.
    ours: bool,
    per_second: f64,
}

impl<'a> Words<'a> {
    fn new(entry: &'a Entry, crowd: &'a Crowd, about: &About<'_>) -> Self {
        let target = about.context.destination;
        let name = |addr| host(Some(Endpoint { addr, port: 0 }), about.known);
        let seconds = about.at.since(entry.begun).as_secs_f64().max(1.0);
        let is_network = target.is_some_and(|end| is_group(end.addr));
        Self {
            way: about.way,
            victim: host(target, about.known),
            is_network,
            leader: crowd.leader().map(name),
            crowd,
            entry,
            ours: crowd.is_ours()
                && !is_network
                && !target.is_some_and(|end| about.site.is_home(end.addr)),
            per_second: entry.packets as f64 / seconds,
        }
    }

    fn title(&self) -> String {
        let kind = match self.way {
            Way::Syn => "SYN flood",
            Way::Stray => "Flood of stray TCP segments",
            Way::Udp => "UDP flood",
            Way::Icmp => "ICMP flood",
            Way::Fragments => "Flood of fragments",
            Way::Other => "Flood of packets neither of TCP nor of UDP",
            Way::Connections => "Flood of connections and requests",
            Way::Slow => "Slow requests that hold the places of a server",
        };
        let victim = match &self.victim {
            group if self.is_network => format!("the local network ({group})"),
            host => host.clone(),
        };
        match &self.leader {
            Some(leader) => format!("{kind} of {victim} by {leader}"),
            None => format!("{kind} of {victim}"),
        }
    }

    fn seen(&self, took: Duration) -> Said {
        let things = things(self.way, self.entry.packets);
        let (span, rate) = (span(took), number(self.per_second));
        let (from, victim) = (self.from(), &self.victim);
        let victim = if self.is_network {
            Said::new(format!("La rete locale ({victim})"), format!("The local network ({victim})"))
        } else {
            Said::same(victim)
        };
        let bytes = amount(self.entry.bytes);
        let size = match self.way {
            Way::Connections | Way::Slow => Said::default(),
            _ => Said::new(format!(", {}", bytes.it), format!(", {}", bytes.en)),
        };
        let (it, en) = (
            format!("{} ha ricevuto {} in {}", victim.it, things.it, span.it),
            format!("{} got {} in {}", victim.en, things.en, span.en),
        );
        Said::new(
            format!("{it} ({} al secondo{}) {}.", rate.it, size.it, from.it),
            format!("{en} ({} a second{}) {}.", rate.en, size.en, from.en),
        )
    }

    /// Of whom it comes.
    fn from(&self) -> Said {
        // A large crowd is estimated.
        let many = self.crowd.sources().min(self.entry.packets);
        if let Some(leader) = &self.leader {
            let share = if many > 1 {
                Said::new("soprattutto da", "mostly from")
            } else {
                Said::new("da", "from")
            };
            return Said::new(format!("{} {leader}", share.it), format!("{} {leader}", share.en));
        }
        let even = percent(self.crowd.evenness());
        let sources = if many > SOURCES_MAX {
            Said::new(
                format!("più di {SOURCES_MAX} indirizzi diversi"),
                format!("more than {SOURCES_MAX} different addresses"),
            )
        } else {
            count(many, ["indirizzo", "indirizzi diversi"], ["address", "different addresses"])
        };
        Said::new(
            format!("da {}, con ripartizione uniforme al {}", sources.it, even.it),
            format!("from {}, spread evenly to {}", sources.en, even.en),
        )
    }

    fn meaning(&self) -> Said {
        if self.ours {
            return Said::new(
                "Una macchina della rete interna prende parte a un attacco contro altri: di \
                 solito è infetta e comandata da fuori.",
                "A machine of the internal network takes part in an attack on others: usually it \
                 is infected and commanded from outside.",
            );
        }
        if self.is_network {
            return network_meaning();
        }
        match self.way {
            Way::Syn => Said::new(
                "Le connessioni vengono aperte e mai completate, spesso con mittenti falsi: così \
                 il server esaurisce i posti e non risponde più a nessuno. Può anche essere un \
                 server spento a cui molti tentano di collegarsi.",
                "Connections are opened and never completed, often with made-up senders: so the \
                 server runs out of room and answers nobody any more. It may also be a server \
                 that is down and that many try to reach.",
            ),
            Way::Stray => Said::new(
                "Sono segmenti TCP che non appartengono ad alcuna connessione: servono a \
                 sovraccaricare firewall e server, oppure sono le risposte a un attacco fatto con \
                 il nostro indirizzo come mittente falso.",
                "They are TCP segments that belong to no connection: they are meant to overload \
                 firewall and server, or they are answers to an attack made with our address as \
                 a false sender.",
            ),
            Way::Connections => Said::new(
                "Tante richieste complete in poco tempo tengono occupato il server finché gli \
                 altri non riescono più a usarlo; può anche essere una prova di carico o un \
                 programma che insiste per errore.",
                "So many complete requests in a short time keep the server busy until others \
                 cannot use it any more; it may also be a load test, or a program that insists \
                 by mistake.",
            ),
            Way::Slow => Said::new(
                "Le richieste arrivano pochi byte alla volta e non finiscono mai, o le risposte non \
                 vengono lette: con pochissimo traffico tengono occupati tutti i posti del server \
                 web, che non risponde più a nessuno (slowloris, slow read).",
                "The requests come a few bytes at a time and never end, or the answers are not \
                 read: with hardly any traffic they hold all places of the web server, which \
                 answers nobody any more (slowloris, slow read).",
            ),
            Way::Udp | Way::Icmp | Way::Fragments | Way::Other => Said::new(
                "Pacchetti che nessuno ha chiesto riempiono la linea, e il traffico vero non \
                 passa più.",
                "Packets that nobody asked for fill the line, and real traffic gets through no \
                 more.",
            ),
        }
    }

    fn advice(&self) -> Said {
        if self.is_network {
            return network_advice();
        }
        let victim = &self.victim;
        if self.ours {
            let who = self.leader.as_ref().map_or_else(
                || Said::new("le macchine interne che inviano", "the internal machines that send"),
                Said::same,
            );
            return Said::new(
                format!(
                    "scollegare dalla rete e controllare {}; sul firewall lasciar uscire solo pacchetti con mittenti della rete interna.",
                    who.it
                ),
                format!(
                    "disconnect from the network and check {}; on the firewall let out only packets whose senders are of the internal network.",
                    who.en
                ),
            );
        }
        if self.way == Way::Slow {
            return self.slow_advice();
        }
        match &self.leader {
            Some(leader) => Said::new(
                format!(
                    "verificare se {victim} risponde ancora; bloccare {leader} sul firewall; se \
                     la linea è piena, chiamare il fornitore di connettività."
                ),
                format!(
                    "check whether {victim} still answers; block {leader} on the firewall; if \
                     the line is full, call the Internet provider."
                ),
            ),
            None => {
                let cookies = if self.way == Way::Syn {
                    Said::new(" (per esempio i SYN cookie)", " (SYN cookies, for one)")
                } else {
                    Said::default()
                };
                Said::new(
                    format!(
                        "verificare se {victim} risponde ancora; chiamare il fornitore di \
                         connettività e chiedere di filtrare a monte, perché gli indirizzi sono \
                         troppi per bloccarli uno a uno; attivare sul firewall la protezione \
                         contro questi attacchi{}; annotare l'ora di inizio.",
                        cookies.it
                    ),
                    format!(
                        "check whether {victim} still answers; call the Internet provider and ask \
                         for filtering upstream, as the addresses are too many to block one by \
                         one; turn on the firewall's protection against such attacks{}; note when \
                         it began.",
                        cookies.en
                    ),
                )
            }
        }
    }
}

impl Words<'_> {
    fn slow_advice(&self) -> Said {
        let victim = &self.victim;
        let block = self.leader.as_ref().map_or_else(Said::default, |leader| {
            Said::new(
                format!("bloccare {leader} sul firewall; "),
                format!("block {leader} on the firewall; "),
            )
        });
        Said::new(
            format!(
                "verificare se {victim} risponde ancora; {}accorciare sul server web il tempo \
                 concesso per inviare una richiesta e limitare le connessioni per indirizzo.",
                block.it
            ),
            format!(
                "check whether {victim} still answers; {}on the web server, shorten the time in \
                 which a request has to be sent, and limit the connections of an address.",
                block.en
            ),
        )
    }
}

/// What goes to all machines of a network comes from it.
fn network_meaning() -> Said {
    Said::new(
        "Ogni macchina della rete deve leggere questi messaggi, e switch e router riempiono le proprie \
         tabelle di mittenti che non esistono: la rete rallenta o si ferma, e lo switch può mostrare a \
         tutti il traffico di ciascuno. I mittenti possono essere falsi.",
        "Each machine of the network has to read these messages, and switches and routers fill their \
         tables with senders that do not exist: the network slows down or stops, and the switch may show \
         everybody's traffic to all. The senders may be made up.",
    )
}

fn network_advice() -> Said {
    Said::new(
        "vedere sullo switch da quale porta arrivano e chiuderla; attivare sullo switch la limitazione dei \
         broadcast (storm control), port security e la protezione per IPv6 (RA guard, ND inspection).",
        "see on the switch from which port they come and close it; on the switch turn on storm control, \
         port security and the protection of IPv6 (RA guard, ND inspection).",
    )
}

fn things(way: Way, many: u64) -> Said {
    let of = |it, en| count(many, it, en);
    match way {
        Way::Syn => of(
            ["richiesta di connessione mai completata", "richieste di connessione mai completate"],
            ["opening of a connection never completed", "openings of connections never completed"],
        ),
        Way::Stray => of(
            ["segmento TCP fuori da ogni connessione", "segmenti TCP fuori da ogni connessione"],
            ["TCP segment outside of any connection", "TCP segments outside of any connection"],
        ),
        Way::Udp => of(
            ["datagramma UDP non richiesto", "datagrammi UDP non richiesti"],
            ["UDP datagram unasked for", "UDP datagrams unasked for"],
        ),
        Way::Icmp => of(["messaggio ICMP", "messaggi ICMP"], ["ICMP message", "ICMP messages"]),
        Way::Other => of(
            [
                "pacchetto IP né TCP né UDP non richiesto",
                "pacchetti IP né TCP né UDP non richiesti",
            ],
            [
                "IP packet, neither TCP nor UDP, unasked for",
                "IP packets, neither TCP nor UDP, unasked for",
            ],
        ),
        Way::Fragments => of(
            ["frammento di pacchetto", "frammenti di pacchetti"],
            ["fragment of a packet", "fragments of packets"],
        ),
        Way::Slow => of(
            ["pacchetto di richieste tenute aperte", "pacchetti di richieste tenute aperte"],
            ["packet of requests held open", "packets of requests held open"],
        ),
        Way::Connections => of(
            ["pacchetto di connessioni e richieste", "pacchetti di connessioni e richieste"],
            ["packet of connections and requests", "packets of connections and requests"],
        ),
    }
}

fn normal(entry: &Entry, rate: f64, is_network: bool) -> Said {
    let (rate, usual) = (number(rate), number(entry.usual.mean()));
    if is_network {
        return Said::new(
            format!(
                "Di norma a tutta la rete ne arrivano pochi; se ne tollerano fino a {} al secondo.",
                rate.it
            ),
            format!(
                "Normally few go to the whole network; up to {} a second are tolerated.",
                rate.en
            ),
        );
    }
    if entry.usual.count() == 0 {
        return Said::new(
            format!("Per una macchina sola se ne tollerano fino a {} al secondo.", rate.it),
            format!("For one host, up to {} a second are tolerated.", rate.en),
        );
    }
    Said::new(
        format!("Di solito ne riceve {} al secondo; se ne tollerano fino a {}.", usual.it, rate.it),
        format!("Usually it gets {} a second; up to {} are tolerated.", usual.en, rate.en),
    )
}

fn why(level: f64, excess: f64) -> Said {
    let times = number(level / excess.max(1.0));
    Said::new(
        format!("rapporto fra eccesso e soglia: {}", times.it),
        format!("excess to threshold: {}", times.en),
    )
}
