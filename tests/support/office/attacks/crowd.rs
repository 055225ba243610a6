//! Machines of a network that is far too large for a small sensor: more than anybody can remember.

use super::super::files::Share;
use super::super::messages::dns;
use super::super::wire::{Host, MILLI, Nanos};
use super::super::{Habit, care, names, web};
use super::times;
use crate::support::office::chance::Chance;

/// So many machines, ten a second: each asks for names that are and are not, is turned away by a
/// page, by a file server and by a shell, pings a stranger and calls out who it is.
pub fn crowd(machines: u64, chance: Chance, begin: Nanos) -> Habit {
    times(chance, begin, (machines, 100 * MILLI, 0.5), |number, now, place, chance| {
        let [_, b, c, d] = (number as u32).to_be_bytes();
        let machine = Host { mac: [2, 0x10, 0, b, c, d], ip: [10, b, c, d] };
        let server = Host::here([192, 168, 60, (number % 250) as u8]);
        place.wire.arp(now, true, machine.mac, machine.ip, place.town.gateway);
        let name = format!(
            "{}.{}.dati-{}.example.org",
            chance.letters(30),
            chance.letters(30),
            number % 4000
        );
        let answer: [&[u8]; 1] = [chance.noise(120)];
        names::ask(place, chance, now, machine, (&name, dns::TXT), Some(&answer));
        let name = format!("{}.com", chance.letters(14));
        names::ask(place, chance, now, machine, (&name, dns::A), None);
        let request = web::get("intranet", "/", "Authorization: Basic eDp5\r\n");
        let refusal = ("401 Unauthorized", "text/html", 100);
        web::page(place, chance, now, (machine, server), &request, refusal);
        let stranger = place.town.outside([198, 18, c, d]);
        place.wire.icmp(now, machine, stranger, (8, 0, 1, number as u16), chance.noise(300));
        match number % 8 {
            0 => {
                Share::open(place, chance, now, (machine, server), ("utente", 1));
            }
            1 => {
                care::shell(place, chance, now, (machine, server), false);
            }
            2 => {
                web::visit(
                    place,
                    chance,
                    now,
                    machine,
                    (&format!("{number}.example.net"), 7),
                    (900, 700),
                );
            }
            _ => {}
        }
    })
}
