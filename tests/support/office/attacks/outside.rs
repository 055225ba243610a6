//! From elsewhere: doors looked for, passwords tried, floods.

use super::super::messages::dns;
use super::super::session::Session;
use super::super::wire::{HOUR, MILLI, MINUTE, SECOND, SYN};
use super::super::{care, web};
use super::{Attack, INSIDER, OUTSIDER, times};

pub static ATTACKS: &[Attack] = &[
    Attack {
        name: "port scan, 20 ports a second",
        detectors: &["scan"],
        unit: "ports",
        strengths: &[5, 8, 12, 20, 100],
        length: 15 * MINUTE,
        who: &[OUTSIDER],
        make: |strength, chance, begin| {
            times(chance, begin, (strength, 50 * MILLI, 0.3), |n, now, place, _| {
                let (from, to) = (place.town.outside(OUTSIDER), place.town.server);
                let client = place.port(from);
                Session::attempt(&mut place.wire, now, client, (to, 1 + n as u16 * 7), true);
            })
        },
    },
    Attack {
        name: "port scan, a port each 5 minutes",
        detectors: &["scan"],
        unit: "ports",
        strengths: &[5, 8, 12, 20],
        length: 2 * HOUR,
        who: &[OUTSIDER],
        make: |strength, chance, begin| {
            times(chance, begin, (strength, 5 * MINUTE, 0.3), |n, now, place, _| {
                let (from, to) = (place.town.outside(OUTSIDER), place.town.server);
                let client = place.port(from);
                Session::attempt(&mut place.wire, now, client, (to, 1 + n as u16 * 7), false);
            })
        },
    },
    Attack {
        name: "sweep of one port from inside",
        detectors: &["scan", "sweep", "lateral"],
        unit: "hosts",
        strengths: &[5, 8, 12, 20, 100],
        length: 20 * MINUTE,
        who: &[INSIDER],
        make: |strength, chance, begin| {
            times(chance, begin, (strength, 200 * MILLI, 0.3), |n, now, place, _| {
                let from = place.town.people[1];
                let to = place.town.outside([192, 168, 50, 1 + n as u8]);
                let client = place.port(from);
                Session::attempt(&mut place.wire, now, client, (to, 445), false);
            })
        },
    },
    Attack {
        name: "ping sweep from inside",
        detectors: &["scan", "sweep"],
        unit: "hosts",
        strengths: &[8, 16, 32, 64, 200],
        length: 20 * MINUTE,
        who: &[INSIDER],
        make: |strength, chance, begin| {
            times(chance, begin, (strength, 100 * MILLI, 0.3), |n, now, place, _| {
                let from = place.town.people[1];
                let to = place.town.outside([192, 168, 50, 1 + n as u8]);
                place.wire.icmp(now, from, to, (8, 0, 1, n as u16), &[0x61; 32]);
            })
        },
    },
    Attack {
        name: "ARP sweep",
        detectors: &["scan", "sweep"],
        unit: "addresses",
        strengths: &[16, 32, 64, 128, 250],
        length: 15 * MINUTE,
        who: &[INSIDER],
        make: |strength, chance, begin| {
            times(chance, begin, (strength, 20 * MILLI, 0.3), |n, now, place, _| {
                let from = place.town.people[1];
                let to = super::super::wire::Host { mac: [0; 6], ip: [192, 168, 10, 1 + n as u8] };
                place.wire.arp(now, false, from.mac, from.ip, to);
            })
        },
    },
    Attack {
        name: "passwords of SSH, one each 2 s",
        detectors: &["bruteforce", "spray"],
        unit: "tries",
        strengths: &[5, 10, 20, 30, 100],
        length: 20 * MINUTE,
        who: &[OUTSIDER],
        make: |strength, chance, begin| {
            times(chance, begin, (strength, 2 * SECOND, 0.2), |_, now, place, chance| {
                let ends = (place.town.outside(OUTSIDER), place.town.server);
                care::shell(place, chance, now, ends, false);
            })
        },
    },
    Attack {
        name: "passwords of FTP, one each 2 s",
        detectors: &["bruteforce", "spray"],
        unit: "tries",
        strengths: &[5, 10, 20, 30, 100],
        length: 20 * MINUTE,
        who: &[OUTSIDER],
        make: |strength, chance, begin| {
            times(chance, begin, (strength, 2 * SECOND, 0.2), |_, now, place, chance| {
                let from = place.port(place.town.outside(OUTSIDER));
                let server = (place.town.server, 21);
                let wire = &mut place.wire;
                let mut session = Session::open(wire, now, from, server);
                session.server(wire, b"220 Benvenuti\r\n");
                session.ask(wire, b"USER admin\r\n", b"331 Password required for admin.\r\n");
                let word = format!("PASS {}\r\n", chance.letters(8));
                session.ask(wire, word.as_bytes(), b"530 Login incorrect.\r\n");
                session.close(wire);
            })
        },
    },
    Attack {
        name: "passwords of a web page, one each second",
        detectors: &["bruteforce", "spray"],
        unit: "tries",
        strengths: &[5, 10, 20, 30, 100],
        length: 20 * MINUTE,
        who: &[OUTSIDER],
        make: |strength, chance, begin| {
            times(chance, begin, (strength, SECOND, 0.2), |_, now, place, chance| {
                let ends = (place.town.outside(OUTSIDER), place.town.server);
                let proof = format!("Authorization: Basic {}\r\n", chance.letters(16));
                let request = web::get("www.comune.montana.it", "/amministrazione", &proof);
                let answer = ("401 Unauthorized", "text/html", 180);
                web::page(place, chance, now, ends, &request, answer);
            })
        },
    },
    Attack {
        name: "passwords of SSH, two of each host, one each second",
        detectors: &["bruteforce"],
        unit: "hosts",
        strengths: &[5, 10, 20, 30, 100],
        length: 20 * MINUTE,
        who: &[[192, 168, 10, 11]],
        make: |strength, chance, begin| {
            times(chance, begin, (strength * 2, SECOND, 0.2), |n, now, place, chance| {
                let host = place.town.outside([198, 51, 100, (n / 2) as u8]);
                let ends = (host, place.town.server);
                care::shell(place, chance, now, ends, false);
            })
        },
    },
    Attack {
        name: "passwords of a mail server, three in a connection, one each 5 s",
        detectors: &["bruteforce"],
        unit: "connections",
        strengths: &[2, 4, 8, 16, 50],
        length: 20 * MINUTE,
        who: &[OUTSIDER],
        make: |strength, chance, begin| {
            times(chance, begin, (strength, 5 * SECOND, 0.2), |_, now, place, chance| {
                let from = place.port(place.town.outside(OUTSIDER));
                let server = (place.town.server, 25);
                let wire = &mut place.wire;
                let mut session = Session::open(wire, now, from, server);
                session.server(wire, b"220 posta.comune.montana.it ESMTP\r\n");
                session.ask(wire, b"EHLO pc\r\n", b"250-posta\r\n250 AUTH LOGIN PLAIN\r\n");
                for _ in 0..3 {
                    session.ask(wire, b"AUTH LOGIN\r\n", b"334 VXNlcm5hbWU6\r\n");
                    session.ask(wire, b"YWRtaW4=\r\n", b"334 UGFzc3dvcmQ6\r\n");
                    let word = format!("{}\r\n", chance.letters(12));
                    let no = b"535 5.7.8 Authentication failed\r\n";
                    session.ask(wire, word.as_bytes(), no);
                }
                session.close(wire);
            })
        },
    },
    Attack {
        name: "requests held open for a minute, a piece each 10 s, 20 new ones a second",
        detectors: &["flood"],
        unit: "connections",
        strengths: &[5, 10, 20, 50, 200],
        length: 13 * MINUTE,
        who: &[OUTSIDER],
        make: |strength, chance, begin| {
            times(chance, begin, (strength, SECOND / 20, 0.2), |_, now, place, chance| {
                let from = place.port(place.town.outside(OUTSIDER));
                let server = (place.town.server, 80);
                let wire = &mut place.wire;
                let mut session = Session::open(wire, now, from, server);
                session.client(wire, b"GET / HTTP/1.1\r\nHost: www.comune.montana.it\r\n");
                for _ in 0..6 {
                    session.wait(chance.about(10 * SECOND, 0.1));
                    let piece = format!("X-{}: b\r\n", chance.letters(4));
                    session.client(wire, piece.as_bytes());
                }
                session.reset(wire);
            })
        },
    },
    Attack {
        name: "SYN flood of spoofed sources for 10 s",
        detectors: &["flood"],
        unit: "packets a second",
        strengths: &[50, 200, 500, 1000, 3000],
        length: 11 * MINUTE,
        who: &[[192, 168, 10, 11]],
        make: |strength, chance, begin| {
            let pause = SECOND / strength;
            times(chance, begin, (strength * 10, pause, 0.1), |_, now, place, chance| {
                let ip = (0x0b00_0000 | (chance.next() as u32 & 0x00ff_ffff)).to_be_bytes();
                let from = (place.town.outside(ip), chance.between(1024, 65_000) as u16);
                let to = (place.town.server, 80);
                place.wire.tcp(now, (from, to), (chance.next() as u32, 0), SYN, &[]);
            })
        },
    },
    Attack {
        name: "UDP flood for 10 s",
        detectors: &["flood", "amplification"],
        unit: "packets a second",
        strengths: &[100, 500, 1000, 2000, 5000],
        length: 11 * MINUTE,
        who: &[[192, 168, 10, 11]],
        make: |strength, chance, begin| {
            let pause = SECOND / strength;
            times(chance, begin, (strength * 10, pause, 0.1), |_, now, place, chance| {
                let from = (place.town.outside(OUTSIDER), chance.between(1024, 65_000) as u16);
                let to = (place.town.server, chance.between(1024, 65_000) as u16);
                place.wire.udp(now, from, to, chance.noise(500));
            })
        },
    },
    Attack {
        name: "answers of name servers nobody asked, for 20 s",
        detectors: &["flood", "amplification"],
        unit: "answers a second",
        strengths: &[20, 100, 300, 1000],
        length: 11 * MINUTE,
        who: &[[192, 168, 10, 11]],
        make: |strength, chance, begin| {
            let pause = SECOND / strength;
            times(chance, begin, (strength * 20, pause, 0.1), |_, now, place, chance| {
                let from = place.town.outside([203, 0, 113, chance.between(1, 200) as u8]);
                let data: Vec<&[u8]> = vec![&[0x61; 200]; 6];
                let answer = dns::answer(chance.next() as u16, "example.com", dns::TXT, 60, &data);
                place.wire.udp(now, (from, 53), (place.town.server, 30_000), &answer);
            })
        },
    },
];
