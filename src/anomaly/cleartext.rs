//! `cleartext`: passwords that anybody on the way can read, and cryptography that is given up.
//!
//! No attack, but what makes attacks easy: FTP, telnet, POP3, IMAP, HTTP Basic and passwords in
//! addresses, a simple bind of LDAP, the community of SNMP versions 1 and 2c, SMB 1, SSL 3 and
//! TLS before 1.2, certificates that have expired or soon will. Each is told once per server,
//! issue and day.
//!
//! What is not counted: anonymous logons, what TLS protects, old cryptography of servers that are
//! not ours (nobody here can mend them), an SMB 1 negotiation that ends in SMB 2.

use std::net::IpAddr;

use super::spoken::{Spoken, Word};
use super::stats::Recent;
use super::words::host;
use super::{
    Damaged, Detector, FieldRef, Found, Judgement, Kind, Known, Parameter, Said, Site, Tuning,
    state,
};
use crate::field::{Node, Value};
use crate::record::{Body, Context, FlowRecord, Level, Record, Sort, TransactionRecord};
use crate::time::Duration;

static EXPIRY_DAYS: Parameter = Parameter::fixed(
    "expiry-days",
    15.0,
    "days",
    "How long before its end a certificate of a server of ours is told.",
);

/// Servers with an issue remembered.
const ISSUES_MAX: usize = 4096;
/// Conversations with an anonymous logon that are remembered.
const ANONYMOUS_MAX: usize = 1024;
/// Seconds of a day.
const DAY: u64 = 86_400;

/// How the lists know it.
pub static KIND: Kind = Kind {
    name: "cleartext",
    gid: 9117,
    help: "Passwords in the clear, and cryptography that is given up: once per server, issue and \
           day.",
    algorithm: "Fields of transactions tell of a password that is not encrypted, of an old version \
                of a protocol, of an expired certificate. No statistics: each is a fact.",
    references: &[
        "MITRE ATT&CK T1040",
        "RFC 8996 (TLS 1.0 and 1.1), RFC 7568 (SSL 3.0), RFC 7617, RFC 4513, RFC 3410",
    ],
    parameters: &[&EXPIRY_DAYS],
    sees: &[Sort::Transaction, Sort::Flow],
    reads: &["ftp", "pop3", "imap", "telnet", "http", "ldap", "snmp", "smb", "tls"],
    when: super::When::Speaking("telnet"),
    build: |site, tuning| Box::new(Cleartext::new(site, tuning)),
};

/// What is wrong.
struct Issue {
    sid: u32,
    level: Level,
    title: &'static str,
    it: &'static str,
    en: &'static str,
    advice_it: &'static str,
    advice_en: &'static str,
}

macro_rules! issue {
    ($name:ident $sid:literal $level:ident $title:literal $it:literal $en:literal
     $advice_it:literal $advice_en:literal) => {
        static $name: Issue = Issue {
            sid: $sid,
            level: Level::$level,
            title: $title,
            it: $it,
            en: $en,
            advice_it: $advice_it,
            advice_en: $advice_en,
        };
    };
}

issue!(FTP 1 Low "Password in the clear (FTP)"
    "riceve password in chiaro con FTP" "receives passwords in the clear by FTP"
    "usare SFTP o FTPS." "use SFTP or FTPS.");
issue!(TELNET 2 Low "Session in the clear (telnet)"
    "si usa con telnet: password e comandi passano in chiaro" "is used by telnet: passwords and commands go in the clear"
    "usare SSH e spegnere telnet." "use SSH and turn telnet off.");
issue!(POP3 3 Low "Password in the clear (POP3)"
    "riceve password di posta in chiaro con POP3" "receives mail passwords in the clear by POP3"
    "impostare TLS (porta 995) nel programma di posta." "set TLS (port 995) in the mail program.");
issue!(IMAP 11 Low "Password in the clear (IMAP)"
    "riceve password di posta in chiaro con IMAP" "receives mail passwords in the clear by IMAP"
    "impostare TLS (porta 993) nel programma di posta." "set TLS (port 993) in the mail program.");
issue!(HTTP 4 Low "Password in the clear (HTTP)"
    "riceve password in chiaro su pagine web senza HTTPS" "receives passwords in the clear on web pages without HTTPS"
    "attivare HTTPS." "turn on HTTPS.");
