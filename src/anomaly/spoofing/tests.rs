#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
use super::*;
use crate::field;
use crate::record::Level;
use crate::time::Timestamp;

fn arp(seconds: u64, operation: u16, mac: u8, sender: u8, target: u8) -> Record {
    let address = |last| std::net::Ipv4Addr::new(10, 0, 0, last);
    let mac = [2, 0, 0, 0, 0, mac];
    let (sender, target, target_mac) = (address(sender), address(target), [0; 6]);
    Record {
        sequence: 1,
        tie: 0,
        timestamp: Timestamp::new(1_000_000 + seconds, 0),
        context: Context {
            flow_id: None,
            source: None,
            destination: None,
            protocol: 0,
            ip_version: 0,
            vlan: [0; 3],
            icmp: None,
        },
        body: Body::Arp(Arp {
            operation,
            frame_source: mac,
            sender_mac: mac,
            sender,
            target_mac,
            target,
            logged: false,
        }),
    }
}

fn fresh() -> Spoofing {
    Spoofing::new(&Site::default(), &Tuning::default())
}

fn judge(records: impl IntoIterator<Item = Record>) -> Vec<Found> {
    let (mut spoofing, mut found) = (fresh(), Vec::new());
    for record in records {
        spoofing.record(&record, &Known::default(), &mut found);
    }
    found
}

/// What machine 66, itself 10.0.0.66, tells 10.0.0.1 and 10.0.0.5 of each other, every 2 seconds.
fn poison(rounds: std::ops::Range<u64>) -> impl Iterator<Item = Record> {
    rounds.flat_map(|n| [arp(10 + n * 2, 2, 66, 1, 5), arp(10 + n * 2, 2, 66, 5, 1)])
}

#[test]
fn who_tells_two_machines_that_it_is_the_other_stands_between_them() {
    let found = judge([arp(0, 1, 66, 66, 1), arp(1, 2, 1, 1, 66)].into_iter().chain(poison(0..20)));
    let told: Vec<_> = found.iter().map(|f| (f.finding.sid, f.finding.level)).collect();
    assert_eq!(told, [(1, Level::High)]);
    let finding = &found[0].finding;
    assert!(
        finding.explain_it.contains("senza che lo abbiano chiesto, di essere 10.0.0.1 e 10.0.0.5")
    );
    assert!(finding.explain_en.contains("10.0.0.66 (02:00:00:00:00:42) tells other machines"));
    assert_eq!(finding.technique, "T1557.002");
}

#[test]
fn who_tells_many_that_it_is_the_router_is_told_of_and_not_the_router() {
    // The router, which goes on asking; twenty machines, to which 66 says each second that it is it.
    let router = (0..60u64).map(|n| arp(n, 1, 1, 1, 100 + (n % 20) as u8));
    let false_ones = (10..60u64).flat_map(|n| (0..20).map(move |to| arp(n, 2, 66, 1, 100 + to)));
    let mut all: Vec<Record> = router.chain(false_ones).collect();
    all.sort_by_key(|record| record.timestamp);
    let found = judge(all);
    let told: Vec<_> = found.iter().map(|f| (f.finding.sid, f.finding.level)).collect();
    assert_eq!(told, [(1, Level::High)]);
    assert!(found[0].finding.explain_en.contains("02:00:00:00:00:42 tells other machines"));
    // One machine is told so, and the router goes on: a conflict, by who insists.
    let one = (0..60u64).flat_map(|n| [arp(n, 1, 1, 1, 100), arp(n, 2, 66, 1, 105)]);
    let found = judge(one);
    let told: Vec<_> = found.iter().map(|f| (f.finding.sid, f.finding.level)).collect();
    assert_eq!(told, [(2, Level::Medium)]);
    assert!(found[0].finding.explain_en.starts_with("02:00:00:00:00:42 uses the address 10.0.0.1"));
}

#[test]
fn proxy_arp_answers_what_it_is_asked() {
    let asked = (0..200u64).flat_map(|n| {
        let (host, target) = ((n % 5) as u8, 100 + (n % 50) as u8);
        [arp(n, 1, host, host, target), arp(n, 2, 99, target, host)]
    });
    assert!(judge(asked).is_empty());
}

#[test]
fn one_change_of_hardware_is_honest_and_so_is_one_after_long_silence() {
    let moved = |pause: u64| {
        (0..20u64)
            .map(|n| arp(n, 1, 1, 7, 1))
            .chain((0..20).map(move |n| arp(pause + n, 1, 2, 7, 1)))
    };
    assert!(judge(moved(100)).is_empty());
    assert!(judge(moved(4000)).is_empty());
    // Fail-over of a router without a shared address: it says so itself, a few times.
    let over = (0..5).map(|n| arp(60 + n, 2, 2, 1, 1));
    assert!(judge((0..20).map(|n| arp(n, 1, 1, 1, 9)).chain(over)).is_empty());
}

