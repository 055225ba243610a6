//! Ways out: calls home, names and pings that carry data, what is stolen.

use super::super::chance::Chance;
use super::super::messages::{dns, tls};
use super::super::session::Session;
use super::super::wire::{HOUR, MILLI, MINUTE, Nanos, SECOND};
use super::super::{Habit, Place, names, web};
use super::{Attack, INSIDER, times};

/// Where the attacker waits.
const MASTER: &str = "cdn-sync-service.example.net";
const TUNNEL: &str = "t.dati-statici.example.net";
/// Bytes that a question carries.
const PART: u64 = 60;

/// A call home over TLS.
fn call(place: &mut Place, chance: &mut Chance, now: Nanos) {
    let host = place.town.people[1];
    web::visit(place, chance, now, host, (MASTER, 7), (420, 260));
}

/// Calls home for six hours after pauses of a minute, with this jitter in percent.
fn beacon(strength: u64, chance: Chance, begin: Nanos) -> Habit {
    let jitter = strength as f64 / 100.0;
    times(chance, begin, (360, MINUTE, jitter), |_, now, place, chance| call(place, chance, now))
}

pub static ATTACKS: &[Attack] = &[
    Attack {
        name: "calls home each minute",
        detectors: &["beacon"],
        unit: "calls",
        strengths: &[10, 30, 60, 120, 350],
        length: 6 * HOUR,
        who: &[INSIDER],
        make: |strength, chance, begin| {
            let each = (strength, MINUTE, 0.05);
            times(chance, begin, each, |_, now, place, chance| call(place, chance, now))
        },
    },
    Attack {
        name: "calls home each minute for 6 hours, more or less by",
        detectors: &["beacon"],
        unit: "percent",
        strengths: &[80, 50, 30, 20, 0],
        length: 6 * HOUR,
        who: &[INSIDER],
        make: beacon,
    },
    Attack {
        name: "tunnel through names, for 10 minutes",
        detectors: &["dns-tunnel", "covert-tunnel"],
        unit: "bytes a second",
        strengths: &[5, 20, 60, 300, 1500],
        length: 25 * MINUTE,
        who: &[INSIDER],
        make: |strength, chance, begin| {
            let (count, pause) = (strength * 600 / PART, SECOND * PART / strength);
            times(chance, begin, (count.max(1), pause, 0.2), |_, now, place, chance| {
                let host = place.town.people[1];
                let name = format!("{}.{}.{TUNNEL}", chance.letters(48), chance.letters(48));
                let answer = chance.noise(80);
                names::ask(place, chance, now, host, (&name, dns::TXT), Some(&[answer]));
            })
        },
    },
    Attack {
        name: "tunnel through pings, for 10 minutes",
        detectors: &["covert-tunnel"],
        unit: "bytes a second",
        strengths: &[10, 50, 200, 1000, 5000],
        length: 25 * MINUTE,
        who: &[INSIDER],
        make: |strength, chance, begin| {
            let size = strength.clamp(100, 900);
            let (count, pause) = (strength * 600 / size, SECOND * size / strength);
            times(chance, begin, (count, pause, 0.2), move |n, now, place, chance| {
                let (host, master) = (place.town.people[1], place.town.beyond(MASTER));
                let data = chance.noise(size as usize);
                place.wire.icmp(now, host, master, (8, 0, 9, n as u16), data);
                let back = chance.noise(size as usize / 2);
                place.wire.icmp(now + 30 * MILLI, master, host, (0, 0, 9, n as u16), back);
            })
        },
    },
    Attack {
        name: "upload to a place nobody knows",
        detectors: &["exfiltration"],
        unit: "megabytes",
        strengths: &[5, 20, 50, 100, 300],
        length: 30 * MINUTE,
        who: &[INSIDER],
        make: |strength, mut chance, begin| {
            let mut session: Option<Session> = None;
            let mut left = strength * 4;
            Box::new(move |now, place| {
                if now < begin {
                    return Some(begin);
                }
                let mut own = session.take().unwrap_or_else(|| {
                    let host = place.town.people[1];
                    let (to, at) =
                        names::resolve(place, &mut chance, now, host, "up.tmpfiles.example.net");
                    let greeting = ("up.tmpfiles.example.net", 7);
                    web::greet(place, &mut chance, at, (host, to), greeting).bulk()
                });
                own.wait_until(now);
                for _ in 0..left.min(4) {
                    own.client(&mut place.wire, &tls::data(250_000, &mut chance));
                    left -= 1;
                }
                if left == 0 {
                    own.server(&mut place.wire, &tls::data(200, &mut chance));
                    own.close(&mut place.wire);
                    return None;
                }
                session = Some(own);
                Some(now + SECOND)
            })
        },
    },
    Attack {
        name: "names made by an algorithm, one each 3 s",
        detectors: &["dga"],
        unit: "names",
        strengths: &[5, 10, 20, 50, 200],
        length: 25 * MINUTE,
        who: &[INSIDER],
        make: |strength, chance, begin| {
            times(chance, begin, (strength, 3 * SECOND, 0.3), |_, now, place, chance| {
                let host = place.town.people[1];
                let end = chance.pick(&["com", "net", "info", "biz"]);
                let length = chance.between(11, 18) as usize;
                let name = format!("{}.{end}", chance.letters(length));
                names::ask(place, chance, now, host, (&name, dns::A), None);
            })
        },
    },
    Attack {
        name: "mining of coins",
        detectors: &["mining"],
        unit: "shares",
        strengths: &[1, 5, 20],
        length: 30 * MINUTE,
        who: &[INSIDER],
        make: |strength, chance, begin| {
            let mut session: Option<Session> = None;
            times(chance, begin, (strength, 20 * SECOND, 0.5), move |n, now, place, chance| {
                let host = place.town.people[1];
                let name = "pool.minexmr.example.net";
                let (pool, at) = names::resolve(place, chance, now, host, name);
                let client = place.port(host);
                let wire = &mut place.wire;
                let mut own = session.take().unwrap_or_else(|| {
                    let mut own = Session::open(wire, at, client, (pool, 3333));
                    let login = br#"{"id":1,"jsonrpc":"2.0","method":"login","params":{"login":"44AFFq5kSiGBoZ","pass":"x","agent":"XMRig/6.21.0","algo":["rx/0"]}}"#;
                    let job = br#"{"id":1,"jsonrpc":"2.0","error":null,"result":{"id":"a1","job":{"blob":"0e0e","job_id":"7","target":"b88d0600","algo":"rx/0","height":3000000},"status":"OK"}}"#;
                    own.ask(wire, &[&login[..], b"\n"].concat(), &[&job[..], b"\n"].concat());
                    own
                });
                own.wait_until(now);
                let share = format!(
                    "{{\"id\":{},\"jsonrpc\":\"2.0\",\"method\":\"submit\",\"params\":{{\"id\":\"a1\",\
                     \"job_id\":\"7\",\"nonce\":\"{:08x}\",\"result\":\"{}\"}}}}\n",
                    n + 2,
                    chance.next() as u32,
                    chance.letters(64)
                );
                let status = "{\"id\":2,\"jsonrpc\":\"2.0\",\"error\":null,\"result\":{\"status\":\"OK\"}}\n";
                own.ask(wire, share.as_bytes(), status.as_bytes());
                session = Some(own);
            })
        },
    },
];
