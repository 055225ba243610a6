//! `mismatch`: what does not belong where it is.
//!
//! A port number is a promise. Told are conversations whose protocol is another than the one whose
//! port it is: mostly a service moved by someone, sometimes a way past a firewall (SSH on 53, 80,
//! 443). And TLS that looks like a remote control program: a certificate that signs itself, no
//! name asked for, a port that is nobody's, an address outside that no name led to; it is low when
//! the certificate names an organisation, as those of backup programs and appliances do.
//! Certificates that well-known control programs make by default are proof.

use std::net::IpAddr;

use super::stats::Recent;
use super::words::{amount, host, printable};
use super::{
    Damaged, Detector, FieldRef, Found, Judgement, Kind, Known, Parameter, Said, Site, Tuning,
    state,
};
use crate::field::Node;
use crate::net::ip_protocol;
use crate::record::{Body, Context, FlowRecord, Level, Record, Sort, TransactionRecord};
use crate::time::{Duration, Timestamp};

static SILENCE: Parameter = Parameter::fixed(
    "silence",
    86_400.0,
    "seconds",
    "The same machine, port and shape are told once in this span.",
);
static TUNNEL_BYTES: Parameter = Parameter {
    name: "tunnel-bytes",
    values: [200_000.0, 20_000.0, 5000.0],
    unit: "bytes",
    help: "Bytes of an SSH conversation to the outside on the port of another service from which \
           it is more than a try.",
};

/// Machines, ports and shapes remembered.
const ENTRIES_MAX: usize = 8192;
/// Whose port it is, and what else is usual on it, by the names of application protocols.
const PORTS: &[(u16, &[&str])] = &[
    (21, &["ftp", "tls"]),
    (22, &["ssh"]),
    (23, &["telnet"]),
    (25, &["smtp", "tls"]),
    (53, &["dns", "tls"]),
    (80, &["http", "http2", "websocket"]),
    (110, &["pop3", "tls"]),
    (123, &["ntp"]),
    (143, &["imap", "tls"]),
    (161, &["snmp"]),
    (443, &["tls", "quic", "http", "http2", "websocket", "dtls"]),
    (445, &["smb", "dcerpc"]),
    (465, &["tls", "smtp"]),
    (502, &["modbus"]),
    (587, &["smtp", "tls"]),
    (993, &["tls", "imap"]),
    (995, &["tls", "pop3"]),
    (3389, &["rdp", "tls"]),
];
/// Ports on which TLS is a known service's, by the registry of IANA and by custom.
const TLS_PORTS: &[u16] = &[
    21, 25, 110, 143, 389, 443, 465, 563, 587, 636, 853, 989, 990, 992, 993, 994, 995, 1194, 1433,
    2083, 2087, 2096, 3268, 3269, 3306, 3389, 4443, 5061, 5223, 5228, 5432, 5671, 5986, 6443, 6514,
    6697, 8009, 8080, 8443, 8834, 8883, 9001, 9443, 10_443,
];
/// What certificates of remote control programs say of themselves unless it is changed, as their
/// source or published analyses show.
const CONTROLS: &[(&str, &str)] = &[
    ("AsyncRAT Server", "AsyncRAT"),
    ("BitRAT", "BitRAT"),
    ("DcRat", "DcRat"),
    ("Major Cobalt Strike", "Cobalt Strike"),
    ("Orcus Server", "Orcus"),
    ("Pupy", "Pupy"),
    ("Quasar Server CA", "Quasar"),
    ("VenomRAT", "VenomRAT"),
];

/// How the lists know it.
pub static KIND: Kind = Kind {
    name: "mismatch",
    gid: 9116,
    help: "Protocols on other protocols' ports, and TLS as remote control programs speak it.",
    algorithm: "When a flow ends, its application protocol is compared with the one whose port it \
                used. Handshakes of TLS are judged by five signs together: the certificate is its \
                own issuer, no server name, a port without a known service, an address outside, \
                no name seen for it; default certificates of control programs are told by name.",
    references: &[
        "IANA Service Name and Transport Protocol Port Number Registry",
        "MITRE ATT&CK T1571, T1573.002",
    ],
    parameters: &[&SILENCE, &TUNNEL_BYTES],
    sees: &[Sort::Flow, Sort::Transaction],
    reads: &["tls"],
    when: super::When::Named,
    build: |site, tuning| Box::new(Mismatch::new(site, tuning)),
};