#[test]
fn one_address_used_in_turn_by_two_is_a_conflict() {
    let record = |n: u64| arp(n * 5, 1, 1 + (n % 2) as u8, 7, 1);
    let found = judge((0..40).map(record));
    assert!(!found.is_empty() && found.len() <= 2);
    assert!(found.iter().all(|f| (f.finding.sid, f.finding.level) == (2, Level::Low)));
    assert!(found[0].finding.explain_it.contains("usa l'indirizzo 10.0.0.7, che anche un'altra"));
}

#[test]
fn the_same_address_in_two_vlans_is_two_machines() {
    let own = |n: u64| {
        let mut record = arp(n * 5, 1, 1 + (n % 2) as u8, 7, 1);
        record.context.vlan = [10 + (n % 2) as u16, 0, 0];
        record
    };
    assert!(judge((0..40).map(own)).is_empty());
    let found = judge([arp(0, 1, 66, 66, 1)].into_iter().chain(poison(0..20)).map(|mut record| {
        record.context.vlan = [20, 0, 0];
        record
    }));
    assert_eq!(found.iter().map(|f| f.finding.level).collect::<Vec<_>>(), [Level::High]);
}

#[test]
fn redundant_routers_share_their_address() {
    let share = |n: u64| {
        let mut record = arp(n, 2, 0, 1, 5);
        if let Body::Arp(arp) = &mut record.body {
            arp.sender_mac = [0, 0, 0x5e, 0, 1, (n % 2) as u8];
        }
        record
    };
    assert!(judge((0..100).map(share)).is_empty());
}

#[test]
fn a_flood_is_bounded_and_saved_state_goes_on() {
    let (mut first, mut found) = (fresh(), Vec::new());
    for n in 0..100_000u32 {
        let mut record = arp(1, 2, 0, 0, 9);
        if let Body::Arp(arp) = &mut record.body {
            let [a, b, c, d] = n.wrapping_mul(2_654_435_761).to_be_bytes();
            (arp.sender_mac, arp.sender) = ([2, 0, a, b, c, d], [10, b, c, d].into());
        }
        first.record(&record, &Known::default(), &mut found);
    }
    assert!(found.is_empty() && first.memory() < 5 << 19, "{}", first.memory());
    poison(0..2).for_each(|record| first.record(&record, &Known::default(), &mut found));
    let mut second = fresh();
    second.load(&first.save()).unwrap();
    poison(2..4).for_each(|record| second.record(&record, &Known::default(), &mut found));
    assert_eq!(found.len(), 1);
}

/// A message of NDP: who sends it to whom, its type, the address that it is about, a hardware address in
/// an option.
fn ndp(seconds: u64, (from, to): (&str, &str), kind: u8, about: &str, mac: u8) -> Record {
    let end = |text: &str| Some(Endpoint { addr: text.parse().unwrap(), port: 0 });
    let about: std::net::Ipv6Addr = about.parse().unwrap();
    let option = if kind == 136 { 2 } else { 1 };
    let mut sample = about.octets().to_vec();
    if kind == 134 {
        // Two timers, then the network.
        sample = [&[0; 8][..], &[3, 4, 64, 0xc0], &[0; 12], &about.octets()].concat();
    }
    sample.extend([option, 1, 2, 0, 0, 0, 0, mac]);
    let context = Context {
        source: end(from),
        destination: end(to),
        protocol: ip_protocol::ICMPV6,
        ip_version: 6,
        ..arp(seconds, 1, 0, 0, 0).context
    };
    let body = Body::Icmp(Box::new(IcmpMessage {
        kind,
        code: 0,
        rest: 1800,
        echo: None,
        hops: 255,
        frame_source: Some([2, 0, 0, 0, 0, mac]),
        length: sample.len() as u32,
        sample,
        hash: 0,
    }));
    Record { context, body, ..arp(seconds, 1, 0, 0, 0) }
}

const ALL: &str = "ff02::1";

#[test]
fn who_tells_two_machines_of_ipv6_that_it_is_the_other_stands_between_them() {
    let (router, host) = ("fe80::1", "fe80::a");
    let honest = (0..5).flat_map(|n| {
        [
            ndp(n * 10, (host, "ff02::1:ff00:1"), 135, router, 10),
            ndp(n * 10, (router, host), 136, router, 1),
        ]
    });
    let poison = (0..20).flat_map(|n| {
        [
            ndp(60 + n * 2, (router, host), 136, router, 66),
            ndp(60 + n * 2, (host, router), 136, host, 66),
        ]
    });
    let found = judge(honest.chain(poison));
    let told: Vec<_> = found.iter().map(|f| (f.finding.sid, f.finding.level)).collect();
    assert_eq!(told, [(1, Level::High)]);
    let finding = &found[0].finding;
    assert!(finding.title.starts_with("NDP poisoning"), "{}", finding.title);
    assert!(finding.explain_it.contains("messaggi NDP, ripetuti"));
    // A router that takes over the addresses of one that failed tells all.
    let over = ["fe80::a1", "2001:db8::a1"].into_iter().flat_map(|own| {
        let before = (0..5).map(move |n| ndp(n, (own, ALL), 136, own, 1));
        before.chain((0..5).map(move |n| ndp(60 + n, (own, ALL), 136, own, 2)))
    });
    let mut over: Vec<Record> = over.collect();
    over.sort_by_key(|record| record.timestamp);
    assert!(judge(over).is_empty());
    // Machines that come up say so; who is asked answers; a check for duplicates claims nothing.
    let up = (0..60).flat_map(|n| {
        let own = format!("fe80::{n:x}");
        [
            ndp(n, ("::", "ff02::1:ff00:1"), 135, &own, n as u8),
            ndp(n + 1, (&own, ALL), 136, &own, n as u8),
            ndp(n + 2, (&own, ALL), 136, &own, n as u8),
        ]
    });
    assert!(judge(up).is_empty());
}

