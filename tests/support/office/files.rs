//! Files on the server, and paper.

use super::chance::Chance;
use super::messages::smb::{Pair, Talk};
use super::session::Session;
use super::town::Town;
use super::wire::{HOUR, Host, MILLI, MINUTE, Nanos, SECOND};
use super::{Habits, Place, rhythm};

const SMB: u16 = 445;
const JETDIRECT: u16 = 9100;
const IPP: u16 = 631;
/// Bytes of a read or a write.
const PART: usize = 65_000;

/// A logon at a file server and a share opened there.
pub struct Share {
    pub session: Session,
    pub talk: Talk,
}

impl Share {
    /// Connects as `user`; the first `failures` passwords are wrong.
    pub fn open(
        place: &mut Place,
        chance: &mut Chance,
        now: Nanos,
        (client, server): (Host, Host),
        (user, failures): (&str, u64),
    ) -> Self {
        let client = place.port(client);
        let session = Session::open(&mut place.wire, now, client, (server, SMB)).bulk();
        let mut share = Self { session, talk: Talk::default() };
        let pair = share.talk.negotiate(chance);
        share.say(place, &pair);
        for turn in 0..=failures {
            for pair in share.talk.logon(user, turn == failures, chance) {
                share.say(place, &pair);
            }
            if turn < failures {
                share.session.wait(chance.between(2, 9) * SECOND);
            }
        }
        let pair = share.talk.tree(r"\\SERVER\Uffici");
        share.say(place, &pair);
        share
    }

    pub fn say(&mut self, place: &mut Place, pair: &Pair) {
        self.session.ask(&mut place.wire, &pair.0, &pair.1);
    }

    pub fn read(&mut self, place: &mut Place, chance: &mut Chance, name: &str, length: usize) {
        let pair = self.talk.create(name, false);
        self.say(place, &pair);
        for offset in (0..length).step_by(PART) {
            let pair = self.talk.read(offset as u64, document(chance, (length - offset).min(PART)));
            self.say(place, &pair);
        }
        let pair = self.talk.close();
        self.say(place, &pair);
    }

    /// Writes a file whole, then gives it its name if that is another.
    pub fn write(
        &mut self,
        place: &mut Place,
        (name, last): (&str, Option<&str>),
        data: &mut dyn FnMut(usize) -> &'static [u8],
        length: usize,
    ) {
        let pair = self.talk.create(name, true);
        self.say(place, &pair);
        for offset in (0..length).step_by(PART) {
            let pair = self.talk.write(offset as u64, data((length - offset).min(PART)));
            self.say(place, &pair);
        }
        if let Some(last) = last {
            let pair = self.talk.rename(last);
            self.say(place, &pair);
        }
        let pair = self.talk.close();
        self.say(place, &pair);
    }
}

/// Text that looks like a document's: of low entropy.
pub fn document(chance: &mut Chance, length: usize) -> &'static [u8] {
    use std::sync::OnceLock;
    static TEXT: OnceLock<Vec<u8>> = OnceLock::new();
    let text = TEXT.get_or_init(|| {
        let line =
            "Vista la delibera di Giunta e considerato il parere del responsabile, si determina. ";
        line.bytes().cycle().take(2 * PART).collect()
    });
    let start = chance.below((text.len() - length) as u64) as usize;
    &text[start..start + length]
}

pub(super) fn habits(town: &Town, habits: &mut Habits) {
    let server = town.server;
    for (number, host) in town.people.clone().into_iter().enumerate() {
        let user = format!("impiegato{number}");
        let mut share: Option<Share> = None;
        habits.person("works", 6 * MINUTE, move |now, place, chance| {
            let failures = if chance.one_in(8) { chance.between(1, 3) } else { 0 };
            let mut own = share.take().unwrap_or_else(|| {
                Share::open(place, chance, now, (host, server), (&user, failures))
            });
            own.session.wait_until(now);
            work(place, chance, &mut own);
            // At the end of work the connection is given up without a word.
            share = (rhythm(now + 10 * MINUTE) > 0.0).then_some(own);
        });
        habits.person("prints", 40 * MINUTE, move |now, place, chance| {
            print(place, chance, now, host)
        });
    }
    // The one who keeps the archive copies a folder of scans: many files at once, never read before.
    if let Some(host) = town.people.get(1).copied() {
        habits.daily("archive", 11 * HOUR, move |now, place, chance| {
            let mut share = Share::open(place, chance, now, (host, server), ("archivio", 0));
            for number in 0..150 {
                let name = format!(r"Archivio\2025\scan{number:04}.pdf");
                let length = chance.size(60_000);
                let mut noise = chance.clone();
                share.write(place, (&name, None), &mut |length| noise.noise(length), length);
                share.session.wait(chance.between(300, 900) * MILLI);
            }
            share.session.close(&mut place.wire);
        });
    }
}

/// A document is opened, perhaps saved: as office programs do, to a file that is then renamed.
fn work(place: &mut Place, chance: &mut Chance, share: &mut Share) {
    let name = format!(r"Ufficio\pratica{}.docx", chance.rank(5000));
    let length = (chance.size(150_000) as f64 * place.fullness.max(0.1)) as usize + 4_000;
    share.read(place, chance, &name, length);
    if chance.one_in(2) {
        share.session.wait(chance.between(5, 60) * SECOND);
        let temporary = format!(r"Ufficio\~{:08X}.tmp", chance.next() as u32);
        let mut draws = chance.clone();
        let mut text = |length| document(&mut draws, length);
        share.write(place, (&temporary, Some(&name)), &mut text, length);
    }
}

fn print(place: &mut Place, chance: &mut Chance, now: Nanos, host: Host) {
    let printer = chance.pick(&place.town.printers);
    let length = (chance.size(300_000) as f64 * place.fullness.max(0.1)) as usize + 4_000;
    let client = place.port(host);
    let uses_ipp = chance.one_in(3);
    let port = if uses_ipp { IPP } else { JETDIRECT };
    let wire = &mut place.wire;
    let mut session = Session::open(wire, now, client, (printer, port)).bulk();
    if uses_ipp {
        let head = format!(
            "POST /ipp/print HTTP/1.1\r\nHost: stampante\r\nContent-Type: application/ipp\r\n\
             Content-Length: {length}\r\n\r\n"
        );
        session.client(wire, head.as_bytes());
    } else {
        session
            .client(wire, b"\x1b%-12345X@PJL JOB NAME=\"Delibera\"\r\n@PJL ENTER LANGUAGE=PDF\r\n");
    }
    for part in 0..length.div_ceil(PART) {
        session.client(wire, document(chance, (length - part * PART).min(PART)));
        session.wait(20 * MILLI);
    }
    if uses_ipp {
        session.server(wire, b"HTTP/1.1 200 OK\r\nContent-Type: application/ipp\r\nContent-Length: 8\r\n\r\n\x01\x01\0\0\0\0\0\x02");
    }
    session.close(wire);
}