/// The shapes of the finding, by signature number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// Another protocol's port.
    Port = 1,
    /// SSH to the outside on another service's port.
    Tunnel = 2,
    /// TLS with the signs of a control program.
    Unnamed = 3,
    /// The default certificate of a control program.
    Control = 4,
}

/// The detector.
pub struct Mismatch {
    site: Site,
    silence: Duration,
    tunnel_bytes: u64,
    server_name: FieldRef,
    subject: FieldRef,
    issuer: FieldRef,
    /// When it was last told, by client, port and signature number.
    told: Recent<(IpAddr, u16, u8), Timestamp>,
}

/// What is to be told.
struct What<'a> {
    shape: Shape,
    level: Level,
    confidence: f64,
    /// Protocol or certificate.
    name: &'a str,
    bytes: u64,
}

impl Mismatch {
    /// A detector that has seen nothing.
    pub fn new(site: &Site, tuning: &Tuning<'_>) -> Self {
        Self {
            site: site.clone(),
            silence: tuning.seconds(&SILENCE),
            tunnel_bytes: tuning.count(&TUNNEL_BYTES),
            server_name: site.field("tls", "tls.sni"),
            subject: site.field("tls", "tls.cert_subject"),
            issuer: site.field("tls", "tls.cert_issuer"),
            told: Recent::new(ENTRIES_MAX),
        }
    }

    fn flow<'a>(&self, context: &Context, flow: &'a FlowRecord) -> Option<What<'a>> {
        let name = flow.app_protocol.filter(|name| *name != "failed")?;
        let port = context.destination?.port;
        let (_, usual) = PORTS.iter().find(|(known, _)| *known == port)?;
        if context.protocol != ip_protocol::TCP || usual.contains(&name) {
            return None;
        }
        let bytes: u64 = flow.counters.bytes.iter().sum();
        let outward = self.is_outward(context);
        let is_way_out = name == "ssh" && matches!(port, 25 | 53 | 80 | 123 | 443) && outward;
        if !is_way_out {
            let shape = Shape::Port;
            return Some(What { shape, level: Level::Info, confidence: 0.9, name, bytes });
        }
        // Forges of source code offer SSH on 443 for those behind firewalls.
        let grave = port != 443 && bytes >= self.tunnel_bytes;
        let level = if grave { Level::Medium } else { Level::Low };
        Some(What { shape: Shape::Tunnel, level, confidence: 0.7, name, bytes })
    }

    fn is_outward(&self, context: &Context) -> bool {
        let home =
            |end: Option<crate::net::Endpoint>| end.is_some_and(|e| self.site.is_home(e.addr));
        home(context.source) && !home(context.destination)
    }

    fn tls(
        &self,
        context: &Context,
        tls: &TransactionRecord,
        known: &Known,
    ) -> Option<(Shape, String)> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let subject = self.subject.bytes(tls, text)?;
        let issuer = self.issuer.bytes(tls, text).unwrap_or_default();
        let control =
            CONTROLS.iter().find(|(mark, _)| subject.contains(mark) || issuer.contains(mark));
        if let Some((_, name)) = control {
            return Some((Shape::Control, (*name).to_owned()));
        }
        let server = context.destination?;
        let named = self.server_name.bytes(tls, |name| !name.is_empty()).unwrap_or(false);
        let suspicious = subject == issuer
            && !named
            && !TLS_PORTS.contains(&server.port)
            && self.is_outward(context)
            && known.name(server.addr).is_none();
        suspicious.then_some((Shape::Unnamed, subject))
    }

    fn tell(&mut self, record: &Record, what: &What<'_>, known: &Known) -> Option<Found> {
        let (client, port) = (record.context.source?.addr, record.context.destination?.port);
        let last = self.told.touch(&(client, port, what.shape as u8));
        if *last != Timestamp::default() && record.timestamp.since(*last) < self.silence {
            return None;
        }
        *last = record.timestamp;
        Some(found(record, what, known))
    }
}