/// An announcement of a router.
fn announce(seconds: u64, router: &str, network: &str) -> Record {
    ndp(seconds, (router, ALL), 134, network, 1)
}

fn known() -> impl Iterator<Item = Record> {
    (0..3).map(|n| announce(n * 200, "fe80::1", "2001:db8:1::"))
}

/// Another message, with something changed.
fn changed(mut record: Record, change: fn(&mut IcmpMessage)) -> Record {
    if let Body::Icmp(message) = &mut record.body {
        change(message);
    }
    record
}

#[test]
fn a_router_of_ipv6_that_announces_another_network_is_a_rival() {
    let with =
        |network| judge(known().chain((0..20).map(|n| announce(700 + n * 5, "fe80::66", network))));
    let found = with("2a02:bad::");
    let told: Vec<_> = found.iter().map(|f| (f.finding.sid, f.finding.level)).collect();
    assert_eq!(told, [(4, Level::Medium)]);
    let finding = &found[0].finding;
    assert!(
        finding.explain_it.contains("router IPv6 della rete 2a02:bad::/64, mentre fe80::1"),
        "{}",
        finding.explain_it
    );
    assert!(finding.explain_en.contains("while fe80::1 announces 2001:db8:1::/64"));
    assert!(with("2001:db8:1::").is_empty(), "two routers of one network");
    assert!(with("fd00:1::").is_empty(), "of the house alone");
    // One that first says the same; and a router that is given another network.
    let later = (0..20)
        .map(|n| announce(700 + n, "fe80::66", if n == 0 { "2001:db8:1::" } else { "2a02:bad::" }));
    assert_eq!(judge(known().chain(later)).len(), 1);
    assert!(judge(known().chain([announce(900, "fe80::1", "2001:db8:2::")])).is_empty());
    // A flood of made-up routers is told a few times.
    let flood = (0..2000)
        .map(|n| announce(700 + n / 100, &format!("fe80::66:{n:x}"), &format!("2a02:{n:x}::")));
    assert_eq!(judge(known().chain(flood)).len(), 4);
}

#[test]
fn what_comes_from_elsewhere_or_is_cut_off_announces_nothing() {
    let rival = || announce(700, "fe80::66", "2a02:bad::");
    let then = |record: Record| judge(known().chain([record])).len();
    assert_eq!(then(rival()), 1);
    assert_eq!(then(changed(rival(), |message| message.hops = 58)), 0, "forwarded");
    assert_eq!(then(changed(rival(), |message| message.code = 1)), 0);
    assert_eq!(then(changed(rival(), |message| message.rest = 0)), 0, "no way out");
    assert_eq!(then(announce(700, "2001:db8:bad::1", "2a02:bad::")), 0, "of no link");
    // The network ends 40 bytes behind the timers.
    for length in 0..=64 {
        let mut record = rival();
        if let Body::Icmp(message) = &mut record.body {
            message.sample.truncate(length);
        }
        assert_eq!(then(record), usize::from(length >= 40), "{length}");
    }
    assert_eq!(then(changed(rival(), |message| message.sample = vec![0; 64])), 0);
    let far = (0..40).flat_map(|n| {
        let swap = |from, to| ndp(60 + n, (from, to), 136, from, 66);
        [swap("fe80::1", "fe80::a"), swap("fe80::a", "fe80::1")]
            .map(|record| changed(record, |message| message.hops = 58))
    });
    assert!(judge(far).is_empty());
}

