//! Attempts to log on at a telephone exchange (SIP, RFC 3261, section 22).
//!
//! Telephones register again and again: first without credentials, to be told what to prove (401), then
//! with them; and later with what they proved once, until it is too old. So a refusal counts only when the
//! credentials prove what was asked for last and never was accepted. Who goes through a list of
//! extensions needs none: the exchange says of each that there is no such one (404).
//!
//! What is not counted: other requests (a call that is not allowed, a line that may not be watched),
//! answers of which the request was not seen, or that go to another port than it came from (18.2.2).

use super::attempts::{Attempt, Result, Service, attempt, hash};
use super::stats::Recent;
use super::stats::distinct::{mix, mix_address};
use super::{FieldRef, Site};
use crate::net::Direction;
use crate::record::{Context, TransactionRecord};

/// Requests whose answers have not come.
const REQUESTS_MAX: usize = 1024;
/// Telephones of which it is known what they were asked to prove.
const ASKED_MAX: usize = 2048;

/// A request to register.
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Request {
    account: u64,
    /// Hash of what its credentials prove; `None` without credentials.
    proves: Option<u64>,
}

/// What is kept between messages.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Kept {
    /// By ends, call and number.
    requests: Recent<u64, Request>,
    /// By ends and account, a hash of what was asked for last; 0 once it was accepted.
    asked: Recent<u64, u64>,
}

impl Default for Kept {
    fn default() -> Self {
        Self { requests: Recent::new(REQUESTS_MAX), asked: Recent::new(ASKED_MAX) }
    }
}

impl Kept {
    /// Bytes held, about.
    pub(super) fn memory(&self) -> usize {
        self.requests.memory() + self.asked.memory()
    }
}

/// Reads messages of SIP.
#[derive(Default)]
pub(super) struct Registrar {
    code: FieldRef,
    to: FieldRef,
    call: FieldRef,
    sequence: FieldRef,
    credentials: FieldRef,
    challenge: FieldRef,
    pub(super) kept: Kept,
}

impl Registrar {
    pub(super) fn new(site: &Site) -> Self {
        Self {
            code: site.field("sip", "sip.stat_code"),
            to: site.field("sip", "sip.to"),
            call: site.field("sip", "sip.call_id"),
            sequence: site.field("sip", "sip.cseq"),
            credentials: site.field("sip", "sip.authorization"),
            challenge: site.field("sip", "sip.authenticate"),
            kept: Kept::default(),
        }
    }

    /// The attempt that a message tells of; its account is the attempt's place, as many telephones may
    /// have one address.
    pub(super) fn read(
        &mut self,
        context: &Context,
        record: &TransactionRecord,
    ) -> Option<Attempt> {
        let number = self.sequence.bytes(record, number_of)??;
        let ends = mix_address(context.source?.addr) ^ mix_address(context.destination?.addr);
        let call = self.call.bytes(record, hash).unwrap_or_default();
        let key = mix(ends ^ mix(call ^ mix(number)));
        let Some(code) = self.code.bytes(record, |code| <[u8; 3]>::try_from(code).ok()) else {
            let named = self.credentials.bytes(record, |text| {
                (value(text, b"username").map(hash), value(text, b"nonce").map_or(0, hash))
            });
            let to = self.to.bytes(record, |text| hash(extension(text))).unwrap_or_default();
            let account = named.and_then(|(user, _)| user).unwrap_or(to);
            let proves = named.map(|(_, nonce)| nonce);
            *self.kept.requests.touch(&key) = Request { account, proves };
            return None;
        };
        // Of an answer in a flow of its own the ends are turned round.
        if record.direction != Direction::ToClient {
            return None;
        }
        let Request { account, proves } = *self.kept.requests.peek(&key)?;
        let asked = mix(ends ^ mix(account));
        let told =
            |result| Some(Attempt { place: account, ..attempt(Service::Sip, result, account) });
        match &code? {
            [b'1', ..] => None,
            b"404" | b"604" => {
                self.kept.requests.remove(&key);
                told(Result::Failed)
            }
            b"401" | b"403" => {
                self.kept.requests.remove(&key);
                let stale = self.challenge.bytes(record, is_stale) == Some(true);
                let wanted = self.challenge.bytes(record, |text| value(text, b"nonce").map(hash));
                let before = self.kept.asked.peek(&asked).copied().unwrap_or_default();
                if let Some(wanted) = wanted.flatten() {
                    *self.kept.asked.touch(&asked) = wanted;
                }
                let refused = proves.is_some_and(|nonce| nonce == before && before != 0);
                if refused && !stale { told(Result::Failed) } else { None }
            }
            [b'2', ..] => {
                self.kept.requests.remove(&key);
                proves?;
                *self.kept.asked.touch(&asked) = 0;
                told(Result::Succeeded)
            }
            _ => None,
        }
    }
}

/// The number of a request to register; of other methods none.
fn number_of(sequence: &[u8]) -> Option<u64> {
    let number = sequence.trim_ascii().strip_suffix(b"REGISTER")?.trim_ascii_end();
    std::str::from_utf8(number).ok()?.parse().ok()
}

/// The value of a parameter of credentials or of a challenge, without its quotes: `Digest realm="a", b=c`.
fn value<'a>(text: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    text.split(|byte| *byte == b',').find_map(|part| {
        let (key, value) = part.split_at(part.iter().position(|byte| *byte == b'=')?);
        let key = key.trim_ascii().rsplit(|byte| *byte == b' ').next()?;
        let value = value.get(1..)?.trim_ascii();
        let value = value.strip_prefix(b"\"").and_then(|v| v.strip_suffix(b"\"")).unwrap_or(value);
        key.eq_ignore_ascii_case(name).then_some(value)
    })
}

/// Whether what was proved was right, but with a challenge that was too old (RFC 7616, 3.3).
fn is_stale(challenge: &[u8]) -> bool {
    value(challenge, b"stale").is_some_and(|stale| stale.eq_ignore_ascii_case(b"true"))
}

/// The part before the `@` of an address in a header.
fn extension(address: &[u8]) -> &[u8] {
    let colon = address.iter().position(|byte| *byte == b':').map_or(0, |place| place + 1);
    let rest = address.get(colon..).unwrap_or_default();
    rest.split(|byte| matches!(byte, b'@' | b'>' | b';')).next().unwrap_or_default()
}
