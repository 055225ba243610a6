//! Attempts to log on, whatever the protocol: who tried where, as whom, and how it went.
//!
//! Where a protocol is read, its answer tells: FTP 530, POP3 -ERR, SMTP 535, the status of an SMB
//! session setup, errors of Kerberos, result 49 of an LDAP bind, 401 to credentials of HTTP and to forms
//! with a password, the result of VNC, an error of PostgreSQL or MySQL, NO to IMAP's LOGIN, what telnet prints
//! behind a password, 401 or 407 to credentials of SIP, the code of MQTT, the silence of SNMP. Pages of the web on which one logs on mostly answer alike whether the password was
//! right or not; one that sends on to a page of its own took it. Where only the flow is known (SSH, RDP,
//! databases from outside, IMAP, telnet and SMTP in which nobody was seen to log on or hand in mail) its
//! shape does: a connection in which enough is sent for a name and a password, and which ends before
//! anybody can have worked in it.

use super::registrar::{self, Registrar};
use super::spoken::{Spoken, Word};
use super::stats::Recent;
use super::stats::distinct::{mix, mix_bytes};
use super::{FieldRef, Site, state};
use crate::reader::base64_digit;
use crate::record::{Body, Context, FlowRecord, Record, TransactionRecord};
use crate::time::Timestamp;

/// The protocols whose transactions tell of attempts, by EVE name.
pub const PROTOCOLS: &[&str] = &[
    "ftp", "pop3", "imap", "smtp", "telnet", "smb", "krb5", "ldap", "http", "rfb", "pgsql",
    "dcerpc", "sip", "snmp", "mqtt", "mysql",
];

/// Flows of which the name that logs on is remembered until the answer.
const FLOWS_MAX: usize = 2048;

/// A thing to log on to.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[allow(missing_docs, reason = "the names are those of the protocols")]
pub enum Service {
    Ssh,
    Ftp,
    Smtp,
    Pop3,
    Imap,
    Rdp,
    Smb,
    Kerberos,
    Ldap,
    Http,
    Vnc,
    Telnet,
    Database,
    Netlogon,
    Sip,
    Snmp,
    Mqtt,
}

impl Service {
    /// As people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ssh => "SSH",
            Self::Ftp => "FTP",
            Self::Smtp => "SMTP",
            Self::Pop3 => "POP3",
            Self::Imap => "IMAP",
            Self::Rdp => "RDP",
            Self::Smb => "SMB",
            Self::Kerberos => "Kerberos",
            Self::Ldap => "LDAP",
            Self::Http => "HTTP",
            Self::Vnc => "VNC",
            Self::Telnet => "telnet",
            Self::Database => "database",
            Self::Netlogon => "Netlogon",
            Self::Sip => "SIP",
            Self::Snmp => "SNMP",
            Self::Mqtt => "MQTT",
        }
    }
}

/// How an attempt went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Result {
    /// The server said no.
    Failed,
    /// Nobody was told no, but the flow ended before one can have worked in it.
    Short,
    /// The server said yes, or the flow became long.
    Succeeded,
}

/// An attempt to log on.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    /// To what.
    pub service: Service,
    /// How it went.
    pub result: Result,
    /// How often the server said no: more than once where several passwords are tried in one connection.
    pub failures: u32,
    /// Hash of the account's name; 0 when it is not known.
    pub account: u64,
    /// A short hash of account and password, where both can be seen; 0 elsewhere. It tells a guess from
    /// the one before: of a million likely passwords some 250 have the same.
    pub secret: u16,
    /// Hash of what beside the server was the target: the web page.
    pub place: u64,
}

/// Sees attempts in records.
#[derive(Default)]
pub struct Attempts {
    /// By [conversation](state::conversation), the account that was named last.
    named: Recent<u64, u64>,
    ftp_command: FieldRef,
    ftp_argument: FieldRef,
    ftp_code: FieldRef,
    ldap_operation: FieldRef,
    ldap_name: FieldRef,
    ldap_result: FieldRef,
    http_status: FieldRef,
    http_method: FieldRef,
    http_uri: FieldRef,
    http_header: FieldRef,
    http_body: FieldRef,
    http_answer: FieldRef,
    http_location: FieldRef,
    vnc_result: FieldRef,
    imap_command: FieldRef,
    imap_status: FieldRef,
    imap_user: FieldRef,
    telnet_login: FieldRef,
    telnet_user: FieldRef,
    interface: FieldRef,
    operation: FieldRef,
    mail_sender: FieldRef,
    mail_refused: FieldRef,
    mail_logged_on: FieldRef,
    registrar: Registrar,
    snmp_kind: FieldRef,
    snmp_community: FieldRef,
    mqtt_code: FieldRef,
    mqtt_user: FieldRef,
    mqtt_password: FieldRef,
    mysql_code: FieldRef,
    mysql_user: FieldRef,
}