issue!(LDAP 5 Low "Password in the clear (LDAP)"
    "riceve password in chiaro con un bind LDAP semplice" "receives passwords in the clear by a simple LDAP bind"
    "usare LDAPS o StartTLS nell'applicazione che si collega." "use LDAPS or StartTLS in the application that connects.");
issue!(SNMP 6 Info "Community in the clear (SNMP v1/v2c)"
    "usa SNMP versione 1 o 2c: la parola d'ordine passa in chiaro" "uses SNMP version 1 or 2c: the community goes in the clear"
    "passare a SNMPv3, o limitare chi può interrogarlo." "move to SNMPv3, or limit who may ask it.");
issue!(SMB1 7 Low "SMB version 1"
    "usa SMB versione 1, superata e vulnerabile" "uses SMB version 1, which is given up and vulnerable"
    "disattivare SMB 1 e aggiornare chi lo richiede." "turn SMB 1 off and update what asks for it.");
issue!(OLD_TLS 8 Info "Old version of TLS"
    "accetta SSL 3 o TLS 1.0/1.1, superati" "accepts SSL 3 or TLS 1.0/1.1, which are given up"
    "attivare TLS 1.2 o 1.3 e togliere le versioni vecchie." "turn on TLS 1.2 or 1.3 and remove the old versions.");
issue!(EXPIRED 9 Low "Expired certificate"
    "presenta un certificato scaduto" "presents an expired certificate"
    "rinnovare il certificato." "renew the certificate.");
issue!(EXPIRING 10 Info "Certificate about to expire"
    "presenta un certificato che sta per scadere" "presents a certificate that is about to expire"
    "rinnovare il certificato prima della scadenza." "renew the certificate before its end.");

/// Credentials in a header that are only encoded (RFC 7617).
static BASIC: Word = Word::new(b"authorization: basic ");
/// A password in an address.
static PASSWORDS: [Word; 2] = [Word::new(b"password="), Word::new(b"passwd=")];

/// The fields it reads.
struct Fields {
    ftp_command: FieldRef,
    ftp_argument: FieldRef,
    http_header: FieldRef,
    http_uri: FieldRef,
    ldap_operation: FieldRef,
    ldap_name: FieldRef,
    snmp_version: FieldRef,
    imap_secret: FieldRef,
    telnet_secret: FieldRef,
    smb_version: FieldRef,
    tls_version: FieldRef,
}

/// The detector.
pub struct Cleartext {
    site: Site,
    expiry: Duration,
    fields: Fields,
    /// By server and issue, the last day on which it was told, and flows of anonymous logons.
    told: Recent<(IpAddr, u32), u64>,
    anonymous: Recent<u64, ()>,
}

impl Cleartext {
    /// A detector that has seen nothing.
    pub fn new(site: &Site, tuning: &Tuning<'_>) -> Self {
        let days = tuning.count(&EXPIRY_DAYS);
        let fields = Fields {
            ftp_command: site.field("ftp", "ftp.command"),
            ftp_argument: site.field("ftp", "ftp.command_data"),
            http_header: site.field("http", "http.header"),
            http_uri: site.field("http", "http.uri"),
            ldap_operation: site.field("ldap", "ldap.request.operation"),
            ldap_name: site.field("ldap", "ldap.request.dn"),
            snmp_version: site.field("snmp", "snmp.version"),
            imap_secret: site.field("imap", "imap.cleartext_password"),
            telnet_secret: site.field("telnet", "telnet.cleartext_password"),
            smb_version: site.field("smb", "smb.version"),
            tls_version: site.field("tls", "tls.version"),
        };
        Self {
            site: site.clone(),
            expiry: Duration::from_secs(days.saturating_mul(DAY)),
            fields,
            told: Recent::new(ISSUES_MAX),
            anonymous: Recent::new(ANONYMOUS_MAX),
        }
    }

    fn see(&mut self, record: &Record, known: &Known) -> Option<Found> {
        let server = record.context.destination?;
        let issue = match &record.body {
            Body::Transaction(transaction) => self.transaction(record, transaction, known)?,
            Body::Flow(flow) => telnet(flow)?,
            _ => return None,
        };
        let today = record.timestamp.seconds() / DAY + 1;
        let last = self.told.touch(&(server.addr, issue.sid));
        if *last == today {
            return None;
        }
        *last = today;
        Some(found(record, issue, known))
    }