#[test]
fn who_is_known_by_ipv4_poisons_ipv6_under_the_right_name_and_a_look_for_many_hides_nobody() {
    let poison = |n: u64| {
        let (router, host) = ("fe80::1", "fe80::a");
        [ndp(n, (router, host), 136, router, 66), ndp(n, (host, router), 136, host, 66)]
    };
    let found = judge([arp(0, 1, 66, 66, 1)].into_iter().chain((60..80).flat_map(poison)));
    let finding = &found[0].finding;
    assert!(finding.title.starts_with("NDP poisoning"), "{}", finding.title);
    assert!(found[0].context.source.unwrap().addr.is_ipv6());
    // A sweep of a network of IPv6 makes the router look for thousands that are not there; then somebody
    // takes two addresses of IPv4.
    let owners = (0..2).map(|n| arp(n, 1, n as u8 + 1, n as u8 + 1, 9));
    let looks = (0..20_000u64).map(|n| {
        ndp(
            10,
            ("fe80::1", "ff02::1:ff00:0"),
            135,
            &format!("2001:db8::{:x}:{:x}", n >> 8, n & 255),
            1,
        )
    });
    let taken = (0..10).flat_map(|n| [arp(20 + n, 2, 66, 1, 9), arp(20 + n, 2, 66, 2, 9)]);
    let found = judge(owners.chain(looks).chain(taken));
    assert_eq!(found.iter().map(|f| f.finding.level).collect::<Vec<_>>(), [Level::High]);
}

/// An answer of LLMNR: names and the addresses that it gives them.
struct Answer(&'static str, Vec<(String, &'static str)>);

impl field::Fields for Answer {
    const FIELDS: &'static [field::Field<Self>] = &[];
}

impl field::Describe for Answer {
    fn describe(&self, tree: &mut dyn field::Tree) {
        let Self(kind, answers) = self;
        tree.text("type", kind.as_bytes());
        tree.list("queries", &mut |tree| {
            tree.object("", &mut |tree| tree.text("rrname", b"other"));
        });
        tree.list("answers", &mut |tree| {
            for (name, address) in answers {
                tree.object("", &mut |tree| {
                    tree.text("rrname", name.as_bytes());
                    tree.text("rdata", address.as_bytes());
                });
            }
        });
    }
}

#[test]
fn who_answers_for_many_names_poses_as_their_owners_and_who_answers_for_his_own_does_not() {
    let answers = |kind, name: fn(u64) -> String, address, pause: u64| {
        judge((0..20).map(|n| {
            let end = |last, port| {
                Some(Endpoint { addr: std::net::IpAddr::from([10, 0, 0, last]), port })
            };
            let mut record = arp(n * pause, 1, 0, 0, 0);
            (record.context.source, record.context.destination) = (end(66, 5355), end(5, 50_000));
            record.body = Body::Transaction(Box::new(TransactionRecord {
                keeps_certificates: false,
                protocol: "llmnr",
                id: 0,
                direction: crate::net::Direction::ToServer,
                transaction: Box::new(Answer(kind, vec![(name(n), address)])),
            }));
            record
        }))
    };
    let levels = |found: Vec<Found>| found.iter().map(|f| f.finding.level).collect::<Vec<_>>();
    let many = |n| format!("srv{n}.prova.local");
    let found = answers("response", many, "10.0.0.66", 5);
    assert!(
        found[0]
            .finding
            .explain_it
            .contains("«sono io» per 3 nomi diversi in 10 secondi: srv0, srv1"),
        "{}",
        found[0].finding.explain_it
    );
    assert!(found[0].finding.explain_en.contains("for 3 different names in 10 seconds"));
    assert_eq!(levels(found), [Level::High]);
    let proxy = |n: u64| if n < 10 { "WPAD".to_owned() } else { format!("srv{n}") };
    assert_eq!(levels(answers("response", proxy, "10.0.0.66", 5)), [Level::Medium, Level::High]);
    // An address that three machines have in turn.
    assert!(answers("response", |n| format!("pc{n}"), "10.0.0.66", 7200).is_empty());
    // Its own name, written in several ways; names of others with their addresses; questions; a name a
    // week.
    let own = |n: u64| ["PC5", "pc5", "pc5.prova.local"][n as usize % 3].to_owned();
    assert!(answers("response", own, "10.0.0.66", 5).is_empty());
    assert_eq!(
        levels(answers("response", many, "10.0.0.9", 5)),
        [Level::High],
        "to a third machine"
    );
    assert!(answers("request", many, "10.0.0.66", 5).is_empty());
    assert!(answers("response", many, "10.0.0.66", 604_800).is_empty());
}