impl Attempts {
    /// None seen yet.
    pub fn new(site: &Site) -> Self {
        Self {
            named: Recent::new(FLOWS_MAX),
            ftp_command: site.field("ftp", "ftp.command"),
            ftp_argument: site.field("ftp", "ftp.command_data"),
            ftp_code: site.field("ftp", "ftp.completion_code"),
            ldap_operation: site.field("ldap", "ldap.request.operation"),
            ldap_name: site.field("ldap", "ldap.request.dn"),
            ldap_result: site.field("ldap", "ldap.responses.result_code"),
            http_status: site.field("http", "http.stat_code"),
            http_method: site.field("http", "http.method"),
            http_uri: site.field("http", "http.uri"),
            http_header: site.field("http", "http.header"),
            http_body: site.field("http", "http.request_body"),
            http_answer: site.field("http", "http.response_header"),
            http_location: site.field("http", "http.location"),
            vnc_result: site.field("rfb", "rfb.secresult"),
            imap_command: site.field("imap", "imap.command"),
            imap_status: site.field("imap", "imap.status"),
            imap_user: site.field("imap", "imap.user"),
            telnet_login: site.field("telnet", "telnet.login"),
            telnet_user: site.field("telnet", "telnet.user"),
            interface: site.field("dcerpc", "dcerpc.interface"),
            operation: site.field("dcerpc", "dcerpc.operation"),
            mail_sender: site.field("smtp", "email.from"),
            mail_refused: site.field("smtp", "smtp.auth_refused"),
            mail_logged_on: site.field("smtp", "smtp.logged_on"),
            registrar: Registrar::new(site),
            snmp_kind: site.field("snmp", "snmp.pdu_type"),
            snmp_community: site.field("snmp", "snmp.community"),
            mqtt_code: site.field("mqtt", "mqtt.reason_code"),
            mqtt_user: site.field("mqtt", "mqtt.connect.username"),
            mqtt_password: site.field("mqtt", "mqtt.connect.password"),
            mysql_code: site.field("mysql", "mysql.error_code"),
            mysql_user: site.field("mysql", "mysql.user"),
        }
    }

    /// What is to be saved.
    pub const fn kept(&self) -> (&Recent<u64, u64>, &registrar::Kept) {
        (&self.named, &self.registrar.kept)
    }

    /// Takes back what was saved.
    pub fn keep(&mut self, (named, kept): (Recent<u64, u64>, registrar::Kept)) {
        (self.named, self.registrar.kept) = (named, kept);
    }

    /// Bytes held, about.
    pub fn memory(&self) -> usize {
        self.named.memory() + self.registrar.kept.memory()
    }

    /// The attempt that a record tells of; `spoken` is what [`Known`](super::Known) has read of it.
    pub fn read(&mut self, record: &Record, site: &Site, spoken: &Spoken) -> Option<Attempt> {
        match &record.body {
            Body::Flow(flow) => {
                // Its transactions have told.
                let told = matches!(flow.app_protocol, Some("imap" | "telnet" | "smtp" | "mysql"))
                    && state::conversation(&record.context)
                        .is_some_and(|flow| self.named.peek(&flow).is_some());
                if told { None } else { shape(&record.context, flow, site) }
            }
            Body::Transaction(transaction) => {
                self.transaction(&record.context, transaction, spoken)
            }
            _ => None,
        }
    }

    fn transaction(
        &mut self,
        context: &Context,
        record: &TransactionRecord,
        spoken: &Spoken,
    ) -> Option<Attempt> {
        let flow = || state::conversation(context).unwrap_or_default();
        match record.protocol {
            "ftp" => self.ftp(flow, record),
            "pop3" => self.pop3(flow(), spoken),
            "imap" => self.imap(flow, record),
            "telnet" => self.telnet(flow, record),
            "smb" => smb(spoken),
            "krb5" => self.kerberos(flow(), spoken),
            "ldap" => self.ldap(record),
            "http" => self.http(record),
            "rfb" => self.vnc_result.int(record).map(|result| {
                let result = if result == 0 { Result::Succeeded } else { Result::Failed };
                attempt(Service::Vnc, result, 0)
            }),
            "pgsql" => postgres(record),
            "dcerpc" => self.netlogon(record),
            "smtp" => self.smtp(flow, record),
            "snmp" => self.snmp(record),
            "mqtt" => self.mqtt(record),
            "mysql" => self.mysql(flow, record),
            "sip" => self.registrar.read(context, record),
            _ => None,
        }
    }

