//! Calls: telephones, meetings with pictures, cameras.

use super::chance::Chance;
use super::messages::small;
use super::town::Town;
use super::wire::{Host, MILLI, MINUTE, Nanos, SECOND};
use super::{Habits, Place, names, rhythm};

const SIP: u16 = 5060;
const RTSP: u16 = 554;
/// Relay of meetings.
const RELAY: u16 = 3478;
const PROVIDER: &str = "sip.telefonia.it";
/// Between two packets of a voice.
const VOICE: Nanos = 20 * MILLI;

pub(super) fn habits(town: &Town, habits: &mut Habits) {
    let exchange = town.exchange;
    for phone in town.phones.clone() {
        habits.add("registers", move |now, place, chance| {
            register(place, chance, now, (phone, exchange));
            now + chance.about(5 * MINUTE, 0.05)
        });
        call(habits, phone);
    }
    for host in town.people.iter().skip(4).step_by(9).copied() {
        meeting(habits, host);
    }
    for camera in town.cameras.clone() {
        let recorder = town.recorder;
        let (mut sequence, mut stamp) = (0u16, 0u32);
        habits.add("camera", move |now, place, chance| {
            let pictures = 1 + (8.0 * place.fullness) as u64;
            for n in 0..pictures {
                let packet = small::rtp(96, sequence, stamp, 9, chance.noise(1_300));
                place.wire.udp(now + n * 3 * MILLI, (camera, RTSP), (recorder, 40_000), &packet);
                sequence = sequence.wrapping_add(1);
            }
            stamp = stamp.wrapping_add(180_000);
            now + 2 * SECOND
        });
    }
    // The recorder keeps its place at the vendor's relay, so that it can be looked at from afar.
    let recorder = town.recorder;
    habits.add("relay", move |now, place, chance| {
        let relay = place.town.beyond("p2p.camera-vendor.com");
        place.wire.udp(now, (recorder, 32_100), (relay, 32_100), chance.noise(44));
        place.wire.udp(now + 40 * MILLI, (relay, 32_100), (recorder, 32_100), chance.noise(20));
        now + chance.about(20 * SECOND, 0.01)
    });
}

/// Each welcome comes after a refusal: the exchange wants proof.
fn register(place: &mut Place, chance: &mut Chance, now: Nanos, (phone, exchange): (Host, Host)) {
    let number = 200 + u32::from(phone.ip[3]);
    let id = chance.letters(12);
    let turns = [
        ("", "401 Unauthorized"),
        ("Authorization: Digest username=\"x\", realm=\"c\"\r\n", "200 OK"),
    ];
    for (turn, (proof, status)) in turns.into_iter().enumerate() {
        let head = format!(
            "Via: SIP/2.0/UDP {ip}:5060;branch=z9hG4bK{id}{turn}\r\nFrom: <sip:{number}@centralino>;tag=a\r\n\
             To: <sip:{number}@centralino>\r\nCall-ID: {id}\r\nCSeq: {turn} REGISTER\r\n",
            ip = dotted(phone),
        );
        let ask =
            format!("REGISTER sip:centralino SIP/2.0\r\n{head}{proof}Content-Length: 0\r\n\r\n");
        let say = format!("SIP/2.0 {status}\r\n{head}Content-Length: 0\r\n\r\n");
        let at = now + turn as u64 * 30 * MILLI;
        place.wire.udp(at, (phone, SIP), (exchange, SIP), ask.as_bytes());
        place.wire.udp(at + 8 * MILLI, (exchange, SIP), (phone, SIP), say.as_bytes());
    }
}

fn dotted(host: Host) -> String {
    std::net::Ipv4Addr::from(host.ip).to_string()
}

/// A call through the exchange to the provider: signals, then two voices.
fn call(habits: &mut Habits, phone: Host) {
    let mut until = 0;
    let mut sequence = 0u16;
    let mut port = 16_384u16;
    habits.add("call", move |now, place, chance| {
        let provider = place.town.beyond(PROVIDER);
        if now >= until {
            // Between calls.
            if rhythm(now) < chance.share() || until == 0 {
                until = 1;
                return now + chance.pause(25 * MINUTE);
            }
            until = now + (chance.pause(120 * SECOND) as f64 * place.fullness) as u64 + 5 * SECOND;
            port = 16_384 + 2 * chance.below(4000) as u16;
            let exchange = place.town.exchange;
            signal(place, chance, now, (phone, exchange));
            signal(place, chance, now, (exchange, provider));
        }
        for n in 0..25 {
            let at = now + n * VOICE;
            sequence = sequence.wrapping_add(1);
            let stamp = u32::from(sequence) * 160;
            let ends = ((phone, port), (provider, port + 7));
            place.wire.udp(
                at,
                ends.0,
                ends.1,
                &small::rtp(8, sequence, stamp, 1, chance.noise(160)),
            );
            place.wire.udp(
                at + 4 * MILLI,
                ends.1,
                ends.0,
                &small::rtp(8, sequence, stamp, 2, chance.noise(160)),
            );
        }
        let next = now + 25 * VOICE;
        if next >= until { next + chance.pause(25 * MINUTE) } else { next }
    });
}

/// The signals by which a call begins.
fn signal(place: &mut Place, chance: &mut Chance, now: Nanos, (from, to): (Host, Host)) {
    let id = chance.letters(10);
    let head = format!(
        "Via: SIP/2.0/UDP {ip}:5060;branch=z9hG4bK{id}\r\nFrom: <sip:a@centralino>;tag=b\r\n\
         To: <sip:b@centralino>\r\nCall-ID: {id}\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n",
        ip = dotted(from),
    );
    let wire = &mut place.wire;
    wire.udp(
        now,
        (from, SIP),
        (to, SIP),
        format!("INVITE sip:b@centralino SIP/2.0\r\n{head}").as_bytes(),
    );
    for (n, status) in ["100 Trying", "180 Ringing", "200 OK"].into_iter().enumerate() {
        let at = now + (n as u64 + 1) * 30 * MILLI;
        wire.udp(at, (to, SIP), (from, SIP), format!("SIP/2.0 {status}\r\n{head}").as_bytes());
    }
}

/// A meeting with pictures, some twice a day: many datagrams each way for half an hour.
fn meeting(habits: &mut Habits, host: Host) {
    let (mut until, mut client) = (0, 50_000u16);
    habits.add("meeting", move |now, place, chance| {
        let name = "relay.meetings.example";
        if now >= until {
            if rhythm(now) < chance.share() || until == 0 {
                until = 1;
                return now + chance.pause(150 * MINUTE);
            }
            until = now + chance.between(15, 45) * MINUTE;
            names::resolve(place, chance, now, host, name);
            client = 50_000 + chance.below(10_000) as u16;
        }
        let relay = place.town.beyond(name);
        let count = 2 + (40.0 * place.fullness) as u64;
        for n in 0..count {
            let at = now + n * SECOND / count;
            let (up, down) =
                (chance.between(700, 1150) as usize, chance.between(900, 1200) as usize);
            place.wire.udp(
                at,
                (host, client),
                (relay, RELAY),
                &[&[0x90, 0x60][..], chance.noise(up)].concat(),
            );
            place.wire.udp(
                at + MILLI,
                (relay, RELAY),
                (host, client),
                &[&[0x90, 0x60][..], chance.noise(down)].concat(),
            );
        }
        let next = now + SECOND;
        if next >= until { next + chance.pause(150 * MINUTE) } else { next }
    });
}
