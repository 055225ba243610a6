//! Mail: looked for every few minutes, sent now and then, passwords mistyped at times.

use super::chance::Chance;
use super::messages::tls;
use super::session::Session;
use super::town::Town;
use super::wire::{Host, MILLI, MINUTE, Nanos, SECOND};
use super::{Habits, Place, names, rhythm};

const SMTP: u16 = 25;
const SUBMISSION: u16 = 587;
const IMAP: u16 = 143;
const POP3: u16 = 110;
const IMAPS: u16 = 993;
/// Programs of mail greet like this.
const PROGRAM: u16 = 4;

pub(super) fn habits(town: &Town, habits: &mut Habits) {
    for (number, host) in town.people.clone().into_iter().enumerate() {
        habits.add("looks", move |now, place, chance| {
            if rhythm(now) > 0.0 {
                if number % 5 == 0 {
                    pop3(place, chance, now, host)
                } else {
                    imap(place, chance, now, host)
                }
            }
            now + chance.about(5 * MINUTE, 0.02)
        });
        habits.person("writes", 25 * MINUTE, move |now, place, chance| {
            let length = if chance.one_in(12) { 4_000_000 } else { 20_000 };
            let length = chance.size(length);
            submit(place, chance, now, host, length);
        });
        // Certified mail is with a provider.
        habits.add("certified", move |now, place, chance| {
            if rhythm(now) > 0.0 {
                certified(place, chance, now, host);
            }
            now + chance.about(10 * MINUTE, 0.03)
        });
    }
    relayed(town, habits);
}

fn imap(place: &mut Place, chance: &mut Chance, now: Nanos, host: Host) {
    let (client, mail) = (place.port(host), (place.town.mail, IMAP));
    let wire = &mut place.wire;
    let mut session = Session::open(wire, now, client, mail);
    session.server(wire, b"* OK [CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN] Dovecot ready.\r\n");
    if chance.one_in(300) {
        for _ in 0..chance.between(1, 4) {
            session.ask(
                wire,
                b"a0 LOGIN rossi sbagliata\r\n",
                b"a0 NO [AUTHENTICATIONFAILED] Authentication failed.\r\n",
            );
            session.wait(chance.between(4, 15) * SECOND);
        }
    }
    session.ask(
        wire,
        b"a1 LOGIN rossi giusta\r\n",
        b"a1 OK [CAPABILITY IMAP4rev1 IDLE] Logged in\r\n",
    );
    session.ask(
        wire,
        b"a2 SELECT INBOX\r\n",
        b"* FLAGS (\\Answered \\Seen)\r\n* 214 EXISTS\r\na2 OK [READ-WRITE] Select completed.\r\n",
    );
    session.ask(wire, b"a3 NOOP\r\n", b"a3 OK NOOP completed.\r\n");
    if chance.one_in(3) {
        let length = chance.size(12_000);
        let body = tls::data(length, chance);
        let head = format!("* 214 FETCH (BODY[] {{{}}}\r\n", body.len());
        let answer = [head.as_bytes(), &body, b")\r\na4 OK Fetch completed.\r\n"].concat();
        session.ask(wire, b"a4 FETCH 214 BODY[]\r\n", &answer);
    }
    session.ask(wire, b"a9 LOGOUT\r\n", b"* BYE Logging out\r\na9 OK Logout completed.\r\n");
    session.close(wire);
}

fn pop3(place: &mut Place, chance: &mut Chance, now: Nanos, host: Host) {
    let (client, mail) = (place.port(host), (place.town.mail, POP3));
    let wire = &mut place.wire;
    let mut session = Session::open(wire, now, client, mail);
    session.server(wire, b"+OK Dovecot ready.\r\n");
    session.ask(wire, b"USER verdi\r\n", b"+OK\r\n");
    if chance.one_in(300) {
        session.ask(wire, b"PASS sbagliata\r\n", b"-ERR [AUTH] Authentication failed.\r\n");
        session.close(wire);
        return;
    }
    session.ask(wire, b"PASS giusta\r\n", b"+OK Logged in.\r\n");
    session.ask(wire, b"STAT\r\n", b"+OK 0 0\r\n");
    session.ask(wire, b"QUIT\r\n", b"+OK Logging out.\r\n");
    session.close(wire);
}