    fn ftp(&mut self, flow: impl FnOnce() -> u64, record: &TransactionRecord) -> Option<Attempt> {
        let is_user = self.ftp_command.bytes(record, |command| match command {
            b"USER" => Some(true),
            b"PASS" => Some(false),
            _ => None,
        })??;
        if is_user {
            let account = self.ftp_argument.bytes(record, hash).unwrap_or_default();
            *self.named.touch(&flow()) = account;
            return None;
        }
        let mut result = None;
        self.ftp_code.read(record, &mut |value| {
            if let crate::field::Value::Bytes(code) = value {
                result = match code {
                    b"530" | b"430" | b"421" => Some(Result::Failed),
                    b"230" | b"232" | b"332" => Some(Result::Succeeded),
                    _ => result,
                };
            }
        });
        let account = self.named.peek(&flow()).copied().unwrap_or_default();
        let secret = self.ftp_argument.bytes(record, |word| proof(account, word));
        let secret = secret.unwrap_or_default();
        result.map(|result| Attempt { secret, ..attempt(Service::Ftp, result, account) })
    }

    fn smtp(&mut self, flow: impl FnOnce() -> u64, record: &TransactionRecord) -> Option<Attempt> {
        let failures = self.mail_refused.int(record).unwrap_or_default();
        let logged_on = self.mail_logged_on.int(record);
        let result = if logged_on == Some(1) { Result::Succeeded } else { Result::Failed };
        // Who hands in mail that is taken came to work, too; and other answers than a refusal say nothing
        // of a password.
        if logged_on.is_some() || self.mail_sender.is_there(record) {
            self.named.touch(&flow());
        }
        let told = logged_on == Some(1) || failures > 0;
        let failures = u32::try_from(failures).unwrap_or(u32::MAX);
        told.then_some(Attempt { failures, ..attempt(Service::Smtp, result, 0) })
    }

    fn pop3(&mut self, flow: u64, spoken: &Spoken) -> Option<Attempt> {
        match spoken.get("request.command") {
            b"USER" => {
                *self.named.touch(&flow) = hash(spoken.get("request.args"));
                None
            }
            b"PASS" | b"APOP" | b"AUTH" => {
                let account = self.named.peek(&flow).copied().unwrap_or_default();
                // What other ways send differs each time.
                let plain = spoken.get("request.command") == b"PASS";
                let secret = if plain { proof(account, spoken.get("request.args")) } else { 0 };
                let result = match spoken.get("response.status") {
                    b"OK" => Result::Succeeded,
                    b"ERR" => Result::Failed,
                    _ => return None,
                };
                Some(Attempt { secret, ..attempt(Service::Pop3, result, account) })
            }
            _ => None,
        }
    }

    fn imap(&mut self, flow: impl FnOnce() -> u64, record: &TransactionRecord) -> Option<Attempt> {
        let logs_on = |name: &[u8]| matches!(name, b"LOGIN" | b"AUTHENTICATE");
        if self.imap_command.bytes(record, logs_on) != Some(true) {
            return None;
        }
        let result = self.imap_status.bytes(record, |status| match status {
            b"OK" => Some(Result::Succeeded),
            b"NO" => Some(Result::Failed),
            _ => None,
        })??;
        let account = self.imap_user.bytes(record, hash).unwrap_or_default();
        *self.named.touch(&flow()) = account;
        Some(attempt(Service::Imap, result, account))
    }

    fn telnet(
        &mut self,
        flow: impl FnOnce() -> u64,
        record: &TransactionRecord,
    ) -> Option<Attempt> {
        let result = match self.telnet_login.int(record)? {
            1 => Result::Succeeded,
            2 => Result::Failed,
            _ => return None,
        };
        let account = self.telnet_user.bytes(record, hash).unwrap_or_default();
        *self.named.touch(&flow()) = account;
        Some(attempt(Service::Telnet, result, account))
    }

