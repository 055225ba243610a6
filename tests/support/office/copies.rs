//! Copies that leave the house: backups, pictures for a cloud, a large file for a supplier.

use super::chance::Chance;
use super::messages::tls;
use super::session::Session;
use super::town::Town;
use super::wire::{HOUR, Host, MINUTE, Nanos, SECOND};
use super::{Habits, Place, names, web};

/// Bytes said in one go.
const PART: usize = 250_000;
const PROGRAM: u16 = 6;

/// An upload over TLS that goes on while time does.
struct Upload {
    session: Session,
    left: u64,
}

impl Upload {
    fn begin(
        place: &mut Place,
        chance: &mut Chance,
        now: Nanos,
        client: Host,
        name: &str,
        bytes: u64,
    ) -> Self {
        let (host, at) = names::resolve(place, chance, now, client, name);
        let session = web::greet(place, chance, at, (client, host), (name, PROGRAM)).bulk();
        Self { session, left: bytes }
    }

    /// Says some parts; when it goes on, if it does.
    fn go_on(
        mut self,
        place: &mut Place,
        chance: &mut Chance,
        now: Nanos,
        parts: u64,
    ) -> Option<Self> {
        self.session.wait_until(now);
        for _ in 0..parts {
            let part = self.left.min(PART as u64);
            self.session.client(&mut place.wire, &tls::data(part as usize, chance));
            self.left -= part;
            if self.left == 0 {
                self.session.server(&mut place.wire, &tls::data(300, chance));
                self.session.close(&mut place.wire);
                return None;
            }
        }
        Some(self)
    }
}

/// An upload of so many bytes at this time each day, at so many parts a second.
fn daily(
    habits: &mut Habits,
    time: Nanos,
    (host, name): (Host, &'static str),
    bytes: u64,
    parts: u64,
) {
    let mut upload: Option<Upload> = None;
    let start = habits.start;
    let mut due = start / (24 * HOUR) * 24 * HOUR + time;
    if due < start + MINUTE {
        due += 24 * HOUR;
    }
    habits.add(name, move |now, place, chance| {
        if now < due {
            return due;
        }
        let bytes = (bytes as f64 * place.fullness) as u64;
        let bytes = chance.about(bytes, 0.1);
        let going =
            upload.take().unwrap_or_else(|| Upload::begin(place, chance, now, host, name, bytes));
        upload = going.go_on(place, chance, now, parts);
        if upload.is_none() {
            due += 24 * HOUR;
            return due;
        }
        now + SECOND
    });
}

pub(super) fn habits(town: &Town, habits: &mut Habits) {
    daily(habits, 2 * HOUR, (town.server, "vault.backup-sicuro.it"), 2_000_000_000, 20);
    daily(habits, 13 * HOUR, (town.server, "vault.backup-sicuro.it"), 300_000_000, 20);
    // The surveyor sends plans to a supplier once a day, from her own machine.
    if let Some(host) = town.people.get(3) {
        daily(habits, 12 * HOUR, (*host, "store-eu.wetransfer.com"), 90_000_000, 8);
    }
    for host in town.people.iter().skip(5).step_by(4).copied() {
        habits.person("cloud", 30 * MINUTE, move |now, place, chance| {
            let bytes = chance.size(800_000) as u64;
            let upload = Upload::begin(place, chance, now, host, "api.onedrive.com", bytes);
            upload.go_on(place, chance, now, u64::MAX);
        });
    }
}
