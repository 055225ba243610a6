//! The web: people who read, programs that tell how they are.

use super::chance::Chance;
use super::messages::tls;
use super::names;
use super::session::Session;
use super::town::{BESIDE, POPULAR, Town};
use super::wire::{HOUR, Host, MILLI, MINUTE, Nanos, SECOND};
use super::{Habits, Place};

const HTTPS: u16 = 443;
const HTTP: u16 = 80;
/// How browsers greet, and how programs do.
const BROWSER: u16 = 2;
const PROGRAM: u16 = 0;

/// Each machine tells these how it is, about so often: seconds, bytes there, bytes back.
const TELLS: &[(&str, u64, u64, u64)] = &[
    ("v10.events.data.microsoft.com", 900, 4_000, 500),
    ("self.events.data.microsoft.com", 600, 2_500, 500),
    ("settings-win.data.microsoft.com", 1800, 900, 3_000),
    ("outlook.office365.com", 120, 700, 1_200),
    ("presence.teams.microsoft.com", 60, 420, 380),
    ("ping.antivirus-cloud.com", 60, 310, 260),
    ("clients4.google.com", 1500, 600, 900),
];

/// A visit over TLS: bytes there and back; when it is over.
pub fn visit(
    place: &mut Place,
    chance: &mut Chance,
    at: Nanos,
    client: Host,
    (name, program): (&str, u16),
    bytes: (usize, usize),
) -> Nanos {
    let (host, at) = names::resolve(place, chance, at, client, name);
    let mut session = greet(place, chance, at, (client, host), (name, program));
    let (up, down) = (tls::data(bytes.0, chance), tls::data(bytes.1, chance));
    session.ask(&mut place.wire, &up, &down);
    session.settle(&mut place.wire);
    session.wait(chance.between(1, 900) * MILLI);
    session.close(&mut place.wire)
}

/// A connection over TLS whose greetings are over.
pub fn greet(
    place: &mut Place,
    chance: &mut Chance,
    at: Nanos,
    (client, host): (Host, Host),
    (name, program): (&str, u16),
) -> Session {
    let client = place.port(client);
    let mut session = Session::open(&mut place.wire, at, client, (host, HTTPS));
    let hello = tls::client_hello(name, program, chance);
    session.ask(&mut place.wire, &hello, &tls::server_hello(chance));
    session.client(&mut place.wire, &tls::finished(chance));
    session
}

/// A page in clear: one request, one answer with this status and body.
pub fn page(
    place: &mut Place,
    chance: &mut Chance,
    at: Nanos,
    (client, host): (Host, Host),
    request: &str,
    (status, kind, length): (&str, &str, usize),
) -> Nanos {
    let client = place.port(client);
    let mut session = Session::open(&mut place.wire, at, client, (host, HTTP));
    let head = format!(
        "HTTP/1.1 {status}\r\nServer: nginx\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
    );
    let answer = [head.as_bytes(), chance.noise(length.min(1 << 19))].concat();
    session.ask(&mut place.wire, request.as_bytes(), &answer);
    session.close(&mut place.wire)
}