    fn kerberos(&mut self, flow: u64, spoken: &Spoken) -> Option<Attempt> {
        match (spoken.get("msg_type"), spoken.get("error_code")) {
            (b"KRB_AS_REQ", _) => {
                *self.named.touch(&flow) = hash(spoken.get("cname"));
                None
            }
            (b"KRB_AS_REP", _) => {
                let account = hash(spoken.get("cname"));
                Some(attempt(Service::Kerberos, Result::Succeeded, account))
            }
            (
                b"KRB_ERROR",
                b"KDC_ERR_PREAUTH_FAILED"
                | b"KDC_ERR_C_PRINCIPAL_UNKNOWN"
                | b"KDC_ERR_CLIENT_REVOKED",
            ) => {
                let account = self.named.peek(&flow).copied().unwrap_or_default();
                Some(attempt(Service::Kerberos, Result::Failed, account))
            }
            _ => None,
        }
    }

    fn ldap(&self, record: &TransactionRecord) -> Option<Attempt> {
        const BIND: u64 = 0;
        const INVALID_CREDENTIALS: u64 = 49;
        if self.ldap_operation.int(record) != Some(BIND) {
            return None;
        }
        let account = self.ldap_name.bytes(record, hash).unwrap_or_default();
        match self.ldap_result.int(record)? {
            INVALID_CREDENTIALS => Some(attempt(Service::Ldap, Result::Failed, account)),
            0 => Some(attempt(Service::Ldap, Result::Succeeded, account)),
            _ => None,
        }
    }

    fn http(&self, record: &TransactionRecord) -> Option<Attempt> {
        let status = self.http_status.bytes(record, |code| {
            std::str::from_utf8(code).ok().and_then(|code| code.parse::<u16>().ok())
        })??;
        let refused = matches!(status, 401 | 403);
        let posted = || self.http_method.bytes(record, |method| method == b"POST") == Some(true);
        let (form, page, asked) = self.http_uri.bytes(record, |uri| {
            let path = uri.split(|byte| *byte == b'?').next().unwrap_or_default();
            let renews = any(&RENEWAL_WORDS, last_segment(path));
            let asked = guess(uri);
            let named = any(&LOGIN_WORDS, path) && !renews && posted();
            let form = asked.is_some() || any(&PASSWORD_WORDS, uri) || named;
            (form, if form || refused { hash(path) } else { 0 }, asked)
        })?;
        let told = |result, (account, secret): (u64, u16)| {
            let attempt = attempt(Service::Http, result, account);
            Some(Attempt { place: page, secret, ..attempt })
        };
        let sent = || self.http_body.bytes(record, guess).flatten().or(asked);
        if refused {
            let proof = self.http_header.bytes(record, |headers| credentials(headers).map(basic));
            if let Some(proof) = proof.flatten().filter(|_| status == 401) {
                // What was too old and not wrong is asked for again (RFC 7616, 3.3).
                let stale = |headers: &[u8]| STALE.is_in(headers);
                let stale = self.http_answer.bytes(record, stale) == Some(true);
                return if stale { None } else { told(Result::Failed, proof) };
            }
            // A program that asks for a page by itself is refused without a word; one that had a
            // password with it was refused for that.
            let sent = if form || posted() { sent() } else { None };
            let tried = form || sent.is_some();
            return if tried { told(Result::Failed, sent.unwrap_or_default()) } else { None };
        }
        // Most login pages say 200 or send back whether the password was right or not. Who is sent on to
        // a page of its own where no one logs on has logged on.
        let is_on = |to: &[u8]| {
            !any(&LOGIN_WORDS, to) && !any(&REFUSAL_WORDS, to) && !last_segment(to).is_empty()
        };
        let sent_on = || self.http_location.bytes(record, is_on) == Some(true);
        match status {
            _ if !form => None,
            300..400 if sent_on() => told(Result::Succeeded, (0, 0)),
            0..500 => told(Result::Short, sent().unwrap_or_default()),
            _ => None,
        }
    }

    /// A wrong community is answered by nothing, so each that is tried counts: who manages devices has a
    /// few. Switches are asked for each of their networks under one of its own: `public@10`.
    fn snmp(&self, record: &TransactionRecord) -> Option<Attempt> {
        /// What asks: get, next, set, bulk.
        const REQUESTS: [u64; 4] = [0, 1, 3, 5];
        if !REQUESTS.contains(&self.snmp_kind.int(record)?) {
            return None;
        }
        let community = |text: &[u8]| {
            short(mix_bytes(text.split(|byte| *byte == b'@').next().unwrap_or_default()))
        };
        let secret = self.snmp_community.bytes(record, community)?;
        Some(Attempt { secret, ..attempt(Service::Snmp, Result::Short, 0) })
    }