impl Detector for Mismatch {
    fn record(&mut self, record: &Record, known: &Known, found: &mut Vec<Found>) {
        match &record.body {
            Body::Flow(flow) => {
                if let Some(what) = self.flow(&record.context, flow) {
                    found.extend(self.tell(record, &what, known));
                }
            }
            Body::Transaction(tls) if tls.protocol == "tls" => {
                if let Some((shape, name)) = self.tls(&record.context, tls, known) {
                    let (level, confidence) = match shape {
                        Shape::Control => (Level::High, 0.97),
                        // Makers of appliances and backup programs name themselves.
                        _ if name.contains("O=") => (Level::Low, 0.4),
                        _ => (Level::Medium, 0.65),
                    };
                    let what = What { shape, level, confidence, name: &name, bytes: 0 };
                    found.extend(self.tell(record, &what, known));
                }
            }
            _ => {}
        }
    }

    fn save(&self) -> Vec<u8> {
        state::pack(&self.told)
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), Damaged> {
        self.told = state::unpack(bytes)?;
        Ok(())
    }

    fn memory(&self) -> usize {
        self.told.memory()
    }
}

fn found(record: &Record, what: &What<'_>, known: &Known) -> Found {
    let (client, server) =
        (host(record.context.source, known), host(record.context.destination, known));
    let port = record.context.destination.map_or(0, |end| end.port);
    let name = printable(what.name);
    let title = match what.shape {
        Shape::Port => format!("{name} on port {port} of {server}"),
        Shape::Tunnel => format!("SSH to the outside on port {port} by {client}"),
        Shape::Unnamed => format!("TLS like a remote control program's from {client} to {server}"),
        Shape::Control => format!("Remote control program {name}: {client} and {server}"),
    };
    let Texts { seen, normal, why, meaning, advice } = texts(what, &client, &server, port, &name);
    let is_control = matches!(what.shape, Shape::Unnamed | Shape::Control);
    Judgement {
        kind: &KIND,
        sid: what.shape as u32,
        title,
        context: record.context,
        level: what.level,
        score: 1.0,
        threshold: 1.0,
        confidence: what.confidence,
        numbers: vec![
            ("port", Node::Int(port.into())),
            (if is_control { "certificate" } else { "protocol" }, Node::Text(name.into_bytes())),
            ("bytes", Node::Int(what.bytes)),
        ],
        baseline: vec![("conversations_max", Node::Int(0))],
        evidence: record.context.flow_id.into_iter().collect(),
        technique: match what.shape {
            Shape::Tunnel => "T1572",
            Shape::Port => "T1571",
            Shape::Unnamed | Shape::Control => "T1573.002",
        },
        acn: if is_control { &["acn:malicious-code=\"command-and-control\""] } else { &[] },
        took: Duration::default(),
        seen,
        normal,
        why,
        meaning,
        advice,
    }
    .found()
}

/// The sentences of a finding.
struct Texts {
    seen: Said,
    normal: Said,
    why: Said,
    meaning: Said,
    advice: Said,
}

fn texts(what: &What<'_>, client: &str, server: &str, port: u16, name: &str) -> Texts {
    match what.shape {
        Shape::Port | Shape::Tunnel => port_texts(what, client, server, port, name),
        Shape::Unnamed => Texts {
            seen: Said::new(
                format!(
                    "{client} si collega con TLS alla porta {port} di {server} senza chiedere un nome, e il server si presenta con un certificato fatto da sé ({name})."
                ),
                format!(
                    "{client} connects with TLS to port {port} of {server} without asking for a name, and the server shows a certificate that it made itself ({name})."
                ),
            ),
            normal: Said::new(
                "Di norma un programma chiede un nome, su una porta conosciuta, a un server con un certificato riconosciuto.",
                "Normally a program asks for a name, on a known port, of a server with a recognised certificate.",
            ),
            why: Said::new(
                "cinque indizi insieme, ma anche telecamere e apparati di altri uffici possono essere così",
                "five signs together, but cameras and devices of other offices can be like this too",
            ),
            meaning: Said::new(
                "Così parlano molti programmi di controllo remoto malevoli con chi li comanda.",
                "This is how many malicious remote control programs speak with who commands them.",
            ),
            advice: control_advice(client, server),
        },
        Shape::Control => Texts {
            seen: Said::new(
                format!(
                    "Il server {server}, porta {port}, si è presentato a {client} con il certificato predefinito del programma di controllo remoto {name}."
                ),
                format!(
                    "The server {server}, port {port}, showed {client} the default certificate of the remote control program {name}."
                ),
            ),
            normal: Said::new(
                "Nessun servizio legittimo usa questo certificato.",
                "No legitimate service uses this certificate.",
            ),
            why: Said::new(
                "il certificato porta il nome del programma",
                "the certificate bears the program's name",
            ),
            meaning: Said::new(
                "La macchina è molto probabilmente comandata da altri.",
                "The machine is very probably commanded by someone else.",
            ),
            advice: control_advice(client, server),
        },
    }
}