/// Texts, and lists of objects of texts, or of texts where there is no key.
struct Spoken(Vec<(&'static str, String)>, Vec<(&'static str, &'static str, String)>);

impl field::Fields for Spoken {
    const FIELDS: &'static [field::Field<Self>] = &[];
}

impl field::Describe for Spoken {
    fn describe(&self, tree: &mut dyn field::Tree) {
        let Self(texts, lists) = self;
        texts.iter().for_each(|(key, text)| tree.text(key, text.as_bytes()));
        for (list, key, text) in lists {
            tree.list(list, &mut |tree| match *key {
                "" => tree.text("", text.as_bytes()),
                key => tree.object("", &mut |tree| tree.text(key, text.as_bytes())),
            });
        }
    }
}

/// A message of the machine 10.0.0.5 to the server 10.0.0.1 or back.
fn speak(millis: u64, protocol: &'static str, ports: [u16; 2], spoken: Spoken) -> Record {
    let mut record = arp(0, 1, 0, 0, 0);
    record.timestamp = Timestamp::from_nanos(1_000_000_000_000_000 + millis * 1_000_000);
    let end = |last, port| Some(Endpoint { addr: std::net::IpAddr::from([10, 0, 0, last]), port });
    record.context.source = end(5, ports[0]);
    record.context.destination = end(1, ports[1]);
    record.context.flow_id = Some(7);
    record.body = Body::Transaction(Box::new(TransactionRecord {
        keeps_certificates: false,
        protocol,
        id: 0,
        direction: crate::net::Direction::ToServer,
        transaction: Box::new(spoken),
    }));
    record
}

#[test]
fn machines_that_nobody_has_use_up_the_addresses() {
    let asks = |kind: &'static str, pause: u64, mac: fn(u64) -> String| {
        judge((0..200).map(|n| {
            let texts = vec![("client_mac", mac(n)), ("dhcp_type", kind.to_owned())];
            speak(n * pause, "dhcp", [68, 67], Spoken(texts, Vec::new()))
        }))
    };
    let made_up = |n: u64| format!("{:02x}:{:02x}:17:00:00:{n:02x}", n % 63 * 4, n * 7 % 256);
    let found = asks("discover", 100, made_up);
    let finding = &found[0].finding;
    assert_eq!((found.len(), finding.sid, finding.level), (1, 6, Level::Medium));
    assert!(finding.explain_it.contains("60 macchine hanno cercato"), "{}", finding.explain_it);
    assert!(finding.explain_en.contains("60 machines looked for"), "{}", finding.explain_en);
    // Known ones that renew, a crowd that comes over an hour, PCs of two makers after a power cut.
    assert!(asks("request", 100, made_up).is_empty());
    assert!(asks("discover", 18_000, made_up).is_empty());
    // Telephones on a Wi-Fi, which make up an address each time.
    let telephone = |n: u64| format!("{:02x}:{:02x}:17:00:00:{n:02x}", n % 63 * 4 + 2, n * 7 % 256);
    assert!(asks("discover", 100, telephone).is_empty());
    let of_two = |n: u64| format!("00:1{}:17:00:00:{n:02x}", n % 2);
    assert!(asks("discover", 100, of_two).is_empty());
}

#[test]
fn who_answers_in_the_servers_place_is_told_and_told_again() {
    static DIFFER: field::Event = field::Event { name: "answers_differ", help: "" };
    static OTHER: field::Event = field::Event { name: "z_flag_set", help: "" };
    let answer = |millis| {
        let lists = vec![
            ("queries", "rrname", "banca.example".to_owned()),
            ("answers", "rdata", "10.0.0.66".to_owned()),
        ];
        let mut record = speak(millis, "dns", [40_000, 53], Spoken(Vec::new(), lists));
        if let Body::Transaction(of) = &mut record.body {
            of.direction = crate::net::Direction::ToClient;
        }
        record
    };
    let event = |millis, event| {
        let mut record = answer(millis);
        record.body = Body::Anomaly(Box::new(crate::record::Anomaly {
            kind: "applayer",
            event,
            app_protocol: Some("dns"),
        }));
        record
    };
    let raced = |times: u64, step: u64| {
        judge((0..times).flat_map(|n| [event(n * step, &DIFFER), answer(n * step)]))
    };
    let levels = |found: &[Found]| found.iter().map(|f| f.finding.level).collect::<Vec<_>>();
    let found = raced(9, 1000);
    assert_eq!(levels(&found), [Level::Medium, Level::High]);
    let text = &found[1].finding.explain_it;
    assert!(text.contains("3 domande al server dei nomi 10.0.0.1"), "{text}");
    assert!(text.contains("banca.example") && text.contains("10.0.0.66"), "{text}");
    assert!(found[0].finding.explain_en.contains("1 question to the name server 10.0.0.1"));
    assert_eq!(levels(&raced(3, 7_200_000)), [Level::Medium; 3], "one in two hours");
    assert!(judge([event(0, &OTHER), answer(0), answer(1)]).is_empty());
    // Who guesses is told in words of its own.
    static GUESSED: field::Event = field::Event { name: "identifier_guessed", help: "" };
    let found = judge([event(0, &GUESSED), answer(0), event(1, &DIFFER), answer(1)]);
    assert_eq!(found.iter().map(|f| f.finding.sid).collect::<Vec<_>>(), [10, 7]);
    assert!(found[0].finding.explain_it.contains("con identificativi sbagliati"));
    let mut of_another = answer(1);
    of_another.context.flow_id = Some(8);
    assert!(judge([event(0, &DIFFER), of_another]).is_empty());
}

/// What the server fe80::`last` of DHCPv6 gives client number `client`: an address and a name server.
fn grant(millis: u64, last: u16, client: u64, [address, names]: [&str; 2]) -> Record {
    let texts =
        vec![("type", "reply".to_owned()), ("client_id", format!("00:03:00:01:{client:02x}"))];
    let mut lists = vec![("dns_servers", "", names.to_owned())];
    if !address.is_empty() {
        lists.push(("addresses", "", address.to_owned()));
    }
    let mut record = speak(millis, "dhcpv6", [547, 546], Spoken(texts, lists));
    let server = std::net::Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, last);
    record.context.source = Some(Endpoint { addr: server.into(), port: 547 });
    record
}