    fn mqtt(&self, record: &TransactionRecord) -> Option<Attempt> {
        let account = self.mqtt_user.bytes(record, hash)?;
        // Some have a token as their name and no password.
        let secret = self.mqtt_password.bytes(record, mix_bytes).unwrap_or_default();
        let secret = short(mix(account ^ secret));
        // Wrong name or password, and not authorized, of version 3 (3.2.2.3) and of 5 (3.2.2.2).
        let result = match self.mqtt_code.int(record)? {
            4 | 5 | 0x86 | 0x87 => Result::Failed,
            0 => Result::Succeeded,
            _ => return None,
        };
        // A gateway stands for many devices.
        Some(Attempt { secret, place: account, ..attempt(Service::Mqtt, result, account) })
    }

    fn mysql(&mut self, flow: impl FnOnce() -> u64, record: &TransactionRecord) -> Option<Attempt> {
        let account = self.mysql_user.bytes(record, hash)?;
        // Access denied, with a password and without one.
        let result = match self.mysql_code.int(record)? {
            1045 | 1698 => Result::Failed,
            0 => Result::Succeeded,
            _ => return None,
        };
        *self.named.touch(&flow()) = account;
        Some(attempt(Service::Database, result, account))
    }

    fn netlogon(&self, record: &TransactionRecord) -> Option<Attempt> {
        /// Of Netlogon (MS-NRPC 3.5.4).
        const INTERFACE: u128 = 0x12345678_1234_abcd_ef00_01234567cffb;
        let operation = self.operation.int(record)?;
        // NetrServerAuthenticate, 2 and 3: a machine does so when it starts; an attack on the
        // challenge (CVE-2020-1472) does so hundreds of times, then sets a password.
        let result = match operation {
            5 | 15 | 26 => Result::Failed,
            30 => Result::Succeeded,
            _ => return None,
        };
        let mut is_it = false;
        self.interface.read(record, &mut |value| is_it |= uuid(value) == Some(INTERFACE));
        is_it.then(|| attempt(Service::Netlogon, result, 0))
    }
}

/// In addresses of pages that take a password.
static PASSWORD_WORDS: [Word; 4] =
    [Word::new(b"password="), Word::new(b"passwd="), Word::new(b"pwd="), Word::new(b"pass=")];
/// In paths of pages where one logs on.
static LOGIN_WORDS: [Word; 8] = [
    Word::new(b"login"),
    Word::new(b"accedi"),
    Word::new(b"signin"),
    Word::new(b"sign-in"),
    Word::new(b"logon"),
    Word::new(b"xmlrpc.php"),
    Word::new(b"j_security_check"),
    Word::new(b"auth/"),
];

/// In an answer to credentials that were right but too old.
static STALE: Word = Word::new(b"stale=true");
/// Before a password in what is sent to log on.
static SECRET_WORDS: [Word; 5] = [
    Word::new(b"password"),
    Word::new(b"passwd"),
    Word::new(b"pwd"),
    Word::new(b"pass="),
    Word::new(b"\"pass\""),
];
/// Before the account's name.
static ACCOUNT_WORDS: [Word; 7] = [
    Word::new(b"user"),
    Word::new(b"login"),
    Word::new(b"email"),
    Word::new(b"account"),
    Word::new(b"utente"),
    Word::new(b"log="),
    Word::new(b"\"name\""),
];

/// In paths of what a program that is logged on does by itself, now and then.
static RENEWAL_WORDS: [Word; 2] = [Word::new(b"refresh"), Word::new(b"renew")];
/// In addresses to which one is sent back who got the password wrong.
static REFUSAL_WORDS: [Word; 4] =
    [Word::new(b"error"), Word::new(b"fail"), Word::new(b"invalid"), Word::new(b"denied")];

fn any(words: &[Word], text: &[u8]) -> bool {
    words.iter().any(|word| word.is_in(text))
}

/// Account and short hash of account and password in a form or an object that is sent to log on, if a
/// password is in it. Whatever else it says (a mark of time, a state of the page) may differ each time.
fn guess(text: &[u8]) -> Option<(u64, u16)> {
    let find = |words: &[Word]| words.iter().find_map(|word| value(text, word));
    let secret = find(&SECRET_WORDS)?;
    let account = find(&ACCOUNT_WORDS).map_or(0, hash);
    Some((account, proof(account, secret)))
}

