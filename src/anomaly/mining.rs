//! `mining`: machines that earn someone else's cryptocurrency.
//!
//! Miners fetch their work from a pool and hand in results, in lines of JSON (Stratum and its
//! kin). Told are conversations whose first line is such a one, whatever the port, and, since most
//! pools offer TLS too, names of pools in TLS and DNS. A name alone proves little: it is low.

use std::net::IpAddr;

use super::stats::Recent;
use super::words::{host, printable};
use super::{
    Damaged, Detector, FieldRef, Found, Judgement, Kind, Known, Parameter, Said, Site, Tuning,
    domain, state,
};
use crate::field::Node;
use crate::record::{Body, Level, Record, Sort};
use crate::time::{Duration, Timestamp};

static SILENCE: Parameter = Parameter::fixed(
    "silence",
    86_400.0,
    "seconds",
    "The same machine and shape are told once in this span.",
);

/// Machines remembered.
const ENTRIES_MAX: usize = 4096;
/// The application protocol that identification finds.
const STRATUM: &str = "stratum";
/// Domains of large pools, as their own pages give them.
static POOLS: domain::Listed = domain::Listed::new(&[
    "2miners.com",
    "antpool.com",
    "c3pool.com",
    "c3pool.org",
    "ethermine.org",
    "f2pool.com",
    "flexpool.io",
    "hashvault.pro",
    "herominers.com",
    "hiveon.net",
    "kryptex.network",
    "miningpoolhub.com",
    "minexmr.com",
    "moneroocean.stream",
    "monerohash.com",
    "nanopool.org",
    "nicehash.com",
    "poolin.com",
    "ravenminer.com",
    "slushpool.com",
    "sparkpool.com",
    "supportxmr.com",
    "unmineable.com",
    "viabtc.com",
    "xmrpool.eu",
    "zpool.ca",
]);

/// How the lists know it.
pub static KIND: Kind = Kind {
    name: "mining",
    gid: 9118,
    help: "Mining of cryptocurrency: the protocol of pools, and pools' names.",
    algorithm: "A conversation is told when its first line is a request of Stratum or of its kin \
                (mining.subscribe, login of a miner, eth_submitLogin), on any port; a name of a \
                large pool in TLS or DNS is told as low.",
    references: &[
        "Stratum mining protocol: https://en.bitcoin.it/wiki/Stratum_mining_protocol",
        "MITRE ATT&CK T1496",
    ],
    parameters: &[&SILENCE],
    sees: &[Sort::Burst, Sort::Flow, Sort::Transaction],
    reads: &["tls", "dns"],
    when: super::When::Speaking(STRATUM),
    build: |site, tuning| Box::new(Mining::new(site, tuning)),
};

/// The detector.
pub struct Mining {
    silence: Duration,
    server_name: FieldRef,
    query: FieldRef,
    /// When what was last told, by machine and signature number.
    told: Recent<(IpAddr, u32), Timestamp>,
}

impl Mining {
    /// A detector that has seen nothing.
    pub fn new(site: &Site, tuning: &Tuning<'_>) -> Self {
        Self {
            silence: tuning.seconds(&SILENCE),
            server_name: site.field("tls", "tls.sni"),
            query: site.field("dns", "dns.queries.rrname"),
            told: Recent::new(ENTRIES_MAX),
        }
    }

    fn tell(&mut self, record: &Record, sid: u32, name: &str, known: &Known) -> Option<Found> {
        let machine = record.context.source?.addr;
        let last = self.told.touch(&(machine, sid));
        if *last != Timestamp::default() && record.timestamp.since(*last) < self.silence {
            return None;
        }
        *last = record.timestamp;
        Some(found(record, sid, name, known))
    }
}