#[test]
fn a_server_of_dhcpv6_that_names_itself_and_is_no_router() {
    let levels = |found: &[Found]| found.iter().map(|f| f.finding.level).collect::<Vec<_>>();
    let minutes = |count: u64, given: [&'static str; 2]| {
        (0..count).map(move |n| grant(n * 60_000, 0x66, n / 2, given))
    };
    // An address that is good on the link alone is given by nobody else.
    let found = judge(minutes(3, ["fe80::6582:1", "fe80::66"]));
    assert_eq!(levels(&found), [Level::High]);
    assert!(found[0].finding.explain_it.contains("ha risposto a 1 macchina (DHCPv6)"));
    // With others a router may be about to say that it is one.
    assert!(judge(minutes(29, ["2001:db8::5", "fe80::66"])).is_empty());
    let found = judge(minutes(34, ["2001:db8::5", "fe80::66"]));
    assert_eq!(levels(&found), [Level::Medium]);
    let found = judge(minutes(60, ["", "fe80::66"]));
    assert_eq!(levels(&found), [Level::Medium, Level::High], "without an address, too");
    let text = &found[1].finding.explain_en;
    assert!(
        text.contains("answered 3 machines in 4 minutes") && text.contains("(DHCPv6)"),
        "{text}"
    );
    // A router that says that it is one, as long as it says; a server that names another.
    let says = (0..8).map(|n| announce(n * 600, "fe80::66", "2001:db8:1::"));
    let mut all: Vec<Record> = says.chain(minutes(80, ["2001:db8::5", "fe80::66"])).collect();
    all.sort_by_key(|record| record.timestamp);
    assert!(judge(all).is_empty());
    let gone = std::iter::once(announce(0, "fe80::66", "2001:db8:1::"));
    assert_eq!(judge(gone.chain(minutes(80, ["2001:db8::5", "fe80::66"]))).len(), 2);
    assert!(judge(minutes(80, ["2001:db8::5", "2001:db8::53"])).is_empty());
}

#[test]
fn servers_of_dhcpv6_that_disagree_about_one_machine() {
    let two = |client: [u64; 2], names: [&str; 2]| {
        let [first, second] = names;
        judge([
            grant(0, 1, client[0], ["2001:db8::5", first]),
            grant(10, 2, client[1], ["", second]),
        ])
    };
    let found = two([1, 1], ["2001:db8::53", "2001:db8:bad::53"]);
    assert_eq!((found.len(), found[0].finding.sid, found[0].finding.level), (1, 3, Level::Medium));
    let text = &found[0].finding.explain_it;
    assert!(
        text.contains("ma con server dei nomi 2001:db8:bad::53 invece di 2001:db8::53"),
        "{text}"
    );
    assert!(two([1, 2], ["2001:db8::53", "2001:db8:bad::53"]).is_empty(), "two networks");
    assert!(two([1, 1], ["2001:db8::53", "2001:db8::53"]).is_empty());
}

/// Whoever makes up servers makes no findings without end.
#[test]
fn findings_about_made_up_servers_are_few() {
    let found = judge(
        (0..2000).map(|n| grant(n, n as u16 + 2, 1, ["fe80::5", &format!("fe80::{:x}", n + 2)])),
    );
    // Four of a kind, then the tenth, the hundredth, the thousandth.
    let of = |sid| found.iter().filter(|found| found.finding.sid == sid).count();
    assert_eq!([of(8), of(3)], [7, 7]);
}