/// What stands behind a word in `word=value&` or `"word": "value"`, first where it is not empty.
fn value<'a>(text: &'a [u8], word: &Word) -> Option<&'a [u8]> {
    const NAME_BYTES_MAX: usize = 64;
    const VALUE_BYTES_MAX: usize = 256;
    const PLACES_MAX: usize = 16;
    let mut rest = text;
    for _ in 0..PLACES_MAX {
        rest = rest.get(word.place(rest)?..)?;
        let name = rest.get(..NAME_BYTES_MAX).unwrap_or(rest);
        let sign = name.iter().position(|byte| matches!(byte, b'=' | b':'));
        let other = name.iter().position(|byte| b"&,{?/;<>()\n".contains(byte));
        if let Some(sign) = sign.filter(|sign| other.is_none_or(|other| *sign < other)) {
            let value = rest.get(sign + 1..)?.trim_ascii_start();
            let (value, end): (_, &[u8]) = match value.strip_prefix(b"\"") {
                Some(value) => (value, b"\""),
                None => (value, b"&,}\r\n"),
            };
            let length = value.iter().take(VALUE_BYTES_MAX).position(|byte| end.contains(byte));
            let value = value.get(..length.unwrap_or(VALUE_BYTES_MAX)).unwrap_or(value);
            if !value.is_empty() {
                return Some(value);
            }
        }
        rest = rest.get(1..)?;
    }
    None
}

/// The last part of the path of an address, without what follows it.
fn last_segment(address: &[u8]) -> &[u8] {
    let path = address.split(|byte| matches!(byte, b'?' | b'#')).next().unwrap_or_default();
    let last = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    last.split(|byte| *byte == b';').next().unwrap_or_default()
}

/// The interface of a call, as a number, from the field `dcerpc.interface`.
pub fn uuid(value: crate::field::Value<'_>) -> Option<u128> {
    let crate::field::Value::Bytes(bytes) = value else { return None };
    let first: [u8; 16] = bytes.get(..16)?.try_into().ok()?;
    Some(u128::from_be_bytes(first))
}

pub(super) const fn attempt(service: Service, result: Result, account: u64) -> Attempt {
    let failures = !matches!(result, Result::Succeeded) as u32;
    Attempt { service, result, failures, account, secret: 0, place: 0 }
}

pub(super) fn hash(bytes: &[u8]) -> u64 {
    let step = |sum: u64, byte: &u8| mix(sum ^ u64::from(byte.to_ascii_lowercase()));
    bytes.iter().fold(1, step)
}

/// A short hash of a proof of an account; 0 of none.
fn proof(account: u64, word: &[u8]) -> u16 {
    if word.is_empty() { 0 } else { short(mix(account ^ mix_bytes(word))) }
}

/// Twelve bits of a hash; never 0.
const fn short(hash: u64) -> u16 {
    let short = (hash >> 24) as u16 & 0xfff;
    if short == 0 { 1 } else { short }
}

/// The credentials that a request had with it, with their scheme, if they can be wrong. Of NTLM only
/// the third message counts: the first two are refused whoever one is.
fn credentials(headers: &[u8]) -> Option<&[u8]> {
    static SCHEMES: [Word; 4] = [
        Word::new(b"\nauthorization: basic "),
        Word::new(b"\nauthorization: digest "),
        Word::new(b"\nauthorization: ntlm tlrmtvntuaad"),
        Word::new(b"\nauthorization: negotiate tlrmtvntuaad"),
    ];
    const NAME: usize = "\nauthorization: ".len();
    // It may be the first line.
    let first = |scheme: &Word| {
        let begins = scheme.text().get(1..).is_some_and(|text| {
            headers.get(..text.len()).is_some_and(|there| there.eq_ignore_ascii_case(text))
        });
        begins.then_some(NAME - 1)
    };
    let find = |scheme: &Word| first(scheme).or_else(|| scheme.place(headers).map(|at| at + NAME));
    let begin = SCHEMES.iter().find_map(find)?;
    headers.get(begin..)?.split(|byte| matches!(byte, b'\r' | b'\n')).next()
}

