//! Names: machines of the house ask the domain controller, which asks the provider.

use super::chance::Chance;
use super::messages::dns;
use super::town::Town;
use super::wire::{HOUR, Host, MILLI, MINUTE, Nanos, SECOND};
use super::{Habits, Place};

const PORT: u16 = 53;
/// The provider's name server.
const PROVIDER: &str = "dns.provider.it";
/// A name that a client remembers is kept so long at least.
const KEPT: [u64; 4] = [60, 300, 1800, 3600];

/// Where a name stands, and when the client knows.
pub fn resolve(
    place: &mut Place,
    chance: &mut Chance,
    at: Nanos,
    client: Host,
    name: &str,
) -> (Host, Nanos) {
    let host = place.town.beyond(name);
    let seconds = KEPT[(host.ip[3] % 4) as usize];
    let key = (client.ip, name.to_owned());
    if place.remembered.get(&key).is_some_and(|until| *until > at) {
        return (host, at);
    }
    place.remembered.insert(key, at + seconds * SECOND);
    if chance.one_in(3) {
        ask(place, chance, at, client, (name, dns::AAAA), Some(&[]));
    }
    let known = ask(place, chance, at + 3 * MILLI, client, (name, dns::A), Some(&[&host.ip]));
    (host, known + MILLI)
}

/// A question and its answer: `None` says that there is no such name. When it is answered.
pub fn ask(
    place: &mut Place,
    chance: &mut Chance,
    at: Nanos,
    client: Host,
    question: (&str, u16),
    answer: Option<&[&[u8]]>,
) -> Nanos {
    let (name, kind) = question;
    let controller = place.town.controller;
    let mut told = at + MILLI;
    let is_local = name.ends_with(".comune.local") || name.ends_with(".in-addr.arpa");
    if client != controller && !is_local && chance.one_in(2) {
        told = exchange(
            place,
            chance,
            at + MILLI,
            (controller, place.town.beyond(PROVIDER)),
            question,
            answer,
        );
    }
    let known = exchange(place, chance, at, (client, controller), (name, kind), answer);
    known.max(told + MILLI)
}

fn exchange(
    place: &mut Place,
    chance: &mut Chance,
    at: Nanos,
    hosts: (Host, Host),
    (name, kind): (&str, u16),
    answer: Option<&[&[u8]]>,
) -> Nanos {
    let id = chance.next() as u16;
    let (from, to) = (place.port(hosts.0), (hosts.1, PORT));
    let answered = at + if hosts.1.ip[0] == 192 { 18 * MILLI } else { 14 * MILLI };
    place.wire.udp(at, from, to, &dns::question(id, name, kind));
    let seconds = KEPT[(hosts.1.ip[3] % 4) as usize] as u32;
    let answer = match answer {
        Some(data) => dns::answer(id, name, kind, seconds, data),
        None => dns::no_such_name(id, name, kind),
    };
    place.wire.udp(answered, to, from, &answer);
    answered
}

/// What machines ask by themselves: where the domain is, who a neighbour is, what is mistyped.
pub(super) fn habits(town: &Town, habits: &mut Habits) {
    for host in town.people.clone() {
        habits.add("domain", move |now, place, chance| {
            let name = "_ldap._tcp.dc._msdcs.comune.local";
            let data: &[u8] = b"\x00\x00\x00\x64\x01\x85\x02dc\x06comune\x05local\x00";
            ask(place, chance, now, host, (name, dns::SRV), Some(&[data]));
            now + chance.about(15 * MINUTE, 0.2)
        });
        habits.person("mistyped", HOUR, move |now, place, chance| {
            let name = chance.pick(&[
                "www.gogle.con",
                "wpad.comune.local",
                "www.inps.itt",
                "intrnet.comune.local",
            ]);
            ask(place, chance, now, host, (name, dns::A), None);
        });
    }
    // Browsers try whether the network lies about names: three that cannot be, when they start.
    for host in town.people.clone() {
        habits.person("probe", 3 * HOUR, move |now, place, chance| {
            for n in 0..3 {
                let length = chance.between(7, 15) as usize;
                let name = format!("{}.comune.local", chance.letters(length));
                ask(place, chance, now + n * 2 * MILLI, host, (&name, dns::A), None);
            }
        });
    }
    // The antivirus asks for the repute of files by name (a hash as a label): as DNS tunnels do.
    for host in town.people.clone() {
        habits.person("repute", 4 * MINUTE, move |now, place, chance| {
            let name = format!(
                "{:016x}.{:08x}.avqs.antivirus-cloud.com",
                chance.next(),
                chance.next() as u32
            );
            ask(place, chance, now, host, (&name, dns::A), Some(&[&[127, 0, 0, 4]]));
        });
    }
    // Mail is checked against lists of senders of junk, and for names of those who call.
    let mail = town.mail;
    habits.add("lists", move |now, place, chance| {
        let [a, b, c, d] = (chance.next() as u32).to_be_bytes();
        let listed = chance.one_in(4);
        let name = format!("{a}.{b}.{c}.{d}.zen.spamhaus.org");
        let answer: [&[u8]; 1] = [&[127, 0, 0, 2]];
        let answer = listed.then_some(&answer[..]);
        ask(place, chance, now, mail, (&name, dns::A), answer);
        let name = format!("{a}.{b}.{c}.{d}.in-addr.arpa");
        ask(place, chance, now + 5 * MILLI, mail, (&name, dns::PTR), None);
        now + chance.pause(3 * MINUTE)
    });
}
