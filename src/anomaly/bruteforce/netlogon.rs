//! What a finding of an attack on Netlogon says (CVE-2020-1472, "Zerologon"): no password is guessed,
//! an empty one is taken in one of 256 tries.

use super::words::About;
use super::{KIND, Pair};
use crate::anomaly::words::{count, host, span};
use crate::anomaly::{Found, Judgement, Said};
use crate::field::Node;
use crate::record::Level;

/// The finding of many authentications.
pub(super) fn tried(pair: &Pair, about: &About<'_>) -> Found {
    let shape = Shape {
        sid: 1,
        level: Level::High,
        title: "Attack on Netlogon (Zerologon)",
        then: Said::new("", ""),
        meaning: Said::new(
            "Così si sfrutta la vulnerabilità Zerologon (CVE-2020-1472), che consegna il controllo \
             del dominio senza password.",
            "This is how the vulnerability Zerologon (CVE-2020-1472) is used, which hands over the \
             domain without a password.",
        ),
        advice: |source, server| {
            Said::new(
                format!(
                    "scollegare {source} dalla rete; verificare che su {server} siano installati \
                     gli aggiornamenti di Windows da agosto 2020 in poi e che la sua password di \
                     macchina non sia cambiata."
                ),
                format!(
                    "disconnect {source} from the network; make sure that {server} has the updates \
                     of Windows from August 2020 on and that its machine password was not changed."
                ),
            )
        },
    };
    judge(pair, about, shape)
}

/// The finding of a password set after them.
pub(super) fn succeeded(pair: &Pair, about: &About<'_>) -> Found {
    let shape = Shape {
        sid: 2,
        level: Level::Critical,
        title: "Machine password set after an attack on Netlogon (Zerologon)",
        then: Said::new(
            " Subito dopo ha impostato una nuova password di macchina.",
            " Right after that it set a new machine password.",
        ),
        meaning: Said::new(
            "La vulnerabilità Zerologon (CVE-2020-1472) è riuscita: il dominio è da considerare in \
             mano altrui.",
            "The vulnerability Zerologon (CVE-2020-1472) worked: the domain has to be taken as in \
             the hands of others.",
        ),
        advice: |source, server| {
            Said::new(
                format!(
                    "scollegare subito {source} e {server} dalla rete e chiamare chi gestisce il \
                     dominio: vanno cambiate le password del controller, di krbtgt e degli \
                     amministratori."
                ),
                format!(
                    "disconnect {source} and {server} from the network at once and call whoever \
                     runs the domain: the passwords of the controller, of krbtgt and of the \
                     administrators have to be changed."
                ),
            )
        },
    };
    judge(pair, about, shape)
}

/// What differs between the findings.
struct Shape {
    sid: u32,
    level: Level,
    title: &'static str,
    then: Said,
    meaning: Said,
    advice: fn(&str, &str) -> Said,
}

fn judge(pair: &Pair, about: &About<'_>, shape: Shape) -> Found {
    let source = host(about.context.source, about.known);
    let server = host(about.context.destination, about.known);
    let took = about.at.since(pair.first);
    let times = count(
        pair.failures,
        ["autenticazione Netlogon", "autenticazioni Netlogon"],
        ["Netlogon authentication", "Netlogon authentications"],
    );
    let (span, then) = (span(took), shape.then);
    Judgement {
        kind: &KIND,
        sid: shape.sid,
        title: format!("{} at {server} by {source}", shape.title),
        context: *about.context,
        level: shape.level,
        score: pair.failures as f64,
        threshold: about.limit.0,
        confidence: 0.95,
        numbers: vec![
            ("authentications", Node::Int(pair.failures)),
            ("service", Node::Text(about.attempt.service.name().as_bytes().to_vec())),
            ("seconds", Node::Float(took.as_secs_f64())),
        ],
        baseline: vec![("authentications_max", Node::Float(about.limit.0))],
        evidence: pair.evidence.clone(),
        technique: "T1210",
        acn: &["acn:impact=\"system-compromise\""],
        took,
        seen: Said::new(
            format!("{source} ha chiesto {} a {server} in {}.{}", times.it, span.it, then.it),
            format!("{source} asked {server} for {} in {}.{}", times.en, span.en, then.en),
        ),
        normal: Said::new(
            format!(
                "Una macchina ne fa una o due quando si accende; la soglia è {:.0}.",
                about.limit.0
            ),
            format!(
                "A machine does one or two when it starts; the threshold is {:.0}.",
                about.limit.0
            ),
        ),
        why: Said::new(
            "le richieste si leggono nel traffico e nessun programma onesto ne fa tante",
            "the requests are read from the traffic and no honest program makes so many",
        ),
        meaning: shape.meaning,
        advice: (shape.advice)(&source, &server),
    }
    .found()
}