/// Account and short hash of credentials of the scheme Basic; of others nothing is known: what they say
/// differs each time, whatever the password.
fn basic(credentials: &[u8]) -> (u64, u16) {
    match user(credentials) {
        0 => (0, 0),
        account => (account, short(mix_bytes(credentials))),
    }
}

/// The hash of the name in credentials of the scheme Basic (RFC 7617): base64 of `name:password`; 0 of
/// others.
fn user(credentials: &[u8]) -> u64 {
    const SCHEME: usize = "basic ".len();
    const NAME_BYTES_MAX: usize = 64;
    let Some((scheme, encoded)) = credentials.split_at_checked(SCHEME) else { return 0 };
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return 0;
    }
    let (mut name, mut held, mut bits) = (Vec::new(), 0_u32, 0);
    for byte in encoded {
        let Some(six) = base64_digit(*byte) else { return 0 };
        (held, bits) = (held << 6 | u32::from(six), bits + 6);
        if bits >= 8 {
            bits -= 8;
            match (held >> bits) as u8 {
                b':' => return hash(&name),
                _ if name.len() >= NAME_BYTES_MAX => return 0,
                letter => name.push(letter),
            }
        }
    }
    0
}

fn smb(spoken: &Spoken) -> Option<Attempt> {
    if !matches!(
        spoken.get("command"),
        b"SMB2_COMMAND_SESSION_SETUP" | b"SMB1_COMMAND_SESSION_SETUP_ANDX"
    ) {
        return None;
    }
    let user = spoken.get("ntlmssp.user");
    let account = if user.is_empty() { 0 } else { hash(user) };
    match spoken.get("status_code") {
        // Logon failure, wrong password, no such user, restriction, disabled, locked, expired.
        b"0xc000006d" | b"0xc000006a" | b"0xc0000064" | b"0xc000006e" | b"0xc0000072"
        | b"0xc0000234" | b"0xc0000071" => Some(attempt(Service::Smb, Result::Failed, account)),
        b"0x0" if !user.is_empty() => Some(attempt(Service::Smb, Result::Succeeded, account)),
        _ => None,
    }
}

fn postgres(record: &TransactionRecord) -> Option<Attempt> {
    let spoken = Spoken::of(record, &["response.code"]);
    // SQLSTATE class 28: the authorization is invalid.
    let refused = spoken.get("response.code").starts_with(b"28");
    refused.then(|| attempt(Service::Database, Result::Failed, 0))
}

/// When an attempt was made of which a record tells: a flow is told of when its time is over, which on a
/// quiet link comes to many at once.
pub fn when(record: &Record) -> Timestamp {
    match &record.body {
        Body::Flow(flow) => flow.counters.end,
        _ => record.timestamp,
    }
}

/// Bytes of headers of a packet of TCP, about: link, network, transport with time stamps.
const HEADER_BYTES: u64 = 66;
/// The same without time stamps.
const HEADER_BYTES_LEAST: u64 = 54;
/// Bytes of the shortest frame of Ethernet: packets that are no longer, on average, carry nothing.
const FRAME_BYTES: u64 = 60;

/// What the shape of a flow tells.
fn shape(context: &Context, flow: &FlowRecord, site: &Site) -> Option<Attempt> {
    let port = context.destination?.port;
    let counters = &flow.counters;
    let [to_server, to_client] = counters.packets;
    flow.tcp?;
    if to_server < 3 || to_client < 2 {
        return None;
    }
    // The header of IPv6 is longer.
    let more = if context.ip_version == 6 { 20 } else { 0 };
    let payload = |way: usize| {
        let packets = counters.packets.get(way).copied().unwrap_or_default();
        let bytes = counters.bytes.get(way).copied().unwrap_or_default();
        bytes.saturating_sub(packets * (HEADER_BYTES + more))
    };
    let (sent, got) = (payload(0), payload(1));
    if counters.bytes[1] <= to_client * (FRAME_BYTES + more) {
        return None;
    }
    let seconds = counters.end.since(counters.start).as_secs();
    let outside = context.source.is_some_and(|end| !site.is_home(end.addr));
    // So much has to be sent at least by one who gives a name and a password: who only looks whether the
    // server is there, or reads its greeting, sends less.
    let (service, least, limit) = match (flow.app_protocol, port) {
        // The exchange of keys takes up to 3 kB each way; six wrong passwords less than 1 kB.
        (Some("ssh"), _) => (Service::Ssh, 600, 4500),
        (Some("smtp"), 465 | 587) => (Service::Smtp, 25, 2500),
        (Some("smtp"), _) if flow.transactions == 0 => (Service::Smtp, 25, 1500),
        (Some("imap"), _) => (Service::Imap, 20, 1000),
        (Some("telnet"), _) => (Service::Telnet, 4, 1500),
        (Some("rdp"), _) | (_, 3389) => (Service::Rdp, 100, 12_000),
        (_, 993) => (Service::Imap, 400, 6500),
        (_, 3306 | 1433 | 1521 | 5432) if outside => (Service::Database, 20, 1500),
        _ => return None,
    };
    if matches!(service, Service::Ssh) && sent + got > 16_000 {
        return Some(attempt(service, Result::Succeeded, 0));
    }
    // Of those without time stamps more was sent than that.
    let most = counters.bytes[0].saturating_sub(to_server * (HEADER_BYTES_LEAST + more));
    let short = most >= least && sent <= limit && got <= limit && seconds <= 60;
    short.then(|| attempt(service, Result::Short, 0))
}