fn control_advice(client: &str, server: &str) -> Said {
    Said::new(
        format!(
            "se nessuno sa spiegare il collegamento a {server}, scollegare {client} dalla rete senza spegnerla, bloccare {server} sul firewall e avvisare il referente per la sicurezza."
        ),
        format!(
            "if nobody can explain the connection to {server}, disconnect {client} from the network without switching it off, block {server} on the firewall and tell the security contact."
        ),
    )
}

fn port_texts(what: &What<'_>, client: &str, server: &str, port: u16, name: &str) -> Texts {
    let bytes = amount(what.bytes);
    let meaning = if what.shape == Shape::Tunnel {
        Said::new(
            "Così si aggirano i divieti del firewall, per lavorare da fuori o per portare fuori dati.",
            "This is how a firewall's limits are got around, to work from outside or to carry data out.",
        )
    } else {
        Said::new(
            "Di solito è un servizio spostato da qualcuno; a volte serve a non farsi notare.",
            "Usually it is a service that someone moved; sometimes it serves not to be noticed.",
        )
    };
    Texts {
        seen: Said::new(
            format!(
                "{client} e {server} parlano {name} sulla porta {port}, che è di un altro servizio ({}).",
                bytes.it
            ),
            format!(
                "{client} and {server} speak {name} on port {port}, which is another service's ({}).",
                bytes.en
            ),
        ),
        normal: Said::new(
            "Di norma su una porta conosciuta c'è il suo servizio.",
            "Normally a known port carries its own service.",
        ),
        why: Said::new(
            "il protocollo si riconosce dal contenuto",
            "the protocol is known by its content",
        ),
        meaning,
        advice: Said::new(
            format!(
                "verificare chi ha configurato il servizio di {server} e se serve; altrimenti bloccarlo sul firewall."
            ),
            format!(
                "check who set up the service of {server} and whether it is needed; otherwise block it on the firewall."
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use crate::field::{self, Describe, Field, Fields, Side, Stage, Tree, Value};
    use crate::net::{AddressSet, Direction, Endpoint};
    use crate::record::{FlowCounters, Outcome};

    struct Hello {
        sni: &'static str,
        subject: &'static str,
        issuer: &'static str,
    }

    const fn row(name: &'static str, read: field::Read<Hello>) -> Field<Hello> {
        let (aliases, eve, side, stage) = (&[], "", Side::Either, Stage::Head);
        Field {
            name,
            aliases,
            kind: field::Kind::Bytes,
            eve,
            side,
            stage,
            help: "",
            example: "",
            read,
        }
    }

    impl Fields for Hello {
        const FIELDS: &'static [Field<Self>] = &[
            row("tls.sni", |h, sink| sink(Value::Bytes(h.sni.as_bytes()))),
            row("tls.cert_subject", |h, sink| sink(Value::Bytes(h.subject.as_bytes()))),
            row("tls.cert_issuer", |h, sink| sink(Value::Bytes(h.issuer.as_bytes()))),
        ];
    }

    impl Describe for Hello {
        fn describe(&self, _: &mut dyn Tree) {}
    }

    const IN: [u8; 4] = [10, 0, 0, 5];
    const OUT: [u8; 4] = [198, 51, 100, 9];

    fn record(port: u16, to: [u8; 4], body: Body) -> Record {
        let end = |addr: [u8; 4], port| Some(Endpoint { addr: IpAddr::from(addr), port });
        Record {
            sequence: 1,
            tie: 0,
            timestamp: Timestamp::new(1000, 0),
            context: Context {
                flow_id: Some(7),
                source: end(IN, 40_000),
                destination: end(to, port),
                protocol: ip_protocol::TCP,
                ip_version: 4,
                vlan: [0; 3],
                icmp: None,
            },
            body,
        }
    }

    fn flow(port: u16, to: [u8; 4], app: &'static str, bytes: u64) -> Record {
        let counters = FlowCounters { bytes: [bytes, bytes], ..FlowCounters::default() };
        let flow = FlowRecord {
            counters,
            state: "closed",
            reason: "timeout",
            alerted: false,
            app_protocol: Some(app),
            transactions: 1,
            tcp: None,
            icmp_response: None,
            outcome: Outcome::Answered,
            texts: crate::record::Texts::default(),
        };
        record(port, to, Body::Flow(Box::new(flow)))
    }

    fn hello(port: u16, to: [u8; 4], hello: Hello) -> Record {
        let transaction = Box::new(hello);
        let direction = Direction::ToClient;
        let tls = TransactionRecord {
            keeps_certificates: false,
            protocol: "tls",
            id: 0,
            direction,
            transaction,
        };
        record(port, to, Body::Transaction(Box::new(tls)))
    }

    fn judge(records: impl IntoIterator<Item = Record>) -> Vec<Found> {
        let home = AddressSet::network(IpAddr::from([10, 0, 0, 0]), 8);
        let site = Site { home, fields: vec![("tls", field::rows::<Hello>())], ..Site::default() };
        let mut detector = Mismatch::new(&site, &Tuning::default());
        let mut found = Vec::new();
        for record in records {
            let bytes = detector.save();
            detector.load(&bytes).unwrap();
            detector.record(&record, &Known::default(), &mut found);
        }
        found
    }

    fn told(records: impl IntoIterator<Item = Record>) -> Vec<(u32, Level)> {
        judge(records).iter().map(|f| (f.finding.sid, f.finding.level)).collect()
    }

    #[test]
    fn ssh_to_the_outside_on_other_ports_is_graver_than_a_moved_service() {
        assert_eq!(told((0..9).map(|_| flow(53, OUT, "ssh", 90_000))), [(2, Level::Medium)]);
        assert_eq!(told([flow(53, OUT, "ssh", 900)]), [(2, Level::Low)]);
        assert_eq!(told([flow(443, OUT, "ssh", 90_000)]), [(2, Level::Low)]);
        assert_eq!(told([flow(80, [10, 0, 0, 9], "ssh", 90_000)]), [(1, Level::Info)]);
        let found = judge([flow(22, OUT, "http", 900)]);
        assert!(found[0].finding.explain_it.contains("parlano http sulla porta 22"));
        assert!(found[0].finding.explain_en.contains("speak http on port 22"));
    }

    #[test]
    fn usual_protocols_and_unknown_ones_are_left_alone() {
        let usual = [(443, "tls"), (80, "http"), (22, "ssh"), (8022, "ssh"), (443, "failed")];
        assert_eq!(told(usual.map(|(port, app)| flow(port, OUT, app, 90_000))), []);
    }

    #[test]
    fn certificates_of_control_programs_are_high_and_their_like_medium() {
        let named = Hello { sni: "", subject: "CN=DcRat Server, O=x", issuer: "CN=DcRat" };
        let found = judge([hello(7084, OUT, named)]);
        assert_eq!((found[0].finding.sid, found[0].finding.level), (4, Level::High));
        assert!(found[0].finding.explain_it.contains("controllo remoto DcRat"));
        let own = |sni| Hello { sni, subject: "CN=a", issuer: "CN=a" };
        assert_eq!(told([hello(7084, OUT, own(""))]), [(3, Level::Medium)]);
        assert_eq!(told([hello(7084, OUT, own("nas.example.it"))]), []);
        assert_eq!(told([hello(8443, OUT, own(""))]), []);
        assert_eq!(told([hello(7084, [10, 0, 0, 9], own(""))]), []);
        let maker = Hello { sni: "", subject: "CN=1, O=Maker", issuer: "CN=1, O=Maker" };
        assert_eq!(told([hello(4287, OUT, maker)]), [(3, Level::Low)]);
        let signed = Hello { sni: "", subject: "CN=a", issuer: "CN=b" };
        assert_eq!(told([hello(7084, OUT, signed)]), []);
    }
}