/// What the machine 10.0.0.5 answers for by NetBIOS, or registers: name, suffix, whether a group.
struct Bios(&'static str, Vec<(&'static str, &'static str, bool)>);

impl field::Fields for Bios {
    const FIELDS: &'static [field::Field<Self>] = &[];
}

impl field::Describe for Bios {
    fn describe(&self, tree: &mut dyn field::Tree) {
        let Self(opcode, names) = self;
        tree.text("type", if *opcode == "query" { b"response" } else { b"request" });
        tree.text("opcode", opcode.as_bytes());
        tree.list("answers", &mut |tree| {
            for (name, suffix, group) in names {
                tree.object("", &mut |tree| {
                    tree.text("rrname", name.as_bytes());
                    tree.text("suffix", suffix.as_bytes());
                    tree.bool("group", *group);
                    tree.text("rdata", b"10.0.0.5");
                });
            }
        });
    }
}

#[test]
fn names_of_netbios_are_counted_but_for_those_that_machines_share() {
    let said = |opcode: &'static str, names: &[(&'static str, &'static str, bool)]| {
        let of = |(name, at): (&(&'static str, &'static str, bool), u64)| {
            let mut record = speak(at * 1000, "nbns", [137, 137], Spoken(Vec::new(), Vec::new()));
            if let Body::Transaction(transaction) = &mut record.body {
                transaction.transaction = Box::new(Bios(opcode, vec![*name]));
            }
            record
        };
        names.iter().zip(0..).map(of).collect::<Vec<_>>()
    };
    let answers = |names: &[(&'static str, &'static str, bool)]| judge(said("query", names));
    let names = ["SRV-A", "FILE2", "STAMPA", "NAS", "PC9"];
    let found = answers(&names.map(|name| (name, "20", false)));
    assert_eq!(found.iter().map(|f| f.finding.level).collect::<Vec<_>>(), [Level::High]);
    assert!(found[0].finding.title.starts_with("NetBIOS poisoning: 10.0.0.5"));
    assert_eq!(answers(&[("WPAD", "00", false)])[0].finding.level, Level::Medium);
    // A controller, which answers for its domain and as a browser too, and for its one name twice.
    let controller = [
        ("DC1", "00", false),
        ("DC1", "20", false),
        ("COMUNE", "1b", false),
        ("COMUNE", "1c", true),
        ("COMUNE", "00", true),
        ("..__MSBROWSE__.", "01", true),
    ];
    assert!(answers(&controller).is_empty());
    // A server with other names beside its own, which it has told everybody.
    let many = names.map(|name| (name, "20", false));
    assert!(judge(said("registration", &many).into_iter().chain(said("query", &many))).is_empty());
    assert_eq!(answers(&many).len(), 1);
}

/// A redirect of ICMP: from what card, in whose name, to whom, by way of whom, about what.
fn redirect(seconds: u64, card: u8, [from, to, way, about]: [&str; 4]) -> Record {
    let v6 = from.contains(':');
    let mut record = ndp(seconds, (from, to), 137, if v6 { about } else { "::" }, card);
    if let Body::Icmp(message) = &mut record.body {
        if v6 {
            let way: std::net::Ipv6Addr = way.parse().unwrap();
            message.sample = [way.octets(), message.sample[..16].try_into().unwrap()].concat();
        } else {
            let way: std::net::Ipv4Addr = way.parse().unwrap();
            (message.kind, message.code, message.rest) = (5, 1, way.to_bits());
            record.context.protocol = ip_protocol::ICMP;
        }
    }
    record
}

#[test]
fn a_redirect_comes_from_the_routers_card_and_leads_to_another() {
    let there = || (1..=9).map(|n| arp(n.into(), 1, n, n, 1));
    let told = |records: Vec<Record>| {
        let found = judge(there().chain(records));
        found.iter().map(|f| (f.finding.sid, f.finding.level)).collect::<Vec<_>>()
    };
    let (router, host, other) = ("10.0.0.1", "10.0.0.5", "10.0.0.9");
    let forged = [(9, Level::Medium)];
    // In the router's name from another card, however often; in another's to itself.
    let many = (0..50).map(|n| redirect(20 + n, 66, [router, host, "10.0.0.66", "192.0.2.1"]));
    assert_eq!(told(many.collect()), forged);
    let itself = redirect(20, 9, ["10.0.0.8", host, other, "192.0.2.1"]);
    assert_eq!(told(vec![itself]), forged);
    // The router knows a better way; one that is not of this link; one that nobody knows.
    assert_eq!(told(vec![redirect(20, 1, [router, host, other, "192.0.2.1"])]), []);
    assert_eq!(told(vec![redirect(20, 1, ["198.51.100.1", host, "198.51.100.2", host])]), []);
    // After somebody else has claimed the router's address nobody knows who it is.
    let claim = arp(15, 2, 66, 1, 1);
    assert_eq!(told(vec![claim, redirect(20, 1, [router, host, other, "192.0.2.1"])]), []);
    // From beyond the router, which hands it on.
    assert_eq!(told(vec![redirect(20, 1, ["198.51.100.9", host, router, "192.0.2.1"])]), []);
    let mut far = redirect(20, 66, ["fe80::1", ALL, "fe80::66", "2001:db8::1"]);
    if let Body::Icmp(message) = &mut far.body {
        message.hops = 50;
    }
    assert_eq!(told(vec![far]), []);
    // Of IPv6 too; nobody says so to all at once.
    let link = || ndp(10, ("fe80::1", ALL), 136, "fe80::1", 1);
    let of = |card, to| redirect(20, card, ["fe80::1", to, "fe80::66", "2001:db8::1"]);
    assert_eq!(told(vec![link(), of(66, "fe80::5")]), forged);
    assert_eq!(told(vec![link(), of(1, "fe80::5")]), []);
    assert_eq!(told(vec![of(66, ALL)]), forged);
    let found = judge(there().chain([redirect(20, 66, [router, host, other, "192.0.2.1"])]));
    let text = &found[0].finding.explain_it;
    assert!(text.contains("a nome di 10.0.0.1") && text.contains("02:00:00:00:00:42"), "{text}");
    // Many cards that nobody has make no findings without end.
    let flood = (0..250).map(|n| redirect(20, n, [router, host, "10.0.0.66", "192.0.2.1"]));
    assert_eq!(told(flood.collect()), [(9, Level::Medium); 6]);
}