/// A request as browsers write it.
pub fn get(host: &str, path: &str, extra: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64; \
         rv:128.0) Gecko/20100101 Firefox/128.0\r\nAccept: */*\r\n{extra}\r\n"
    )
}

pub(super) fn habits(town: &Town, habits: &mut Habits) {
    for host in town.people.clone() {
        habits
            .person("reads", 3 * MINUTE, move |now, place, chance| read(place, chance, now, host));
        habits.person("intranet", 12 * MINUTE, move |now, place, chance| {
            intranet(place, chance, now, host)
        });
        for (name, seconds, up, down) in TELLS {
            habits.add(name, move |now, place, chance| {
                // Machines are switched off when their people go.
                if super::rhythm(now) > 0.0 {
                    let (up, down) = (chance.size(*up), chance.size(*down));
                    visit(place, chance, now, host, (name, PROGRAM), (up, down));
                }
                now + chance.about(seconds * SECOND, 0.05)
            });
        }
    }
    alone(town, habits);
    visitors(town, habits);
}

/// Machines that call one address like clockwork, as nothing else in the house does.
fn alone(town: &Town, habits: &mut Habits) {
    let clock = town.timeclock;
    habits.add("stamps", move |now, place, chance| {
        visit(place, chance, now, clock, ("api.timbrature-cloud.it", PROGRAM), (612, 240));
        now + chance.about(MINUTE, 0.02)
    });
    for printer in town.printers.clone() {
        habits.add("toner", move |now, place, chance| {
            visit(place, chance, now, printer, ("fleet.printers-remote.com", PROGRAM), (1800, 300));
            now + chance.about(30 * MINUTE, 0.01)
        });
    }
    let gateway = town.gateway;
    habits.add("address", move |now, place, chance| {
        let (host, at) = names::resolve(place, chance, now, gateway, "checkip.dyndns.org");
        let request =
            "GET / HTTP/1.1\r\nHost: checkip.dyndns.org\r\nUser-Agent: router/2.1\r\n\r\n";
        page(place, chance, at, (gateway, host), request, ("200 OK", "text/html", 106));
        now + 10 * MINUTE + chance.below(2 * SECOND)
    });
    // The accountant's program, on her machine alone.
    if let Some(host) = town.people.get(2).copied() {
        habits.add("licence", move |now, place, chance| {
            if super::rhythm(now) > 0.0 {
                visit(
                    place,
                    chance,
                    now,
                    host,
                    ("licenze.gestionale-comuni.it", PROGRAM),
                    (500, 200),
                );
            }
            now + chance.about(10 * MINUTE, 0.01)
        });
    }
}

/// A page and what it loads from elsewhere; at times a link that is dead.
fn read(place: &mut Place, chance: &mut Chance, now: Nanos, host: Host) {
    // Most go where all go; each has pages of their own.
    let own = format!("www.sito-{}.it", chance.rank(3000));
    let name = if chance.one_in(3) { own.as_str() } else { POPULAR[chance.rank(POPULAR.len())] };
    if chance.one_in(25) {
        return dead(place, chance, now, host, name);
    }
    let full = |place: &Place, size: usize| ((size as f64 * place.fullness) as usize).max(600);
    let (up, down) = (chance.size(1200), chance.size(60_000));
    let down = full(place, down);
    let mut at = visit(place, chance, now, host, (name, BROWSER), (up, down));
    at = at.min(now + SECOND);
    for _ in 0..chance.below(6) {
        let beside = BESIDE[chance.rank(BESIDE.len())];
        let (up, down) = (chance.size(700), chance.size(25_000));
        let down = full(place, down);
        let start = at + chance.below(400) * MILLI;
        visit(place, chance, start, host, (beside, BROWSER), (up, down));
    }
    if chance.one_in(40) {
        // A page that is still in clear.
        let (server, at) = names::resolve(place, chance, at, host, "www.proloco-montana.it");
        let request = get("www.proloco-montana.it", "/sagra.html", "");
        page(place, chance, at, (host, server), &request, ("200 OK", "text/html", 8_000));
    }
}

/// A link that leads nowhere: no name, no answer, no service.
fn dead(place: &mut Place, chance: &mut Chance, now: Nanos, host: Host, name: &str) {
    let old = format!("vecchio.{}", name.trim_start_matches("www."));
    if chance.one_in(2) {
        names::ask(place, chance, now, host, (&old, super::messages::dns::A), None);
        return;
    }
    let (server, at) = names::resolve(place, chance, now, host, &old);
    let refused = chance.one_in(2);
    for delay in [0, 1, 3] {
        // Without an answer it is tried again.
        let client = place.port(host);
        Session::attempt(&mut place.wire, at + delay * SECOND, client, (server, HTTPS), refused);
        if refused {
            break;
        }
    }
}

/// The intranet, in clear, at times with a password that is wrong at first.
fn intranet(place: &mut Place, chance: &mut Chance, now: Nanos, host: Host) {
    let server = place.town.server;
    let mut at = now;
    let ends = (host, server);
    for _ in 0..if chance.one_in(30) { chance.between(1, 4) } else { 0 } {
        let request =
            get("intranet", "/protocollo/", "Authorization: Basic bWFyaW86c2JhZ2xpYXRh\r\n");
        at = page(place, chance, at, ends, &request, ("401 Unauthorized", "text/html", 190));
        at += chance.between(3, 12) * SECOND;
    }
    let path = format!("/protocollo/atto?id={}", chance.below(100_000));
    let request = get("intranet", &path, "Authorization: Basic bWFyaW86Z2l1c3Rh\r\n");
    let length = chance.size(9_000);
    page(place, chance, at, ends, &request, ("200 OK", "text/html", length));
}

/// Citizens who read the town's own site.
fn visitors(town: &Town, habits: &mut Habits) {
    let server = town.server;
    habits.add("citizens", move |now, place, chance| {
        let [b, c, d] = [chance.next() as u8, chance.next() as u8, 1 + (chance.next() % 250) as u8];
        let citizen = place.town.outside([198, 18 + (b & 1), c, d]);
        let mut at = now;
        for _ in 0..chance.between(1, 6) {
            let path = chance.pick(&["/", "/albo", "/uffici", "/servizi/anagrafe", "/bandi/2025"]);
            let missing = chance.one_in(20);
            let status = if missing { "404 Not Found" } else { "200 OK" };
            let length = chance.size(12_000);
            let request = get("www.comune.montana.it", path, "");
            at =
                page(place, chance, at, (citizen, server), &request, (status, "text/html", length));
            at += chance.between(2, 30) * SECOND;
        }
        // Some come at night too.
        let mean = if super::rhythm(now) > 0.0 { MINUTE } else { 8 * MINUTE };
        now + chance.pause(mean).min(HOUR)
    });
}
