//! Messages, and what can be read from them.

use super::names;
use crate::field::{Field, Fields, Kind, Side, Stage, Value};
use crate::protocols::formats::ber::{self, Element};
use crate::protocols::formats::kerberos::{self, Principal, Ticket};
use crate::reader::Reader;

/// Numbers of messages (RFC 4120, 5.10).
pub mod kind {
    #![allow(missing_docs, reason = "the names are the specification's")]
    pub const AS_REQ: u32 = 10;
    pub const AS_REP: u32 = 11;
    pub const TGS_REQ: u32 = 12;
    pub const TGS_REP: u32 = 13;
    pub const ERROR: u32 = 30;
}

/// A message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Its number.
    pub kind: u32,
    /// The request that an error answers, where it was seen.
    pub failed: Option<u32>,
    /// The client's name.
    pub client: Option<Principal>,
    /// Realm.
    pub realm: Option<Vec<u8>>,
    /// The service's name.
    pub service: Option<Principal>,
    /// How the answer is encrypted.
    pub encryption: Option<i32>,
    /// How the ticket is encrypted.
    pub ticket: Option<i32>,
    /// Code of an error.
    pub error: Option<i32>,
}

impl Message {
    /// Reads a message; `None` when it is broken. Only requests, answers and errors are told of.
    pub fn read(element: &Element<'_>) -> Option<Self> {
        let mut fields = kerberos::sequence(&mut element.inside())?;
        let read = match element.number {
            kind::AS_REQ | kind::TGS_REQ => Self::request(&mut fields)?,
            kind::AS_REP | kind::TGS_REP => Self::answer(&mut fields)?,
            _ => Self::error(&mut fields)?,
        };
        Some(Self { kind: element.number, ..read })
    }

    /// KDC-REQ (RFC 4120, 5.4.1).
    fn request(fields: &mut Reader<'_>) -> Option<Self> {
        ber::context(fields, 1)?;
        ber::context(fields, 2)?;
        ber::context(fields, 3);
        let body = ber::context(fields, 4)?;
        let mut body = kerberos::sequence(&mut body.inside())?;
        ber::context(&mut body, 0)?;
        let client = ber::context(&mut body, 1).and_then(|tag| Principal::read(&tag));
        let realm = kerberos::realm(&ber::context(&mut body, 2)?);
        let service = ber::context(&mut body, 3).and_then(|tag| Principal::read(&tag));
        Some(Self { client, realm, service, ..Self::default() })
    }

    /// KDC-REP (RFC 4120, 5.4.2).
    fn answer(fields: &mut Reader<'_>) -> Option<Self> {
        ber::context(fields, 0)?;
        ber::context(fields, 1)?;
        ber::context(fields, 2);
        let realm = kerberos::realm(&ber::context(fields, 3)?);
        let client = Principal::read(&ber::context(fields, 4)?);
        let ticket = Ticket::read(&ber::context(fields, 5)?)?;
        let encryption = kerberos::encryption(&ber::context(fields, 6)?);
        let (service, ticket) = (Some(ticket.service), Some(ticket.encryption));
        Some(Self { client, realm, service, encryption, ticket, ..Self::default() })
    }

    /// KRB-ERROR (RFC 4120, 5.9.1).
    fn error(fields: &mut Reader<'_>) -> Option<Self> {
        (0..=1).try_for_each(|number| ber::context(fields, number).map(|_| ()))?;
        ber::context(fields, 2);
        ber::context(fields, 3);
        ber::context(fields, 4)?;
        ber::context(fields, 5)?;
        let error = kerberos::number(&ber::context(fields, 6)?);
        let realm = ber::context(fields, 7).and_then(|tag| kerberos::realm(&tag));
        let client = ber::context(fields, 8).and_then(|tag| Principal::read(&tag));
        ber::context(fields, 9)?;
        let service = Principal::read(&ber::context(fields, 10)?);
        Some(Self { client, realm, service, error, ..Self::default() })
    }

    /// Whether the answer or its ticket is encrypted in a way that is broken.
    pub fn is_weak(&self) -> bool {
        self.encryption.is_some_and(names::is_weak)
    }

    /// Bytes it points to.
    pub fn memory(&self) -> usize {
        let principals = [&self.client, &self.service].into_iter().flatten();
        principals.map(Principal::memory).sum::<usize>()
            + self.realm.as_ref().map_or(0, Vec::capacity)
    }
}

type Sink<'a> = &'a mut dyn FnMut(Value<'_>);

/// A row: kind, side, name, help, example, and how it is read.
macro_rules! row {
    ($kind:expr, $side:ident $name:literal [$($alias:literal)*] $help:literal $example:literal,
     $read:expr) => {
        Field {
            name: $name,
            aliases: &[$($alias),*],
            kind: $kind,
            eve: "",
            side: Side::$side,
            stage: Stage::Head,
            help: $help,
            example: $example,
            read: $read,
        }
    };
}

/// Names of messages that rules may write.
const KINDS: &[(&str, u64)] = &[
    ("as_req", 10),
    ("as_rep", 11),
    ("tgs_req", 12),
    ("tgs_rep", 13),
    ("ap_req", 14),
    ("ap_rep", 15),
    ("reserved16", 16),
    ("reserved17", 17),
    ("safe", 20),
    ("priv", 21),
    ("cred", 22),
    ("error", 30),
];

impl Fields for Message {
    const FIELDS: &'static [Field<Self>] = &[
        row!(Kind::Int { bits: 32, names: KINDS }, Either "krb5_msg_type" []
            "Kind of message." "krb5_msg_type:10;", |m, sink| sink(Value::Int(m.kind.into()))),
        row!(Kind::Int { bits: 32, names: &[] }, Either "krb5_err_code" []
            "Code of an error." "krb5_err_code:25;", |m, sink| number(m.error, sink)),
        row!(Kind::Int { bits: 32, names: &[] }, Either "krb5.ticket_etype" []
            "Number of the way a ticket is encrypted; `krb5.ticket_encryption` tests it against \
             names." "krb5.ticket_encryption:rc4-hmac;", |m, sink| number(m.ticket, sink)),
        row!(Kind::Bytes, Response "krb5.cname" ["krb5_cname"]
            "Components of the client's name in what the server says, each by itself." "krb5.cname; content:\"mario\";",
            |m, sink| principal(m.client.as_ref(), sink)),
        row!(Kind::Bytes, Response "krb5.sname" ["krb5_sname"]
            "Components of the service's name in what the server says, each by itself." "krb5.sname; content:\"krbtgt\";",
            |m, sink| principal(m.service.as_ref(), sink)),
    ];
}

/// A number with a sign, as 32 bits.
fn number(number: Option<i32>, sink: Sink<'_>) {
    if let Some(number) = number {
        sink(Value::Int(u64::from(number as u32)));
    }
}

fn principal(principal: Option<&Principal>, sink: Sink<'_>) {
    for component in principal.iter().flat_map(|principal| &principal.components) {
        sink(Value::Bytes(component));
    }
}
