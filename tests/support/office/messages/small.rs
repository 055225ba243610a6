//! Small messages of machines: time, leases, polls.

use super::super::chance::Chance;
use super::super::wire::Host;
use super::Bytes;

/// NTP (RFC 5905): 3 asks, 4 answers.
pub fn ntp(mode: u8, chance: &mut Chance) -> Vec<u8> {
    let head = Bytes::default().u8(0x20 | mode).u8(if mode == 3 { 0 } else { 3 }).u8(10).u8(0xe9);
    head.u32(0x0000_0100).u32(0x0000_0200).put(&[193, 204, 114, 232]).put(chance.noise(32)).0
}

/// DHCP (RFC 2131): the message's type as option 53 says it.
pub fn dhcp(kind: u8, host: Host, server: Host, id: u32, name: &str) -> Vec<u8> {
    let operation = if matches!(kind, 2 | 5) { 2 } else { 1 };
    let mine = if kind == 1 { [0; 4] } else { host.ip };
    let mut out = Bytes::default().put(&[operation, 1, 6, 0]).u32(id).u32(0);
    out = out.put(&mine).put(&mine).put(&[0; 8]).put(&host.mac).put(&[0; 10 + 192]);
    out = out.put(&[99, 130, 83, 99, 53, 1, kind, 61, 7, 1]).put(&host.mac);
    out = if operation == 1 {
        out.u8(12).short(name.as_bytes()).put(&[55, 4, 1, 3, 6, 15])
    } else {
        out.put(&[54, 4])
            .put(&server.ip)
            .put(&[51, 4])
            .u32(14_400)
            .put(&[1, 4, 255, 255, 255, 0])
            .put(&[3, 4])
            .put(&server.ip)
            .put(&[6, 4, 192, 168, 10, 10])
    };
    out.u8(255).0
}

/// SNMP version 2c: asks for how long the machine is up, or says it.
pub fn snmp(id: u16, ticks: Option<u32>) -> Vec<u8> {
    let tagged = |tag: u8, body: &[u8]| Bytes::default().u8(tag).short(body).0;
    let name = tagged(6, &[0x2b, 6, 1, 2, 1, 1, 3, 0]);
    let value = ticks.map_or_else(|| vec![5, 0], |ticks| tagged(0x43, &ticks.to_be_bytes()));
    let bindings = tagged(0x30, &tagged(0x30, &[name, value].concat()));
    let id = tagged(2, &[0, (id >> 8) as u8, id as u8]);
    let unit = [&id[..], &[2, 1, 0, 2, 1, 0], &bindings].concat();
    let unit = tagged(if ticks.is_some() { 0xa2 } else { 0xa0 }, &unit);
    tagged(0x30, &[&[2, 1, 1][..], &tagged(4, b"comune"), &unit].concat())
}

/// Modbus over TCP.
pub fn modbus(id: u16, unit: &[u8]) -> Vec<u8> {
    Bytes::default().u16(id).u16(0).u16(1 + unit.len() as u16).u8(1).put(unit).0
}

/// RTP (RFC 3550) with noise for a voice.
pub fn rtp(kind: u8, sequence: u16, stamp: u32, source: u32, data: &[u8]) -> Vec<u8> {
    Bytes::default().u8(0x80).u8(kind).u16(sequence).u32(stamp).u32(source).put(data).0
}
