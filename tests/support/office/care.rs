//! What machines do for each other, and those who look after them.

use super::chance::Chance;
use super::messages::small;
use super::session::Session;
use super::town::Town;
use super::wire::{HOUR, Host, MILLI, MINUTE, Nanos, SECOND};
use super::{Habits, Place, names};

const NTP: u16 = 123;
const SNMP: u16 = 161;
const SYSLOG: u16 = 514;
const SSH: u16 = 22;
const RDP: u16 = 3389;
const NETBIOS: u16 = 137;
const MDNS: u16 = 5353;
const SSDP: u16 = 1900;

/// Ports that the inventory looks at.
const INVENTORY: &[u16] = &[
    21, 22, 23, 25, 53, 80, 88, 110, 135, 139, 143, 161, 389, 443, 445, 515, 631, 993, 1433, 3306,
    3389, 5060, 5432, 5900, 8080, 8443, 9100,
];

pub(super) fn habits(town: &Town, habits: &mut Habits) {
    for host in town.all().into_iter().chain([town.monitor, town.operator]) {
        neighbours(habits, host, town.gateway);
    }
    for host in town.people.clone() {
        lease(habits, host, town.gateway);
        time(habits, host, town.controller);
        announce(habits, host);
    }
    let pool = town.beyond("ntp1.inrim.it");
    time(habits, town.controller, pool);
    watch(town, habits);
    inventory(town, habits);
    technician(town, habits);
}

/// Asks who has the gateway's address, and is asked.
fn neighbours(habits: &mut Habits, host: Host, gateway: Host) {
    habits.add("arp", move |now, place, chance| {
        if host != gateway {
            place.wire.arp(now, false, host.mac, host.ip, Host { mac: [0; 6], ip: gateway.ip });
            place.wire.arp(now + MILLI, true, gateway.mac, gateway.ip, host);
        }
        now + chance.about(4 * MINUTE, 0.4)
    });
}

fn lease(habits: &mut Habits, host: Host, gateway: Host) {
    let mut begun = false;
    habits.add("lease", move |now, place, chance| {
        let id = chance.next() as u32;
        let name = format!("PC-{}", host.ip[3]);
        let (client, server) = ((host, 68), (gateway, 67));
        if !std::mem::replace(&mut begun, true) {
            // Switched on: nobody knows it yet.
            let nobody = Host { ip: [0; 4], ..host };
            let all = Host { mac: [0xff; 6], ip: [255; 4] };
            place.wire.udp(now, (nobody, 68), (all, 67), &small::dhcp(1, host, gateway, id, &name));
            place.wire.udp(
                now + 2 * MILLI,
                server,
                client,
                &small::dhcp(2, host, gateway, id, &name),
            );
        }
        let at = now + 5 * MILLI;
        place.wire.udp(at, client, server, &small::dhcp(3, host, gateway, id, &name));
        place.wire.udp(at + 2 * MILLI, server, client, &small::dhcp(5, host, gateway, id, &name));
        now + chance.about(2 * HOUR, 0.01)
    });
}

fn time(habits: &mut Habits, host: Host, server: Host) {
    habits.add("time", move |now, place, chance| {
        place.wire.udp(now, (host, NTP), (server, NTP), &small::ntp(3, chance));
        place.wire.udp(now + 9 * MILLI, (server, NTP), (host, NTP), &small::ntp(4, chance));
        now + chance.about(1024 * SECOND, 0.01)
    });
}

/// What is called out to all.
fn announce(habits: &mut Habits, host: Host) {
    habits.person("announces", 10 * MINUTE, move |now, place, chance| {
        let wire = &mut place.wire;
        let to = |ip: [u8; 4]| Host { mac: [0xff; 6], ip };
        let search =
            b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\n\
                       MX: 1\r\nST: ssdp:all\r\n\r\n";
        for n in 0..3 {
            wire.udp(now + n * SECOND, (host, 50_000), (to([239, 255, 255, 250]), SSDP), search);
        }
        let printers =
            super::messages::dns::question(0, "_ipp._tcp.local", super::messages::dns::PTR);
        wire.udp(now, (host, MDNS), (to([224, 0, 0, 251]), MDNS), &printers);
        let mut name = vec![0x80, chance.next() as u8, 1, 0x10, 0, 1, 0, 0, 0, 0, 0, 0, 32];
        name.extend_from_slice(b"FHEPFCELEHFCEPFFFACACACACACACABL");
        name.extend_from_slice(&[0, 0, 32, 0, 1]);
        wire.udp(now, (host, NETBIOS), (to([192, 168, 10, 255]), NETBIOS), &name);
    });
}

