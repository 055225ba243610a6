//! What findings of something new say, in numbers and in words.

use super::KIND;
use crate::anomaly::words::{count, host};
use crate::anomaly::{Found, Judgement, Known, Said};
use crate::field::Node;
use crate::net::Endpoint;
use crate::record::{Arp, Context, Level};
use crate::time::Duration;

/// What is new about a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A master that nobody knew writes.
    NewMasterWrites,
    /// A master that nobody knew reads.
    NewMaster,
    /// A known master does what it never did, and more than set values.
    NewDeed,
    /// A known master writes in a way it never did.
    NewWrite,
    /// A known master reads in a way it never did.
    NewRead,
    /// A master's first write while it is still learned what is normal.
    Noted,
    /// Nothing worth a word.
    Nothing,
}

impl Shape {
    /// Whether the command changes something.
    const fn writes(self) -> bool {
        matches!(self, Self::NewMasterWrites | Self::NewDeed | Self::NewWrite | Self::Noted)
    }
}

/// Something new in commands to a device.
pub(super) fn command(
    shape: Shape,
    context: &Context,
    modbus: bool,
    function: u8,
    transactions: u64,
    known: &Known,
) -> Found {
    let (master, device) = (host(context.source, known), host(context.destination, known));
    let protocol = if modbus { "Modbus" } else { "DNP3" };
    let (sid, level, confidence) = match shape {
        Shape::NewMasterWrites => (1, Level::High, 0.85),
        Shape::NewMaster => (2, Level::Medium, 0.8),
        Shape::NewDeed => (7, Level::Medium, 0.75),
        // Who runs the plant does set a value by hand now and then, from where it is run.
        Shape::NewWrite => (3, Level::Low, 0.6),
        Shape::NewRead => (4, Level::Low, 0.6),
        Shape::Noted | Shape::Nothing => (5, Level::Info, 0.3),
    };
    let (did, what) = deed(shape);
    Judgement {
        kind: &KIND,
        sid,
        title: title(shape, protocol, function, &master, &device),
        context: *context,
        level,
        score: 1.0,
        threshold: 1.0,
        confidence,
        numbers: vec![
            ("function", Node::Int(function.into())),
            ("transactions_learned", Node::Int(transactions)),
        ],
        baseline: vec![("new_commands", Node::Int(0))],
        evidence: context.flow_id.into_iter().collect(),
        technique: if shape.writes() { "T0855" } else { "T0861" },
        acn: &["acn:involved-asset=\"hardware-ot_programmable-logic-controller\""],
        took: Duration::default(),
        seen: Said::new(
            format!(
                "Al dispositivo industriale {device}, {master} {} {} ({protocol}, funzione {function}).",
                did.it, what.it
            ),
            format!(
                "To the industrial device {device}, {master} {} {} ({protocol}, function {function}).",
                did.en, what.en
            ),
        ),
        normal: Said::new(
            "Di norma un dispositivo industriale riceve sempre gli stessi comandi dalle stesse macchine.",
            "Normally an industrial device gets the same commands from the same machines.",
        ),
        why: why(shape, transactions),
        meaning: Said::new(
            "Può essere un lavoro di manutenzione o un nuovo programma; può anche essere qualcuno \
             che manovra l'impianto senza averne il diritto.",
            "It may be maintenance or a new program; it may also be someone who operates the plant \
             without the right to.",
        ),
        advice: advice(shape, &master),
    }
    .found()
}

fn title(shape: Shape, protocol: &str, function: u8, master: &str, device: &str) -> String {
    match shape {
        Shape::NewMasterWrites => format!("New master {master} writes to {device} ({protocol})"),
        Shape::NewMaster => format!("New master {master} of {device} ({protocol})"),
        Shape::NewDeed | Shape::NewWrite | Shape::NewRead => {
            format!("New {protocol} function {function} from {master} to {device}")
        }
        Shape::Noted | Shape::Nothing => {
            format!("{protocol} write from {master} to {device}, still learning")
        }
    }
}

/// What was done, in what manner: both ends of the sentence.
fn deed(shape: Shape) -> (Said, Said) {
    let did = match shape {
        Shape::NewMasterWrites | Shape::NewMaster => Said::new(
            "che finora non lo aveva mai comandato, ha mandato",
            "which never commanded it before, sent",
        ),
        Shape::NewDeed | Shape::NewWrite | Shape::NewRead => Said::new(
            "che lo comanda da tempo, ha mandato per la prima volta",
            "which commands it, sent for the first time",
        ),
        Shape::Noted | Shape::Nothing => {
            Said::new("ha mandato per la prima volta", "sent for the first time")
        }
    };
    let what = if shape.writes() {
        Said::new(
            "un comando che scrive o cambia qualcosa",
            "a command that writes or changes something",
        )
    } else {
        Said::new("un comando di lettura", "a command that reads")
    };
    (did, what)
}

fn why(shape: Shape, transactions: u64) -> Said {
    if shape == Shape::Noted {
        return Said::new(
            "si sta ancora imparando che cosa è normale",
            "what is normal is still being learned",
        );
    }
    let learned = count(transactions, ["comando", "comandi"], ["command", "commands"]);
    Said::new(format!("imparato da {}", learned.it), format!("learned from {}", learned.en))
}

fn advice(shape: Shape, master: &str) -> Said {
    if shape == Shape::Noted {
        return Said::new(
            "nulla, se l'impianto è in funzione come previsto.",
            "nothing, if the plant works as planned.",
        );
    }
    Said::new(
        format!(
            "chiedere al gestore dell'impianto se {master} doveva farlo; se no, isolare {master} \
             e controllare lo stato dell'impianto."
        ),
        format!(
            "ask who runs the plant whether {master} was to do this; if not, isolate {master} \
             and check the state of the plant."
        ),
    )
}

/// A new machine on the local network.
pub(super) fn machine(context: &Context, arp: &Arp, machines: u64) -> Found {
    let mac = arp.sender_mac.map(|byte| format!("{byte:02x}")).join(":");
    let address = arp.sender;
    let context = Context { source: Some(Endpoint { addr: address.into(), port: 0 }), ..*context };
    let known = count(
        machines.saturating_sub(1),
        ["macchina conosciuta", "macchine conosciute"],
        ["known machine", "known machines"],
    );
    Judgement {
        kind: &KIND,
        sid: 6,
        title: format!("New machine {mac} ({address}) on the local network"),
        context,
        level: Level::Info,
        score: 1.0,
        threshold: 1.0,
        confidence: 0.9,
        numbers: vec![
            ("hardware_address", Node::Text(mac.clone().into_bytes())),
            ("machines_known", Node::Int(machines.saturating_sub(1))),
        ],
        baseline: vec![("new_machines", Node::Int(0))],
        evidence: Vec::new(),
        technique: "T1200",
        acn: &[],
        took: Duration::default(),
        seen: Said::new(
            format!(
                "Sulla rete è comparsa una macchina mai vista prima: {mac}, indirizzo {address}."
            ),
            format!("A machine never seen before is on the network: {mac}, address {address}."),
        ),
        normal: Said::new(
            "Di norma sulla rete ci sono sempre le stesse macchine.",
            "Normally the same machines are on the network.",
        ),
        why: Said::new(format!("non è fra {}", known.it), format!("not among {}", known.en)),
        meaning: Said::new(
            "Di solito è un computer o un telefono nuovo, o un ospite.",
            "Usually a new computer or phone, or a guest.",
        ),
        advice: Said::new(
            "se nessuno lo riconosce, cercarlo con lo switch e scollegarlo.",
            "if nobody knows it, find it through the switch and disconnect it.",
        ),
    }
    .found()
}