/// A count that runs out: a leaky bucket. `window` is the time in which a full one is empty.
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Bucket {
    level: f64,
    last: Timestamp,
}

impl Bucket {
    /// Adds a number at a time; how full it is then. `full` runs out within `window` seconds.
    pub fn add(&mut self, number: u32, at: Timestamp, (full, window): (f64, f64)) -> f64 {
        self.level = self.at(at, (full, window)) + f64::from(number);
        self.last = self.last.max(at);
        self.level
    }

    /// How full it is at a time.
    pub fn at(&self, at: Timestamp, (full, window): (f64, f64)) -> f64 {
        let gone = at.since(self.last).as_secs_f64() * full / window.max(1.0);
        (self.level - gone).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_name_their_user() {
        let sent = |headers: &str| {
            let sent = credentials(headers.as_bytes())?;
            Some((String::from_utf8_lossy(sent).into_owned(), user(sent)))
        };
        // `anna:x`, `anna:segreta`.
        let anna = hash(b"anna");
        for text in ["YW5uYTp4", "YW5uYTpzZWdyZXRh"] {
            let headers = format!("Host: a\r\nAUTHORIZATION: Basic {text}\r\nB: c\r\n");
            assert_eq!(sent(&headers), Some((format!("Basic {text}"), anna)));
        }
        for text in ["", "YW5u", "YW5uYQ==", "%%%%", &"YWFh".repeat(100)] {
            let headers = format!("Authorization: Basic {text}\r\n");
            assert_eq!(sent(&headers), Some((format!("Basic {text}"), 0)), "{text}");
        }
        assert_eq!(sent("Proxy-Authorization: Basic YW5uYTp4\r\n"), None);
        assert_ne!(basic(b"Basic YW5uYTp4").1, basic(b"Basic YW5uYTp5").1);
        assert_eq!(basic(b"Digest username=\"anna\", response=\"1\""), (0, 0));
        assert_eq!(sent("Authorization: Digest username=\"a\"").map(|(_, user)| user), Some(0));
        assert_eq!(sent("Authorization: Bearer YW5uYTp4\r\n"), None);
        assert_eq!(sent("Authorization: NTLM TlRMTVNTUAABAAAA\r\n"), None);
    }

    #[test]
    fn a_guess_is_account_and_password_whatever_stands_around_them() {
        let of = |text: &str| guess(text.as_bytes());
        let anna = of("user=anna&password=x");
        assert_eq!(anna.map(|(account, _)| account), Some(hash(b"anna")));
        let long = "A".repeat(5000);
        for same in [
            format!("__VIEWSTATE={long}&user=anna&pwd=x&go=1"),
            "{\"ts\":17,\"username\": \"anna\", \"password\" : \"x\"}".to_owned(),
            "password=x&user=anna".to_owned(),
            "password=&user=anna&new_password=x".to_owned(),
        ] {
            assert_eq!(of(&same), anna, "{same}");
        }
        for other in ["user=anna&password=y", "user=bruno&password=x", "{\"password\":\"x\"}"] {
            assert_ne!(of(other), anna, "{other}");
        }
        for none in [
            "/reset-password?token=x",
            "/password/strength?value=x",
            "",
            "user=anna",
            "a=password",
            "password",
            "forgot the password, anna: x",
        ] {
            assert_eq!(of(none), None, "{none}");
        }
        // Not worth a look for ever.
        assert_eq!(of(&"pwd&".repeat(100_000)), None);
    }
}