/// The monitor pings all and asks some how they are; what is switched off does not answer.
fn watch(town: &Town, habits: &mut Habits) {
    let monitor = town.monitor;
    let mut turn = 0u16;
    habits.add("pings", move |now, place, _| {
        turn += 1;
        let data: Vec<u8> = (0x10..0x48).collect();
        for (number, host) in place.town.all().into_iter().enumerate() {
            let at = now + number as u64 * 7 * MILLI;
            place.wire.icmp(at, monitor, host, (8, 0, 77, turn), &data);
            let is_off = number % 11 == 10;
            if !is_off {
                place.wire.icmp(at + MILLI, host, monitor, (0, 0, 77, turn), &data);
            }
        }
        now + MINUTE
    });
    let mut ticks = 1_000u32;
    habits.add("polls", move |now, place, chance| {
        ticks += 6_000;
        let mut polled = place.town.printers.clone();
        polled.extend([place.town.switch, place.town.gateway, place.town.server]);
        for (number, host) in polled.into_iter().enumerate() {
            let client = place.port(monitor);
            let (at, id) = (now + number as u64 * 30 * MILLI, chance.next() as u16);
            place.wire.udp(at, client, (host, SNMP), &small::snmp(id, None));
            place.wire.udp(at + 2 * MILLI, (host, SNMP), client, &small::snmp(id, Some(ticks)));
        }
        now + MINUTE
    });
    let switch = town.switch;
    habits.add("log", move |now, place, chance| {
        let port = chance.between(1, 48);
        let text = format!(
            "<189>: %LINEPROTO-5-UPDOWN: Line protocol on Interface Gi0/{port}, changed state to up"
        );
        place.wire.udp(now, (switch, SYSLOG), (monitor, SYSLOG), text.as_bytes());
        now + chance.pause(5 * MINUTE)
    });
}

/// Every address of the office network is looked for, and what is there asked for its services.
fn inventory(town: &Town, habits: &mut Habits) {
    let scanner = town.scanner;
    habits.daily("inventory", 10 * HOUR, move |now, place, chance| {
        let all = place.town.all();
        let mut at = now;
        for last in 1..=254u8 {
            let ip = [192, 168, 10, last];
            place.wire.arp(at, false, scanner.mac, scanner.ip, Host { mac: [0; 6], ip });
            let Some(host) = all.iter().copied().find(|host| host.ip == ip) else {
                at += 200 * MILLI;
                continue;
            };
            place.wire.arp(at + MILLI, true, host.mac, host.ip, scanner);
            for port in INVENTORY {
                let client = place.port(scanner);
                at += 20 * MILLI;
                if chance.one_in(9) {
                    let session = Session::open(&mut place.wire, at, client, (host, *port));
                    session.close(&mut place.wire);
                } else {
                    Session::attempt(&mut place.wire, at, client, (host, *port), true);
                }
            }
        }
    });
}