impl Detector for Mining {
    fn record(&mut self, record: &Record, known: &Known, found: &mut Vec<Found>) {
        match &record.body {
            Body::Burst(burst) if burst.app_protocol == Some(STRATUM) => {
                found.extend(self.tell(record, 1, "", known));
            }
            Body::Flow(flow) if flow.app_protocol == Some(STRATUM) => {
                found.extend(self.tell(record, 1, "", known));
            }
            Body::Transaction(transaction) if matches!(transaction.protocol, "tls" | "dns") => {
                let (field, sid) = if transaction.protocol == "tls" {
                    (self.server_name, 2)
                } else {
                    (self.query, 3)
                };
                let pool = field.bytes(transaction, |name| {
                    let domain = domain::split(name)?.domain;
                    let listed = POOLS.has(domain);
                    // A pool's web page is read by people who are curious, its servers by miners.
                    let start = name.get(..4).unwrap_or_default();
                    let page = name.len() == domain.len() || start.eq_ignore_ascii_case(b"www.");
                    (listed && !page).then(|| String::from_utf8_lossy(name).into_owned())
                });
                if let Some(Some(pool)) = pool {
                    found.extend(self.tell(record, sid, &pool, known));
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

fn found(record: &Record, sid: u32, name: &str, known: &Known) -> Found {
    let machine = host(record.context.source, known);
    let server = host(record.context.destination, known);
    let name = printable(name);
    let (level, confidence) = if sid == 1 { (Level::Medium, 0.97) } else { (Level::Low, 0.6) };
    let (seen, why) = match sid {
        1 => (
            Said::new(
                format!(
                    "{machine} parla con {server} il protocollo con cui si estraggono criptovalute."
                ),
                format!("{machine} speaks with {server} the protocol of cryptocurrency mining."),
            ),
            Said::new(
                "la prima riga è una richiesta di lavoro a un pool",
                "the first line is a request for work to a pool",
            ),
        ),
        _ => (
            Said::new(
                format!(
                    "{machine} ha chiesto di {name}, un servizio (pool) per estrarre criptovalute."
                ),
                format!("{machine} asked for {name}, a service (pool) for cryptocurrency mining."),
            ),
            Said::new("si conosce soltanto il nome chiesto", "only the name asked for is known"),
        ),
    };
    Judgement {
        kind: &KIND,
        sid,
        title: format!("Cryptocurrency mining by {machine}"),
        context: record.context,
        level,
        score: 1.0,
        threshold: 1.0,
        confidence,
        numbers: vec![("name", Node::Text(name.into_bytes()))],
        baseline: vec![("conversations_max", Node::Int(0))],
        evidence: record.context.flow_id.into_iter().collect(),
        technique: "T1496",
        acn: &["acn:malicious-code=\"cryptominer\""],
        took: Duration::default(),
        seen,
        normal: Said::new(
            "Di norma nessuna macchina di un ufficio estrae criptovalute.",
            "Normally no machine of an office mines cryptocurrency.",
        ),
        why,
        meaning: Said::new(
            "Un programma usa la corrente e il processore dell'ente per il guadagno di altri: di solito è entrato da una falla che può servire anche ad altro.",
            "A program uses the office's power and processor for the gain of others: it usually came in through a hole that serves for other things too.",
        ),
        advice: Said::new(
            format!("cercare su {machine} i programmi che occupano il processore, rimuoverli e scoprire come sono entrati; aggiornare la macchina e cambiare le password usate su di essa."),
            format!("look on {machine} for programs that occupy the processor, remove them and find out how they came in; update the machine and change the passwords used on it."),
        ),
    }
    .found()
}

#[cfg(test)]
mod tests {
    use super::super::dns_tunnel::tests::{Asked, message, site};
    use super::*;
    use crate::record::Burst;

    fn judge(records: impl IntoIterator<Item = Record>) -> Vec<(u32, Level)> {
        // Messages of TLS have no fields here.
        let mut detector = Mining {
            silence: Duration::from_secs(86_400),
            server_name: FieldRef::default(),
            query: site().field("dns", "dns.queries.rrname"),
            told: Recent::new(ENTRIES_MAX),
        };
        let mut found = Vec::new();
        for record in records {
            let bytes = detector.save();
            assert_eq!(detector.load(&bytes), Ok(()));
            detector.record(&record, &Known::default(), &mut found);
        }
        found.iter().map(|f| (f.finding.sid, f.finding.level)).collect()
    }

    fn ask(seconds: u64, name: &str) -> Record {
        let (name, answer) = (name.to_owned(), String::new());
        message(seconds, [10, 0, 0, 5], Asked { name, kind: 1, rcode: 0, answer })
    }

    #[test]
    fn the_protocol_is_medium_and_told_once_a_day() {
        let burst = |seconds, app| {
            let burst = Burst { app_protocol: Some(app), ..Burst::default() };
            Record { body: Body::Burst(Box::new(burst)), ..ask(seconds, "") }
        };
        assert_eq!(judge((1..100).map(|n| burst(n, STRATUM))), [(1, Level::Medium)]);
        let days = [burst(1, STRATUM), burst(90_000, STRATUM)];
        assert_eq!(judge(days).len(), 2);
        assert_eq!(judge((1..100).map(|n| burst(n, "http"))), []);
    }

    #[test]
    fn a_pool_by_name_is_low_and_its_page_nothing() {
        assert_eq!(
            judge([ask(1, "xmr.2miners.com"), ask(2, "eth.2miners.com")]),
            [(3, Level::Low)]
        );
        assert_eq!(judge([ask(1, "www.nicehash.com"), ask(2, "pool.example.org")]), []);
    }
}
