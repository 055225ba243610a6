//! `ftpbounce`: a client of FTP that asks the server to connect to somebody else (RFC 2577).

use std::net::{IpAddr, Ipv4Addr};

use crate::detect::operator::{Example, Operator};
use crate::detect::rule::{PacketTest, PacketView};
use crate::detect::syntax::bare;

struct Bounce;

impl PacketTest for Bounce {
    fn matches(&self, packet: &PacketView<'_>) -> bool {
        let Some(IpAddr::V4(source)) = packet.headers.ip.map(|ip| ip.source) else { return false };
        let mut lines = packet.payload.split(|byte| *byte == b'\n');
        lines.any(|line| asked(line).is_some_and(|asked| asked != source))
    }
}

/// The address that `PORT h1,h2,h3,h4,p1,p2` names (RFC 959, 4.1.2).
fn asked(line: &[u8]) -> Option<Ipv4Addr> {
    let (command, rest) = line.split_at_checked(5)?;
    if !command.eq_ignore_ascii_case(b"PORT ") {
        return None;
    }
    let text = std::str::from_utf8(rest).ok()?;
    let mut numbers = text.split(',').map(|number| number.trim().parse::<u8>().ok());
    let mut next = || numbers.next().flatten();
    let address = Ipv4Addr::new(next()?, next()?, next()?, next()?);
    // Without a port it is no command.
    next().zip(next()).map(|_| address)
}

/// See [`Operator`].
pub static FTPBOUNCE: Operator = Operator {
    name: "ftpbounce",
    aliases: &[],
    help: "The packet has an FTP command PORT that names another address than the sender's.",
    syntax: "ftpbounce;",
    examples: &[
        Example { rule: "ftpbounce;", payload: b"PORT 198,51,100,77,4,1\r\n", alerts: true },
        Example { rule: "ftpbounce;", payload: b"PORT 198,51,100\r\n", alerts: false },
    ],
    compile: |argument, builder| {
        bare(argument)?;
        builder.rule.packets.push(Box::new(Bounce));
        builder.rule.packet_only = true;
        Ok(())
    },
};
