//! Kerberos 5: how users and services prove who they are in a domain (RFC 4120).

mod describe;
mod message;
mod names;
mod parser;
mod samples;

use crate::field::rows;
use crate::net::Direction;
use crate::protocols::formats::ber::{self, Class, Element, universal};
use crate::protocols::{Carrier, Probe, Protocol};
use crate::reader::Reader;

pub use message::Message;

/// Kerberos 5.
pub static PROTOCOL: Protocol = Protocol {
    name: "krb5",
    help: "Logons and tickets of a domain, Kerberos 5.",
    eve: "krb5",
    schema: include_str!("schema.json"),
    files: false,
    frames: &[],
    carriers: &[Carrier::Tcp, Carrier::Udp],
    ports: &[88],
    anywhere: false,
    by_client: false,
    probe,
    parser: || Box::new(parser::Krb5::new()),
    rows: rows::<Message>,
    events: events::EVENTS,
    samples: samples::SAMPLES,
};

/// The violations that rules can name.
pub mod events {
    use crate::field::Event;

    macro_rules! events {
        ($($ident:ident $name:literal $help:literal)*) => {
            $(
                #[doc = $help]
                pub static $ident: Event = Event { name: concat!("krb5.", $name), help: $help };
            )*
            /// All of them.
            pub static EVENTS: &[&Event] = &[$(&$ident),*];
        };
    }

    events! {
        MALFORMED "malformed_data" "A message cannot be read."
        WEAK_ENCRYPTION "weak_encryption" "A ticket or answer is encrypted in a way that is broken."
    }
}

/// Bytes of the longest message over a stream.
const MESSAGE_BYTES: u32 = 16_384;

fn probe(_way: Direction, carrier: Carrier, bytes: &[u8]) -> Probe {
    let mut reader = Reader::new(bytes);
    if carrier == Carrier::Tcp {
        match reader.u32() {
            Some(length) if (10..=MESSAGE_BYTES).contains(&length) => {}
            Some(_) => return Probe::No,
            None if bytes.iter().take(2).any(|byte| *byte != 0) => return Probe::No,
            None => return Probe::NeedMore,
        }
    }
    looks_like_message(reader.rest())
}

/// A tag of the application class, a SEQUENCE, and version 5 in its first or second element.
fn looks_like_message(bytes: &[u8]) -> Probe {
    // The beginning is enough: what is cut is filled up.
    let head: Vec<u8> = bytes.iter().copied().take(24).collect();
    if head.first().is_some_and(|tag| tag & 0xe0 != 0x60 || tag & 0x1f > 30) {
        return Probe::No;
    }
    if head.len() < 20 {
        return Probe::NeedMore;
    }
    let mut reader = Reader::new(&head);
    let inner = |reader: &mut Reader<'_>| -> Option<(Class, u32)> {
        let tag = reader.u8()?;
        match reader.u8()? {
            0x81 => reader.skip(1)?,
            0x82 => reader.skip(2)?,
            0x83 => reader.skip(3)?,
            length if length < 0x80 => {}
            _ => return None,
        }
        let class = if tag & 0xc0 == 0x80 { Class::Context } else { Class::Universal };
        Some((class, u32::from(tag & 0x1f)))
    };
    let shape = |reader: &mut Reader<'_>| -> Option<bool> {
        inner(reader)?;
        let (_, sequence) = inner(reader)?;
        let (class, _) = inner(reader)?;
        let version = ber::number(reader)?;
        Some(sequence == universal::SEQUENCE && class == Class::Context && version == 5)
    };
    if shape(&mut reader) == Some(true) { Probe::Yes } else { Probe::No }
}

/// The message that is in `bytes`: its number, and what is in it.
fn element(bytes: &[u8]) -> Option<Element<'_>> {
    let element = Element::read(&mut Reader::new(bytes)).ok()?;
    (element.class == Class::Application).then_some(element)
}