/// The technician reaches machines from afar; types a password wrongly at times.
fn technician(town: &Town, habits: &mut Habits) {
    let Some(host) = town.people.first().copied() else { return };
    habits.person("secure shell", 50 * MINUTE, move |now, place, chance| {
        let target = chance.pick(&[
            place.town.server,
            place.town.switch,
            place.town.monitor,
            place.town.mail,
        ]);
        let mut at = now;
        for _ in 0..chance.below(3) / 2 {
            at = shell(place, chance, at, (host, target), false) + 4 * SECOND;
        }
        shell(place, chance, at, (host, target), true);
    });
    habits.person("desktop", 90 * MINUTE, move |now, place, chance| {
        let people = place.town.people.clone();
        let target = chance.pick(&people);
        if target == host {
            return;
        }
        let name = format!("pc-{}.comune.local", target.ip[3]);
        let at = names::ask(
            place,
            chance,
            now,
            host,
            (&name, super::messages::dns::A),
            Some(&[&target.ip]),
        );
        let client = place.port(host);
        let mut session = Session::open(&mut place.wire, at, client, (target, RDP)).bulk();
        let hello = b"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00";
        let accept =
            b"\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00\x02\x00\x08\x00\x02\x00\x00\x00";
        session.ask(&mut place.wire, hello, accept);
        let greeting = super::messages::tls::client_hello(&name, 5, chance);
        let answer = super::messages::tls::server_hello(chance);
        session.ask(&mut place.wire, &greeting, &answer);
        for _ in 0..60 {
            let (up, down) = (chance.size(90), chance.size(2_000));
            let (up, down) =
                (super::messages::tls::data(up, chance), super::messages::tls::data(down, chance));
            session.ask(&mut place.wire, &up, &down);
            session.wait(chance.between(1, 9) * SECOND);
        }
        session.close(&mut place.wire);
    });
}

/// A connection of SSH: greetings, keys, then a password that is wrong, or a session.
pub fn shell(
    place: &mut Place,
    chance: &mut Chance,
    now: Nanos,
    (host, target): (Host, Host),
    succeeds: bool,
) -> Nanos {
    let client = place.port(host);
    let wire = &mut place.wire;
    let mut session = Session::open(wire, now, client, (target, SSH));
    session.ask(wire, b"SSH-2.0-OpenSSH_9.7\r\n", b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n");
    let (ours, theirs) = (keys(chance, 1500), keys(chance, 1050));
    session.ask(wire, &ours, &theirs);
    let exchange = [&[0, 0, 0, 44, 6, 30][..], chance.noise(42)].concat();
    let answer =
        [&[0, 0, 1, 60, 10, 31][..], chance.noise(314), &[0, 0, 0, 12, 10, 21], &[0; 10]].concat();
    session.ask(wire, &exchange, &answer);
    session.client(wire, &[&[0, 0, 0, 12, 10, 21][..], &[0; 10]].concat());
    session.ask(wire, chance.noise(44), chance.noise(44));
    session.ask(wire, chance.noise(68), chance.noise(52));
    session.wait(2 * SECOND);
    if succeeds {
        session.ask(wire, chance.noise(148), chance.noise(28));
        for _ in 0..20 {
            session.ask(wire, chance.noise(36), chance.noise(180));
            session.wait(chance.between(1, 9) * SECOND);
        }
    } else {
        session.ask(wire, chance.noise(148), chance.noise(52));
    }
    session.close(wire)
}

/// The list of what a side can (RFC 4253, 7.1).
fn keys(chance: &mut Chance, length: usize) -> Vec<u8> {
    let lists = [
        "curve25519-sha256,ecdh-sha2-nistp256",
        "ssh-ed25519,rsa-sha2-512",
        "aes128-ctr,aes256-ctr",
        "aes128-ctr,aes256-ctr",
        "hmac-sha2-256",
        "hmac-sha2-256",
        "none",
        "none",
        "",
        "",
    ];
    let mut body = vec![20];
    body.extend_from_slice(chance.noise(16));
    for list in lists {
        body.extend_from_slice(&(list.len() as u32).to_be_bytes());
        body.extend_from_slice(list.as_bytes());
    }
    body.extend_from_slice(&[0; 5]);
    let padding = (length / 8 * 8 + 3).saturating_sub(body.len()).clamp(4, 255);
    let padding = padding - (body.len() + padding + 5) % 8;
    let mut out = (1 + (body.len() + padding) as u32).to_be_bytes().to_vec();
    out.push(padding as u8);
    out.extend_from_slice(&body);
    out.extend_from_slice(chance.noise(padding));
    out
}
