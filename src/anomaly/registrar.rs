//! Attempts to log on at a telephone exchange (SIP, RFC 3261, section 22).
//!
//! Telephones register again and again: first without credentials, to be told what to prove (401, 407),
//! then with them. So a refusal counts only when the request had credentials, and they were not merely
//! too old. Who goes through a list of extensions needs none: the exchange says of each that there is no
//! such one (404).

use super::attempts::{Attempt, Result, STALE, Service, attempt, hash};
use super::spoken::Word;
use super::stats::Recent;
use super::stats::distinct::mix;
use super::{FieldRef, Site};
use crate::record::TransactionRecord;

/// Before the name in credentials.
static USER: Word = Word::new(b"username=");

/// Reads messages of SIP.
#[derive(Default)]
pub(super) struct Registrar {
    code: FieldRef,
    to: FieldRef,
    call: FieldRef,
    sequence: FieldRef,
    credentials: FieldRef,
    challenge: FieldRef,
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
        }
    }

    /// The attempt that a message tells of. `named` keeps who sent credentials, by conversation and
    /// request, until the answer.
    pub(super) fn read(
        &self,
        conversation: u64,
        named: &mut Recent<u64, u64>,
        record: &TransactionRecord,
    ) -> Option<Attempt> {
        let of = |field: FieldRef| field.bytes(record, hash).unwrap_or_default();
        let request = || mix(conversation ^ mix(of(self.call) ^ mix(of(self.sequence))));
        let told = |result, account| Some(attempt(Service::Sip, result, account));
        let sent = self.credentials.bytes(record, |text| name_in(text).map_or(0, hash));
        if let Some(account) = sent {
            *named.touch(&request()) = account;
            return None;
        }
        let code = self.code.bytes(record, |code| <[u8; 3]>::try_from(code).ok())??;
        match &code {
            b"404" | b"604" => {
                let registers = |text: &[u8]| text.trim_ascii_end().ends_with(b"REGISTER");
                let registers = self.sequence.bytes(record, registers) == Some(true);
                let account = self.to.bytes(record, |text| hash(extension(text)));
                if registers { told(Result::Failed, account.unwrap_or_default()) } else { None }
            }
            b"401" | b"403" | b"407" => {
                let account = *named.peek(&request())?;
                let stale = self.challenge.bytes(record, is_stale) == Some(true);
                if stale { None } else { told(Result::Failed, account) }
            }
            [b'2', ..] => {
                let account = *named.peek(&request())?;
                told(Result::Succeeded, account)
            }
            _ => None,
        }
    }
}

/// The name in credentials, without its quotes.
fn name_in(credentials: &[u8]) -> Option<&[u8]> {
    let rest = credentials.get(USER.place(credentials)? + USER.text().len()..)?;
    let rest = rest.strip_prefix(b"\"").unwrap_or(rest);
    rest.split(|byte| matches!(byte, b'"' | b',' | b' ')).next()
}

/// Whether what was proved was right, but with a challenge that was too old (RFC 7616, 3.3).
fn is_stale(challenge: &[u8]) -> bool {
    let plain: Vec<u8> = challenge.iter().copied().filter(|byte| *byte != b'"').collect();
    STALE.is_in(&plain)
}

/// The part before the `@` of an address in a header.
fn extension(address: &[u8]) -> &[u8] {
    let colon = address.iter().position(|byte| *byte == b':').map_or(0, |place| place + 1);
    let rest = address.get(colon..).unwrap_or_default();
    rest.split(|byte| matches!(byte, b'@' | b'>' | b';')).next().unwrap_or_default()
}
