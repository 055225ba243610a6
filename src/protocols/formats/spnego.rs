//! SPNEGO: how two sides agree on the way to log on, and the first token of it (RFC 4178).

use super::ber::{self, Element, universal};
use super::kerberos::{self, Ticket};
use super::ntlmssp::Authenticate;
use crate::reader::Reader;

/// 1.3.6.1.5.5.2
const SPNEGO: &[u8] = &[0x2b, 6, 1, 5, 5, 2];
/// 1.2.840.113554.1.2.2
const KERBEROS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2];
/// 1.3.6.1.4.1.311.2.2.10
const NTLMSSP: &[u8] = &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 2, 10];
/// Mechanisms that are looked at.
const MECHANISMS_MAX: usize = 16;

/// What a security blob says of who logs on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Logon {
    /// By name and challenge.
    pub ntlmssp: Option<Authenticate>,
    /// With a ticket.
    pub ticket: Option<Ticket>,
}

impl Logon {
    /// Reads a blob: SPNEGO's first token, or NTLMSSP however it is wrapped.
    pub fn read(blob: &[u8]) -> Self {
        negotiation(blob)
            .unwrap_or_else(|| Self { ntlmssp: Authenticate::find(blob), ticket: None })
    }

    /// Bytes it points to.
    pub fn memory(&self) -> usize {
        self.ntlmssp.as_ref().map_or(0, Authenticate::memory)
            + self.ticket.as_ref().map_or(0, Ticket::memory)
    }
}

/// The first token of the client (RFC 4178, 4.2.1).
fn negotiation(blob: &[u8]) -> Option<Logon> {
    let outer = kerberos::application(&mut Reader::new(blob), 0)?;
    let mut inside = outer.inside();
    let name = ber::universal(&mut inside, universal::OBJECT_IDENTIFIER)?;
    if name.content != SPNEGO {
        return None;
    }
    let token = ber::context(&mut inside, 0)?;
    let mut fields = kerberos::sequence(&mut token.inside())?;
    let (mut by_ticket, mut by_challenge) = (false, false);
    let mut logon = Logon::default();
    while let Ok(field) = Element::read(&mut fields) {
        let mut inside = field.inside();
        if let Some(mut mechanisms) = kerberos::sequence(&mut inside) {
            for _ in 0..MECHANISMS_MAX {
                let Ok(mechanism) = Element::read(&mut mechanisms) else { break };
                by_ticket |= mechanism.content == KERBEROS;
                by_challenge |= mechanism.content == NTLMSSP;
            }
        } else if let Some(token) = ber::octets(&mut inside) {
            if by_ticket {
                logon.ticket = Ticket::of_token(token);
            }
            if by_challenge && logon.ticket.is_none() {
                logon.ntlmssp = Authenticate::find(token);
            }
        }
    }
    Some(logon)
}