fn submit(place: &mut Place, chance: &mut Chance, now: Nanos, host: Host, length: usize) {
    let (client, mail) = (place.port(host), (place.town.mail, SUBMISSION));
    let wire = &mut place.wire;
    let mut session = Session::open(wire, now, client, mail).bulk();
    session.server(wire, b"220 mail.comune.montana.it ESMTP Postfix\r\n");
    session.ask(
        wire,
        b"EHLO pc\r\n",
        b"250-mail.comune.montana.it\r\n250-SIZE 20480000\r\n250 STARTTLS\r\n",
    );
    session.ask(wire, b"STARTTLS\r\n", b"220 2.0.0 Ready to start TLS\r\n");
    let hello = tls::client_hello("mail.comune.montana.it", PROGRAM, chance);
    session.ask(wire, &hello, &tls::server_hello(chance));
    session.client(wire, &tls::finished(chance));
    session.ask(wire, &tls::data(length, chance), &tls::data(90, chance));
    session.close(wire);
}

fn certified(place: &mut Place, chance: &mut Chance, now: Nanos, host: Host) {
    let name = "imaps.pec.aruba.it";
    let (server, at) = names::resolve(place, chance, now, host, name);
    let client = place.port(host);
    let wire = &mut place.wire;
    let mut session = Session::open(wire, at, client, (server, IMAPS));
    let hello = tls::client_hello(name, PROGRAM, chance);
    session.ask(wire, &hello, &tls::server_hello(chance));
    session.client(wire, &tls::finished(chance));
    for _ in 0..3 {
        session.ask(wire, &tls::data(60, chance), &tls::data(200, chance));
    }
    session.close(wire);
}

/// Mail that comes in from elsewhere and goes out to elsewhere, between servers.
fn relayed(town: &Town, habits: &mut Habits) {
    let mail = town.mail;
    habits.add("comes in", move |now, place, chance| {
        let sender = format!("out{}.mailer.example", chance.rank(400));
        let from = place.town.beyond(&sender);
        let length = chance.size(30_000);
        let refused = chance.one_in(6);
        relay(place, now, (from, mail), (length, refused));
        now + chance.pause(if rhythm(now) > 0.0 { 90 * SECOND } else { 6 * MINUTE })
    });
    habits.add("goes out", move |now, place, chance| {
        let name = format!("mx{}.mailer.example", chance.rank(200));
        let (server, at) = names::resolve(place, chance, now, mail, &name);
        if rhythm(now) > 0.0 {
            let length = chance.size(30_000);
            relay(place, at, (mail, server), (length, false));
        }
        now + chance.pause(3 * MINUTE)
    });
}

fn relay(
    place: &mut Place,
    now: Nanos,
    (from, to): (Host, Host),
    (length, refused): (usize, bool),
) {
    let client = place.port(from);
    let wire = &mut place.wire;
    let mut session = Session::open(wire, now, client, (to, SMTP)).bulk();
    session.server(wire, b"220 mx ESMTP\r\n");
    session.ask(
        wire,
        b"EHLO sender.example\r\n",
        b"250-mx\r\n250-SIZE 20480000\r\n250 8BITMIME\r\n",
    );
    session.ask(wire, b"MAIL FROM:<a@sender.example>\r\n", b"250 2.1.0 Ok\r\n");
    if refused {
        let refusal = b"550 5.1.1 User unknown\r\n";
        session.ask(wire, b"RCPT TO:<nessuno@comune.montana.it>\r\n", refusal);
    } else {
        session.ask(wire, b"RCPT TO:<ufficio@comune.montana.it>\r\n", b"250 2.1.5 Ok\r\n");
        session.ask(wire, b"DATA\r\n", b"354 End data with <CR><LF>.<CR><LF>\r\n");
        let line = "Il Comune di Montana informa che lo sportello resta chiuso per lavori.\r\n";
        let body = line.repeat(1 + length / line.len());
        let head =
            "From: a@sender.example\r\nTo: ufficio@comune.montana.it\r\nSubject: Avviso\r\n\r\n";
        session.ask(wire, format!("{head}{body}.\r\n").as_bytes(), b"250 2.0.0 Ok: queued\r\n");
    }
    session.wait(5 * MILLI);
    session.ask(wire, b"QUIT\r\n", b"221 2.0.0 Bye\r\n");
    session.close(wire);
}