#[test]
fn who_says_in_a_routers_name_that_it_is_none() {
    let resigns = |card: u8| {
        let mut record = announce(60, "fe80::1", "2001:db8:1::");
        if let Body::Icmp(message) = &mut record.body {
            (message.rest, message.frame_source) = (0, Some([2, 0, 0, 0, 0, card]));
        }
        record
    };
    // The card of `announce`.
    let card = 1;
    let says = || announce(0, "fe80::1", "2001:db8:1::");
    let found = judge([says(), resigns(66)]);
    let told: Vec<_> = found.iter().map(|f| (f.finding.sid, f.finding.level)).collect();
    assert_eq!(told, [(9, Level::Medium)]);
    assert!(found[0].finding.explain_en.contains("no way out any more"));
    assert!(judge([says(), resigns(card)]).is_empty());
    // From the same card, but the router goes on; one that stops says so some times.
    let in_turn = |times: u64, pause: u64| {
        (0..times).flat_map(move |n| {
            let mut resigns = resigns(1);
            let says = announce(n * pause, "fe80::1", "2001:db8:1::");
            resigns.timestamp = says.timestamp;
            [says, resigns]
        })
    };
    assert_eq!(judge(in_turn(8, 2)).iter().map(|f| f.finding.sid).collect::<Vec<_>>(), [9]);
    let flaps = (0..20).flat_map(|n| {
        let mut resigns = resigns(1);
        resigns.timestamp = announce(n * 25 + 12, "fe80::1", "2001:db8:1::").timestamp;
        [announce(n * 25, "fe80::1", "2001:db8:1::"), resigns]
    });
    assert!(judge(flaps).is_empty(), "its line comes and goes");
    let stops = (0..8).map(|_| resigns(1));
    assert!(judge(std::iter::once(announce(0, "fe80::1", "2001:db8:1::")).chain(stops)).is_empty());
    // One that never was one: it is not there for that.
    assert!(judge([ndp(0, ("fe80::1", ALL), 136, "fe80::1", card), resigns(66)]).is_empty());
}

#[test]
fn machines_that_nobody_has_ask_for_addresses_of_ipv6_too() {
    let asks = |count: u64, served: bool, name: fn(u64) -> String| {
        let server = served.then(|| grant(0, 9, 1, ["2001:db8::5", "2001:db8::53"]));
        judge(server.into_iter().chain((0..count).map(|n| {
            let texts = vec![("type", "solicit".to_owned()), ("client_id", name(n))];
            speak(n * 100 + 1, "dhcpv6", [546, 547], Spoken(texts, Vec::new()))
        })))
    };
    let card = |n: u64| format!("00:01:00:01:2c:00:11:22:{:02x}:00:{:02x}:00:00:01", n * 4, n);
    let found = asks(60, true, card);
    assert_eq!(found.iter().map(|f| f.finding.sid).collect::<Vec<_>>(), [6]);
    assert!(asks(60, false, card).is_empty(), "where there is no server all ask for ever");
    // Of one maker, after a power cut; of telephones; named by something else than a card.
    let of_one = |n| format!("00:03:00:01:00:11:22:00:{:02x}:{:02x}", n >> 8, n & 255);
    assert!(asks(60, true, of_one).is_empty() && asks(400, true, of_one).len() == 1);
    let telephone = |n| format!("00:03:00:01:{:02x}:11:22:00:00:01", (n * 4) | 2);
    assert!(asks(60, true, telephone).is_empty());
    let uuid = |n| format!("00:04:{:02x}:{:02x}:{}", n >> 8, n & 255, "00:".repeat(14));
    assert!(asks(600, true, uuid).is_empty() && asks(600, true, |_| String::new()).is_empty());
}

#[test]
fn machines_that_come_back_take_their_address() {
    let boots = |takes: bool| {
        judge((0..400u64).flat_map(|n| {
            let mac = format!("00:11:22:00:{:02x}:{:02x}", n >> 8, n & 255);
            let says = |kind: &str, more| {
                let texts = vec![("dhcp_type", kind.to_owned()), ("client_mac", mac.clone())];
                speak(n * 50 + more, "dhcp", [68, 67], Spoken(texts, Vec::new()))
            };
            let request = takes.then(|| says("request", 1));
            std::iter::once(says("discover", 0)).chain(request).collect::<Vec<_>>()
        }))
    };
    assert!(boots(true).is_empty());
    assert_eq!(boots(false).len(), 1);
}