    fn transaction(
        &mut self,
        record: &Record,
        transaction: &TransactionRecord,
        known: &Known,
    ) -> Option<&'static Issue> {
        let fields = &self.fields;
        match transaction.protocol {
            "ftp" => self.ftp(&record.context, transaction),
            "pop3" => (known.spoken().get("request.command") == b"PASS").then_some(&POP3),
            "imap" => (fields.imap_secret.int(transaction) == Some(1)).then_some(&IMAP),
            "telnet" => (fields.telnet_secret.int(transaction) == Some(1)).then_some(&TELNET),
            "http" => self.http(transaction),
            "ldap" => {
                let named = fields.ldap_name.bytes(transaction, |name| !name.is_empty());
                if fields.ldap_operation.int(transaction) != Some(0) || named != Some(true) {
                    return None;
                }
                const KEY: &str = "request.bind_request.sasl.mechanism";
                Spoken::of(transaction, &[KEY]).get(KEY).is_empty().then_some(&LDAP)
            }
            "snmp" => {
                let version = fields.snmp_version.int(transaction)?;
                matches!(version, 1 | 2).then_some(&SNMP)
            }
            "smb" => {
                if fields.smb_version.int(transaction) != Some(1) {
                    return None;
                }
                let negotiates =
                    known.spoken().get("command") == b"SMB1_COMMAND_NEGOTIATE_PROTOCOL";
                (!negotiates).then_some(&SMB1)
            }
            "tls" => self.tls(record, transaction),
            _ => None,
        }
    }

    fn ftp(
        &mut self,
        context: &Context,
        transaction: &TransactionRecord,
    ) -> Option<&'static Issue> {
        let fields = &self.fields;
        let user = fields.ftp_command.bytes(transaction, |name| match name {
            b"USER" => Some(true),
            b"PASS" => Some(false),
            _ => None,
        })??;
        let flow = state::conversation(context).unwrap_or_default();
        if user {
            let anonymous = fields.ftp_argument.bytes(transaction, |name| {
                name.eq_ignore_ascii_case(b"anonymous") || name.eq_ignore_ascii_case(b"ftp")
            });
            if anonymous == Some(true) {
                self.anonymous.touch(&flow);
            }
            return None;
        }
        self.anonymous.peek(&flow).is_none().then_some(&FTP)
    }

    fn http(&self, transaction: &TransactionRecord) -> Option<&'static Issue> {
        // Only of the request: the first value that the field has.
        let mut first = true;
        let mut basic = false;
        self.fields.http_header.read(transaction, &mut |value| {
            if let (Value::Bytes(headers), true) = (value, std::mem::take(&mut first)) {
                basic = BASIC.is_in(headers);
            }
        });
        let in_address = || {
            let has = |uri: &[u8]| PASSWORDS.iter().any(|word| word.is_in(uri));
            self.fields.http_uri.bytes(transaction, has) == Some(true)
        };
        (basic || in_address()).then_some(&HTTP)
    }

    fn tls(&self, record: &Record, transaction: &TransactionRecord) -> Option<&'static Issue> {
        const TLS_1_2: u64 = 0x0303;
        let server = record.context.destination?;
        if !self.site.is_home(server.addr) {
            return None;
        }
        let version = self.fields.tls_version.int(transaction);
        if version.is_some_and(|version| (0x0300..TLS_1_2).contains(&version)) {
            return Some(&OLD_TLS);
        }
        let spoken = Spoken::of(transaction, &["notafter"]);
        let end = seconds(spoken.get("notafter"))?;
        let now = record.timestamp.seconds();
        if end < now {
            Some(&EXPIRED)
        } else {
            (end - now < self.expiry.as_secs()).then_some(&EXPIRING)
        }
    }
}

fn telnet(flow: &FlowRecord) -> Option<&'static Issue> {
    let [sent, got] = flow.counters.packets;
    (flow.app_protocol == Some("telnet") && sent > 5 && got > 5).then_some(&TELNET)
}

