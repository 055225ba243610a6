//! Within the house: from machine to machine, another's address, files made unreadable.

use super::super::files::Share;
use super::super::session::Session;
use super::super::wire::{MILLI, MINUTE, SECOND};
use super::{Attack, INSIDER, times};

pub static ATTACKS: &[Attack] = &[
    Attack {
        name: "logons on machines never visited before, one each 20 s",
        detectors: &["lateral", "spray", "bruteforce", "sweep"],
        unit: "machines",
        strengths: &[2, 4, 6, 10, 20],
        length: 25 * MINUTE,
        who: &[INSIDER],
        make: |strength, chance, begin| {
            times(chance, begin, (strength, 20 * SECOND, 0.3), |n, now, place, chance| {
                let from = place.town.people[1];
                let to = super::super::wire::Host::here([192, 168, 10, 160 + n as u8]);
                let mut share = Share::open(place, chance, now, (from, to), ("amministratore", 0));
                let pair = share.talk.tree(r"\\PC\ADMIN$");
                share.say(place, &pair);
                let noise = &mut |length| chance.noise(length);
                share.write(place, (r"Temp\svc.exe", None), noise, 30_000);
                share.session.close(&mut place.wire);
            })
        },
    },
    Attack {
        name: "one password tried on many machines",
        detectors: &["spray", "bruteforce", "lateral"],
        unit: "machines",
        strengths: &[3, 6, 10, 20, 50],
        length: 20 * MINUTE,
        who: &[INSIDER],
        make: |strength, chance, begin| {
            times(chance, begin, (strength, 2 * SECOND, 0.3), |n, now, place, chance| {
                let from = place.town.people[1];
                let to = super::super::wire::Host::here([192, 168, 10, 160 + n as u8]);
                let client = place.port(from);
                let mut session = Session::open(&mut place.wire, now, client, (to, 445));
                let mut talk = super::super::messages::smb::Talk::default();
                let hello = talk.negotiate(chance);
                let [first, second] = talk.logon("amministratore", false, chance);
                for pair in [hello, first, second] {
                    session.ask(&mut place.wire, &pair.0, &pair.1);
                }
                session.reset(&mut place.wire);
            })
        },
    },
    Attack {
        name: "the gateway's address claimed, each 2 s",
        detectors: &["spoofing"],
        unit: "claims",
        strengths: &[1, 2, 5, 20, 60],
        length: 15 * MINUTE,
        who: &[[192, 168, 10, 1], INSIDER],
        make: |strength, chance, begin| {
            times(chance, begin, (strength, 2 * SECOND, 0.05), |_, now, place, _| {
                let (from, gateway) = (place.town.people[1], place.town.gateway);
                let victim = place.town.people[0];
                place.wire.arp(now, true, from.mac, gateway.ip, victim);
                place.wire.arp(now + MILLI, true, from.mac, victim.ip, gateway);
            })
        },
    },
    Attack {
        name: "files rewritten and renamed on a share, 3 a second",
        detectors: &["mass-change"],
        unit: "files",
        strengths: &[10, 30, 100, 200, 500],
        length: 20 * MINUTE,
        who: &[INSIDER],
        make: |strength, chance, begin| {
            let mut open: Option<Share> = None;
            times(chance, begin, (strength, SECOND / 3, 0.2), move |n, now, place, chance| {
                let ends = (place.town.people[1], place.town.server);
                let mut share = open
                    .take()
                    .unwrap_or_else(|| Share::open(place, chance, now, ends, ("impiegato1", 0)));
                share.session.wait_until(now);
                let name = format!(r"Ufficio\pratica{n}.docx");
                let last = format!("{name}.bloccato");
                share.read(place, chance, &name, 20_000);
                let noise = &mut |length| chance.noise(length);
                share.write(place, (&name, Some(&last)), noise, 20_000);
                open = Some(share);
            })
        },
    },
];
