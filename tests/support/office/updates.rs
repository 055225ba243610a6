//! Updates: from the vendor, and from neighbours that may be asleep.

use super::chance::Chance;
use super::session::Session;
use super::town::Town;
use super::wire::{HOUR, Host, MINUTE, Nanos, SECOND};
use super::{Habits, Place, names, web};

/// Windows asks its neighbours for updates here.
const DELIVERY: u16 = 7680;
const HTTP: u16 = 80;
const SITE: &str = "download.windowsupdate.com";

pub(super) fn habits(town: &Town, habits: &mut Habits) {
    for host in town.people.clone() {
        habits.person("updates", 3 * HOUR, move |now, place, chance| {
            let at = neighbours(place, chance, now, host);
            vendor(place, chance, at, host);
        });
        habits.person("revocations", 40 * MINUTE, move |now, place, chance| {
            let name = "ctldl.windowsupdate.com";
            let (server, at) = names::resolve(place, chance, now, host, name);
            let request =
                web::get(name, "/msdownload/update/v3/static/trustedr/en/authrootstl.cab", "");
            let answer = ("304 Not Modified", "application/vnd.ms-cab-compressed", 0);
            web::page(place, chance, at, (host, server), &request, answer);
        });
    }
}

/// Asks up to six neighbours; some of them are switched off, some do not share.
fn neighbours(place: &mut Place, chance: &mut Chance, now: Nanos, host: Host) -> Nanos {
    let mut at = now;
    for _ in 0..chance.between(2, 7) {
        let people = place.town.people.clone();
        let other = chance.pick(&people);
        if other == host {
            continue;
        }
        let client = place.port(host);
        at = match chance.below(4) {
            0 => Session::attempt(&mut place.wire, at, client, (other, DELIVERY), false) + SECOND,
            1 => Session::attempt(&mut place.wire, at, client, (other, DELIVERY), true),
            _ => {
                let mut session =
                    Session::open(&mut place.wire, at, client, (other, DELIVERY)).bulk();
                session.ask(&mut place.wire, chance.noise(75), chance.noise(75));
                for _ in 0..chance.below(5) {
                    session.ask(&mut place.wire, chance.noise(17), chance.noise(60_000));
                }
                session.close(&mut place.wire)
            }
        };
    }
    at
}

/// Takes the parts of a file one after the other.
fn vendor(place: &mut Place, chance: &mut Chance, now: Nanos, host: Host) {
    let (server, at) = names::resolve(place, chance, now, host, SITE);
    let client = place.port(host);
    let mut session = Session::open(&mut place.wire, at, client, (server, HTTP)).bulk();
    let parts = 2 + (30.0 * place.fullness * chance.share()) as usize;
    for part in 0..parts {
        let from = part * 500_000;
        let range = format!("Range: bytes={from}-{}\r\n", from + 499_999);
        let request = web::get(SITE, "/c/msdownload/update/software/kb5053598.cab", &range);
        let head = "HTTP/1.1 206 Partial Content\r\nContent-Type: application/octet-stream\r\n\
                    Content-Length: 500000\r\n\r\n";
        let answer = [head.as_bytes(), chance.noise(500_000)].concat();
        session.ask(&mut place.wire, request.as_bytes(), &answer);
        session.wait(SECOND / 10);
    }
    session.close(&mut place.wire);
}