/// Seconds since 1970 of a date as EVE writes it, `2026-11-24T20:00:00`: of its day (H. Hinnant:
/// chrono-Compatible Low-Level Date Algorithms, days from civil).
fn seconds(date: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(date).ok()?;
    let mut parts = text.split(['-', 'T']);
    let mut number = || parts.next()?.parse::<i64>().ok();
    let (year, month, day) = (number()?, number()?, number()?);
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    u64::try_from(days).ok().map(|days| (days + 1) * DAY - 1)
}

fn found(record: &Record, issue: &'static Issue, known: &Known) -> Found {
    let context = record.context;
    let (client, server) = (host(context.source, known), host(context.destination, known));
    let port = context.destination.map_or(0, |end| end.port);
    Judgement {
        kind: &KIND,
        sid: issue.sid,
        title: format!("{}: {server}", issue.title),
        context,
        level: issue.level,
        score: 1.0,
        threshold: 1.0,
        confidence: 0.95,
        numbers: vec![("port", Node::Int(port.into()))],
        baseline: vec![("expected", Node::Int(0))],
        evidence: context.flow_id.into_iter().collect(),
        technique: "T1040",
        acn: &["acn:vulnerability=\"weak-cryptography\""],
        took: Duration::default(),
        seen: Said::new(
            format!("{server} (porta {port}) {}; per esempio da {client}.", issue.it),
            format!("{server} (port {port}) {}; for instance from {client}.", issue.en),
        ),
        normal: Said::new(
            "Le comunicazioni di un ente dovrebbero essere cifrate con metodi attuali.",
            "Communication of a public body should be encrypted by current means.",
        ),
        why: Said::new("si legge nel traffico", "it is read from the traffic"),
        meaning: Said::new(
            "Non è un attacco, ma chi ascolta la rete può approfittarne.",
            "It is no attack, but whoever listens to the network can make use of it.",
        ),
        advice: Said::new(issue.advice_it, issue.advice_en),
    }
    .found()
}

impl Detector for Cleartext {
    fn record(&mut self, record: &Record, known: &Known, found: &mut Vec<Found>) {
        if let Some(one) = self.see(record, known) {
            found.push(one);
        }
    }

    fn save(&self) -> Vec<u8> {
        state::pack(&(&self.told, &self.anonymous))
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), Damaged> {
        (self.told, self.anonymous) = state::unpack(bytes)?;
        Ok(())
    }

    fn memory(&self) -> usize {
        self.told.memory() + self.anonymous.memory()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use crate::anomaly::lateral::tests::{record, told as say};

    fn judge(records: impl IntoIterator<Item = Record>) -> Vec<Found> {
        let home = crate::net::AddressSet::network(IpAddr::from([10, 0, 0, 0]), 8);
        let site = Site { home, ..Site::default() };
        let (mut detector, mut known, mut found) =
            (Cleartext::new(&site, &Tuning::default()), Known::default(), Vec::new());
        for record in records {
            let saved = detector.save();
            detector.load(&saved).unwrap();
            known.record(&record);
            detector.record(&record, &known, &mut found);
        }
        found
    }

    fn text(protocol: &'static str, text: Vec<(&'static str, &'static str)>) -> Body {
        say(protocol, text)
    }

    #[test]
    fn a_mail_password_is_told_once_a_day_per_server() {
        let at = |n: u64| record(5, 6, 110, n, text("pop3", vec![("request.command", "PASS")]));
        let found = judge([at(10), at(20), at(80_000), at(90_000)]);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].finding.level, Level::Low);
        assert!(found[0].finding.explain_it.contains("password di posta in chiaro"));
        assert!(found[0].finding.explain_en.contains("mail passwords in the clear"));
        let quiet = record(5, 6, 110, 10, text("pop3", vec![("request.command", "STLS")]));
        assert!(judge([quiet]).is_empty());
    }

    #[test]
    fn a_certificate_of_ours_is_told_when_it_has_ended_or_soon_will() {
        let at = |day: u64| {
            record(5, 6, 443, day * DAY, text("tls", vec![("notafter", "1970-03-02T12:00:00")]))
        };
        let sid = |day| judge([at(day)]).first().map(|found| found.finding.sid);
        assert_eq!((sid(10), sid(50), sid(61)), (None, Some(10), Some(9)));
        assert_eq!(seconds(b"2026-11-24T20:00:00"), Some(1_795_478_400 + DAY - 1));
    }
}
