#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
use super::*;
use crate::net::{AddressSet, Endpoint, ip_protocol};
use crate::record::{
    Body, Context, FlowCounters, FlowRecord, Level, Outcome as Contact, TcpRecord,
};

/// A flow of some bytes each way to a port, with its application protocol.
pub fn flow(
    source: [u8; 4],
    server: [u8; 4],
    port: u16,
    at: u64,
    app: &'static str,
    bytes: u64,
) -> Record {
    let end = |addr: [u8; 4], port| Some(Endpoint { addr: IpAddr::from(addr), port });
    let (start, end_at) = (Timestamp::new(at, 0), Timestamp::new(at + 1, 0));
    let counters =
        FlowCounters { packets: [10, 10], bytes: [bytes + 660, bytes + 660], start, end: end_at };
    let flow = FlowRecord {
        counters,
        state: "closed",
        reason: "timeout",
        alerted: false,
        app_protocol: Some(app),
        transactions: 0,
        tcp: Some(TcpRecord::default()),
        icmp_response: None,
        outcome: Contact::Answered,
        texts: crate::record::Texts::default(),
    };
    Record {
        sequence: 1,
        tie: 0,
        timestamp: end_at,
        context: Context {
            flow_id: Some(at),
            source: end(source, 40_000),
            destination: end(server, port),
            protocol: ip_protocol::TCP,
            ip_version: 4,
            vlan: [0; 3],
            icmp: None,
        },
        body: Body::Flow(Box::new(flow)),
    }
}

fn site() -> Site {
    let home = AddressSet::network(IpAddr::from([10, 0, 0, 0]), 8);
    Site { home, ..Site::default() }
}

fn fresh() -> Bruteforce {
    Bruteforce::new(&site(), &Tuning::default())
}

/// Shows a record as it is shown to all.
fn show(detector: &mut Bruteforce, known: &mut Known, record: &Record, found: &mut Vec<Found>) {
    known.record(record);
    detector.record(record, known, found);
}

fn judge(records: impl IntoIterator<Item = Record>) -> Vec<Found> {
    let (mut detector, mut known, mut found) = (fresh(), Known::new(&site()), Vec::new());
    for record in records {
        show(&mut detector, &mut known, &record, &mut found);
    }
    found
}

const OUT: [u8; 4] = [198, 51, 100, 9];
const IN: [u8; 4] = [10, 0, 0, 5];

#[test]
fn short_ssh_connections_on_any_port_are_told_once_and_a_long_one_after_is_high() {
    let mut records: Vec<_> = (0..60).map(|n| flow(OUT, IN, 902, 1000 + n, "ssh", 1900)).collect();
    let found = judge(records.drain(..));
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].finding.sid, found[0].finding.level), (1, Level::Medium));
    assert!(found[0].finding.explain_it.contains("11 accessi falliti a 10.0.0.5 (SSH, porta 902)"));
    assert!(found[0].finding.explain_en.contains("11 failed attempts to log on at 10.0.0.5"));

    let mut records: Vec<_> = (0..60).map(|n| flow(OUT, IN, 22, 1000 + n, "ssh", 1900)).collect();
    records.push(flow(OUT, IN, 22, 1100, "ssh", 90_000));
    let found = judge(records);
    let told: Vec<_> = found.iter().map(|f| (f.finding.sid, f.finding.level)).collect();
    assert_eq!(told, [(1, Level::Medium), (2, Level::High)]);
}

#[test]
fn who_only_looks_whether_a_server_is_there_guesses_nothing() {
    let shape = |record: Record, packets: [u64; 2], bytes: [u64; 2]| {
        let Body::Flow(mut flow) = record.body else { return record };
        (flow.counters.packets, flow.counters.bytes) = (packets, bytes);
        Record { body: Body::Flow(flow), ..record }
    };
    let check = |n: u64| shape(flow(OUT, IN, 22, n, "ssh", 0), [5, 4], [5 * 66, 4 * 66 + 41]);
    assert!(judge((0..200).map(check)).is_empty());
    // The same to a mail server; and one that tries a password each time, without time stamps.
    let check = |n: u64| shape(flow(OUT, IN, 587, n, "smtp", 0), [5, 4], [5 * 54, 4 * 54 + 90]);
    assert!(judge((0..200).map(check)).is_empty());
    let tries = |n: u64| shape(flow(OUT, IN, 587, n, "smtp", 0), [11, 9], [641, 591]);
    assert_eq!(judge((0..60).map(tries)).len(), 1);
}

#[test]
fn flows_that_are_told_of_late_and_together_count_when_they_were() {
    // A poll each five minutes, of which dozens are told of at once.
    let late = |n: u64| {
        let record = flow(IN, [10, 0, 0, 6], 993, n * 300, "tls", 2000);
        Record { timestamp: Timestamp::new(100_000 + n / 50 * 15_000, 0), ..record }
    };
    assert!(judge((0..200).map(late)).is_empty());
    let fast = |n: u64| Record {
        timestamp: Timestamp::new(100_000, 0),
        ..flow(OUT, IN, 22, n, "ssh", 1900)
    };
    let found = judge((0..60).map(fast));
    assert_eq!(found.len(), 1);
    assert!(
        found[0].finding.explain_en.contains("in 10 seconds"),
        "{}",
        found[0].finding.explain_en
    );
}

#[test]
fn work_over_ssh_a_check_every_two_minutes_and_a_database_within_are_left_alone() {
    assert!(judge((0..200).map(|n| flow(IN, IN, 22, n * 10, "ssh", 40_000))).is_empty());
    assert!(judge((0..200).map(|n| flow(IN, IN, 22, n * 120, "ssh", 1900))).is_empty());
    assert!(judge((0..200).map(|n| flow(IN, [10, 0, 0, 6], 3306, n, "failed", 200))).is_empty());
    assert!(!judge((0..200).map(|n| flow(OUT, IN, 3306, n, "failed", 200))).is_empty());
    // An attempt here and there, then work: somebody mistyped.
    let mut records: Vec<_> = (0..5).map(|n| flow(OUT, IN, 22, n * 5, "ssh", 1900)).collect();
    records.push(flow(OUT, IN, 22, 30, "ssh", 90_000));
    assert!(judge(records).is_empty());
}

#[test]
fn an_attack_on_netlogon_is_told_in_its_own_words() {
    let (mut detector, known) = (fresh(), Known::default());
    let record = |n| flow([10, 0, 0, 9], IN, 49_670, n, "dcerpc", 1900);
    let service = Service::Netlogon;
    let mut attempt = |n, result| {
        let failures = u32::from(result != Outcome::Succeeded);
        let attempt = Attempt { service, result, failures, account: 0, secret: 0, place: 0 };
        let mut found = Vec::new();
        detector.attempt(&record(n), attempt, &known, &mut found);
        found.pop().map(|found| found.finding)
    };
    let tried: Vec<_> = (0..20).filter_map(|n| attempt(1000 + n, Outcome::Failed)).collect();
    let taken = attempt(1030, Outcome::Succeeded).unwrap();
    assert_eq!((tried.len(), tried[0].level, taken.level), (1, Level::High, Level::Critical));
    assert!(tried[0].explain_it.contains("ha chiesto 11 autenticazioni Netlogon a 10.0.0.5"));
    assert!(
        tried[0].explain_en.contains("10.0.0.9 asked 10.0.0.5 for 11 Netlogon authentications")
    );
    assert!(taken.explain_it.contains("ha impostato una nuova password di macchina"));
    assert!(taken.explain_en.contains("it set a new machine password"));
    for finding in [&tried[0], &taken] {
        let all = [&finding.title, &finding.explain_it, &finding.explain_en];
        assert!(all.iter().all(|text| !text.contains("guess") && !text.contains("indovinat")));
    }
}

#[test]
fn saved_and_loaded_in_the_middle_it_finds_the_same_and_it_is_bounded() {
    let (mut first, mut second, mut known) = (fresh(), fresh(), Known::new(&site()));
    let mut found = Vec::new();
    for n in 0..15 {
        show(&mut first, &mut known, &flow(OUT, IN, 22, n, "ssh", 1900), &mut found);
    }
    second.load(&first.save()).unwrap();
    for n in 15..30 {
        show(&mut second, &mut known, &flow(OUT, IN, 22, n, "ssh", 1900), &mut found);
    }
    assert_eq!(found.len(), 1);
    for n in 0..100_000u32 {
        let source = n.wrapping_mul(2_654_435_761).to_be_bytes();
        show(&mut second, &mut known, &flow(source, IN, 22, 100, "ssh", 1900), &mut found);
    }
    assert!(second.pairs.len() <= PAIRS_MAX && second.memory() < 2_600_000);
    // Many servers, at each of which many accounts and passwords are tried by one.
    let mut worst = fresh();
    for n in 0..600_000u64 {
        let server = [10, 0, (n / 256 % 40) as u8, n as u8];
        let attempt = Attempt {
            service: Service::Ftp,
            result: Outcome::Failed,
            failures: 1,
            account: n / 10_000 + 1,
            secret: (n / 10_000 + 1) as u16,
            place: 0,
        };
        worst.attempt(&flow(OUT, server, 21, 100, "ftp", 500), attempt, &known, &mut found);
    }
    assert!(worst.pairs.len() == PAIRS_MAX && worst.memory() < 16 << 20, "{}", worst.memory());
}

/// A transaction from outside that says this.
fn spoke(protocol: &'static str, said: &[(&'static str, &str)], at: u64) -> Record {
    use super::super::beacon::tests::Spoke;
    let said = said.iter().map(|(name, value)| (*name, &*value.to_string().leak()));
    let of = crate::record::TransactionRecord {
        keeps_certificates: false,
        protocol,
        id: 0,
        direction: crate::net::Direction::ToServer,
        transaction: Box::new(Spoke(said.collect())),
    };
    Record { body: Body::Transaction(Box::new(of)), ..flow(OUT, IN, 80, at, protocol, 500) }
}

/// What is found in them.
fn heard(records: impl IntoIterator<Item = Record>) -> Vec<Found> {
    let known = Known::new(&super::super::beacon::tests::site());
    let (mut detector, mut known, mut found) = (fresh(), known, Vec::new());
    for record in records {
        show(&mut detector, &mut known, &record, &mut found);
    }
    found
}

#[test]
fn of_pages_the_answers_tell_and_a_renewal_is_no_attempt() {
    let judge = |method, uri, status, location| {
        let said = [
            ("http.method", method),
            ("http.uri", uri),
            ("http.stat_code", status),
            ("http.location", location),
        ];
        heard((0..60).map(|n| spoke("http", &said, n))).len()
    };
    for (method, uri, status, location, told) in [
        ("POST", "/login", "200", "", 1),
        ("POST", "/accedi", "200", "", 1),
        ("POST", "/login", "302", "/login?again", 1),
        ("POST", "/login", "302", "/?errore=1", 1),
        ("POST", "/login", "302", "/?msg=1", 1),
        ("POST", "/login;refresh", "200", "", 1),
        ("POST", "/renewals/login", "200", "", 1),
        ("POST", "/wsman", "401", "", 0),
        ("POST", "/servizi/accesso-civico/salva", "200", "", 0),
        ("POST", "/login", "302", "/home", 0),
        ("POST", "/api/auth/refresh", "200", "", 0),
        ("GET", "/api/session", "401", "", 0),
        ("POST", "/api/session", "200", "", 0),
    ] {
        assert_eq!(
            judge(method, uri, status, location),
            told,
            "{method} {uri} {status} {location}"
        );
    }
}

#[test]
fn of_one_from_outside_a_burst_at_ssh_is_enough_and_one_within_may_be_a_script() {
    let burst = |from, n: u64, pause| flow(from, IN, 22, n * pause, "ssh", 1900);
    let found = judge((0..16).map(|n| burst(OUT, n, 2)));
    assert_eq!(found.len(), 1);
    assert!(found[0].finding.explain_en.contains("the threshold is 9 in 60 seconds"));
    assert!(judge((0..8).map(|n| burst(OUT, n, 2))).is_empty());
    assert!(judge((0..12).map(|n| burst(OUT, n, 8))).is_empty());
    // A script that logs on each 20 seconds all day; one that does so each second; and from outside.
    assert!(judge((0..2000).map(|n| burst([10, 0, 0, 9], n, 20))).is_empty());
    assert!(!judge((0..60).map(|n| burst([10, 0, 0, 9], n, 1))).is_empty());
    assert!(!judge((0..2000).map(|n| burst(OUT, n, 20))).is_empty());
    // One of ours that guesses elsewhere.
    let abroad = |n: u64| flow([10, 0, 0, 9], OUT, 22, n * 20, "ssh", 1900);
    assert!(!judge((0..2000).map(abroad)).is_empty());
}

#[test]
fn many_hosts_that_each_guess_a_little_are_told_together() {
    let from = |n: u64| [198, 51, (n / 200) as u8, (n % 200) as u8];
    let guess = |n: u64| flow(from(n / 2), IN, 22, 1000 + n * 20, "ssh", 1900);
    let found = judge((0..600).map(guess));
    let told: Vec<_> = found.iter().map(|found| found.finding.sid).collect();
    assert_eq!(told, [3, 3]);
    let finding = &found[0].finding;
    assert_eq!((finding.level, finding.hosts), (Level::Medium, [26, 1]));
    assert!(finding.explain_it.contains("26 macchine esterne hanno fallito l'accesso a 10.0.0.5"));
    assert!(finding.explain_en.contains("26 hosts from outside failed to log on at 10.0.0.5"));
    // Those who got in before are known, whatever fails for them then; it is remembered over a restart.
    let before = (0..40).map(|n| flow(from(n), IN, 22, n * 5, "ssh", 90_000));
    let then = (0..40).map(|n| flow(from(n), IN, 22, 90_000 + n * 5, "ssh", 1900));
    assert!(judge(before.chain(then)).is_empty());
    // Those who get in after all only mistyped; ours are known; a host a quarter of an hour is noise.
    let mistyped = (0..600).map(|n| {
        let bytes = if n % 2 == 0 { 1900 } else { 90_000 };
        flow(from(n / 2), IN, 22, 1000 + n * 20, "ssh", bytes)
    });
    assert!(judge(mistyped).is_empty());
    let ours = |n: u64| flow([10, 1, 0, (n / 2) as u8], IN, 22, 1000 + n * 20, "ssh", 1900);
    assert!(judge((0..400).map(ours)).is_empty());
    assert!(judge((0..400).map(|n| flow(from(n), IN, 22, n * 900, "ssh", 1900))).is_empty());
    // Pages and mail are visited by many.
    assert!(judge((0..400).map(|n| flow(from(n), IN, 993, n * 5, "tls", 2000))).is_empty());
}

#[test]
fn several_passwords_of_one_connection_count_each() {
    let (mut detector, known, mut found) = (fresh(), Known::default(), Vec::new());
    let record = |n| flow(OUT, IN, 25, n, "smtp", 1900);
    let service = Service::Smtp;
    let mut tried = |n, failures, result| {
        let attempt = Attempt { service, result, failures, account: 0, secret: 0, place: 0 };
        detector.attempt(&record(n), attempt, &known, &mut found);
    };
    (0..4).for_each(|n| tried(n, 4, Outcome::Failed));
    // The last is right.
    tried(5, 6, Outcome::Succeeded);
    let told: Vec<_> = found.iter().map(|f| (f.finding.sid, f.finding.level)).collect();
    assert_eq!(told, [(1, Level::Medium), (2, Level::High)]);
    assert!(found[0].finding.explain_en.contains("22 failed attempts"));
}

#[test]
fn the_same_password_again_and_again_is_an_old_one_that_was_saved() {
    let tries = |word: fn(u64) -> String| {
        heard((0..200).flat_map(|n| {
            [("USER", "anna".to_owned(), "331"), ("PASS", word(n), "530")].map(
                |(command, argument, code)| {
                    let said = [
                        ("ftp.command", command),
                        ("ftp.command_data", &argument),
                        ("ftp.completion_code", code),
                    ];
                    spoke("ftp", &said, n * 2)
                },
            )
        }))
    };
    assert!(tries(|_| "Primavera1".to_owned()).is_empty());
    assert!(tries(|n| format!("Primavera{}", n % 3)).is_empty());
    assert_eq!(tries(|n| format!("Primavera{n}")).len(), 1);
}

#[test]
fn credentials_of_http_are_told_apart_by_what_follows_their_scheme() {
    let tries = |header: fn(u64) -> String| {
        let told = heard((0..100).map(|n| {
            let said = [
                ("http.method", "GET"),
                ("http.uri", "/sala"),
                ("http.stat_code", "401"),
                ("http.header", &header(n)),
            ];
            spoke("http", &said, n)
        }));
        told.len()
    };
    // Whose answer says that it was too old and not wrong.
    let stale = |answer: &'static str| {
        let told = heard((0..100).map(|n| {
            let said = [
                ("http.method", "GET"),
                ("http.uri", "/sala"),
                ("http.stat_code", "401"),
                ("http.header", "Authorization: Digest username=\"a\"\r\n"),
                ("http.response_header", answer),
            ];
            spoke("http", &said, n)
        }));
        told.len()
    };
    let [old, wrong] = [
        "WWW-Authenticate: Digest nonce=\"1\", stale=true",
        "WWW-Authenticate: Digest nonce=\"1\"",
    ];
    assert_eq!([stale(old), stale(wrong)], [0, 1]);
    let same = |n| format!("Authorization: Basic YW5uYTp4\r\nX-Number: {n}\r\n");
    assert_eq!(tries(same), 0);
    assert_eq!(tries(|n| format!("Host: a\r\nAuthorization: Basic YW5uYTp4{n}\r\n")), 1);
}

#[test]
fn a_password_in_a_body_that_is_refused_is_a_guess_and_the_same_one_again_is_none() {
    let tries = |uri, status, body: fn(u64) -> String| {
        let told = heard((0..100).map(|n| {
            let said = [
                ("http.method", "POST"),
                ("http.uri", uri),
                ("http.stat_code", status),
                ("http.request_body", &body(n)),
            ];
            spoke("http", &said, n)
        }));
        told.len()
    };
    let guess = |n| format!("{{\"user\":\"anna\",\"password\":\"{n}\"}}");
    let saved = |n| format!("state={n}&user=anna&pwd=x");
    assert_eq!([tries("/api/session", "401", guess), tries("/api/session", "401", saved)], [1, 0]);
    assert_eq!([tries("/login", "200", guess), tries("/login", "200", saved)], [1, 0]);
    // What is refused without a password: a session that is over.
    assert_eq!(tries("/api/state", "401", |n| format!("{{\"n\":{n}}}")), 0);
    assert_eq!(tries("/api/session", "200", guess), 0);
}

#[test]
fn different_passwords_are_told_however_slowly_they_come() {
    let tries = |pause: u64, word: fn(u64) -> String| {
        heard((0..100).map(|n| {
            let said = [
                ("ftp.command", "PASS"),
                ("ftp.command_data", &*word(n)),
                ("ftp.completion_code", "530"),
            ];
            spoke("ftp", &said, 1_000_000 + n * pause)
        }))
    };
    let found = tries(300, |n| n.to_string());
    let told: Vec<_> = found.iter().map(|f| (f.finding.sid, f.finding.level)).collect();
    assert_eq!(told, [(1, Level::Medium)]);
    let text = &found[0].finding.explain_en;
    assert!(text.contains("40 failed attempts to log on"), "{text}");
    assert!(text.contains("in 3 hours") && text.contains("the threshold is 40 in 24 hours"));
    // A fast one is told as such alone, though more comes slowly.
    let fast = (0..100).map(|n| if n < 50 { 1_000_000 + n } else { 1_000_000 + n * 300 });
    let fast = heard(fast.enumerate().map(|(n, at)| {
        let said = [
            ("ftp.command", "PASS"),
            ("ftp.command_data", &*n.to_string()),
            ("ftp.completion_code", "530"),
        ];
        spoke("ftp", &said, at)
    }));
    assert_eq!(fast.len(), 1);
    // Who gets in soon after a slow attack had the right one among them.
    let slow = (0..60).map(|n| {
        let said = [
            ("ftp.command", "PASS"),
            ("ftp.command_data", &*n.to_string()),
            ("ftp.completion_code", if n == 59 { "230" } else { "530" }),
        ];
        spoke("ftp", &said, 1_000_000 + n * 300)
    });
    let told: Vec<_> = heard(slow).iter().map(|f| (f.finding.sid, f.finding.level)).collect();
    assert_eq!(told, [(1, Level::Medium), (2, Level::High)]);
    // A list that is gone through again.
    let again = (0..120).map(|n| {
        let said = [
            ("ftp.command", "PASS"),
            ("ftp.command_data", &*(n % 60).to_string()),
            ("ftp.completion_code", if n == 119 { "230" } else { "530" }),
        ];
        spoke("ftp", &said, 1_000_000 + n + n / 60 * 7200)
    });
    let told: Vec<_> = heard(again).iter().map(|f| (f.finding.sid, f.finding.level)).collect();
    assert_eq!(told, [(1, Level::Medium), (1, Level::Medium), (2, Level::High)]);
    // Too few in a day; and one who has three passwords.
    assert!(tries(2400, |n| n.to_string()).is_empty());
    assert!(tries(300, |n| (n % 3).to_string()).is_empty());
}

/// A telephone that registers: its request, with what it proves, and the answer to it.
fn registers(n: u64, user: &str, proves: &str, [code, asks]: [&str; 2]) -> [Record; 2] {
    let (call, number) = (format!("{n}@192.0.2.1"), format!("{n:04} REGISTER"));
    let to = format!("<sip:{user}@example.org>;tag={n}");
    let mut request = vec![("sip.call_id", &*call), ("sip.cseq", &*number), ("sip.to", &*to)];
    // The number may be printed anew.
    let short = format!("{n} REGISTER");
    let mut answer = vec![("sip.call_id", &*call), ("sip.cseq", &*short), ("sip.stat_code", code)];
    let proof =
        format!("Digest username=\"{user}\", cnonce=\"7\", nonce=\"{proves}\", response=\"0\"");
    if !proves.is_empty() {
        request.push(("sip.authorization", &*proof));
    }
    let challenge = format!("Digest realm=\"pbx\", {asks}");
    if !asks.is_empty() {
        answer.push(("sip.authenticate", &*challenge));
    }
    let mut answered = spoke("sip", &answer, n);
    if let Body::Transaction(of) = &mut answered.body {
        of.direction = crate::net::Direction::ToClient;
    }
    [spoke("sip", &request, n), answered]
}

#[test]
fn of_telephones_a_refusal_counts_when_it_is_of_what_was_asked_for_last() {
    let sids = |records: Vec<Record>| {
        heard(records).iter().map(|f| (f.finding.sid, f.finding.level)).collect::<Vec<_>>()
    };
    let asks = |n: u64| format!("nonce=\"{n}\"");
    // Each wrong proof is of the challenge before.
    let wrong = |many: u64, code: &'static str| -> Vec<Record> {
        let first = registers(1, "100", "", ["401", &asks(1)]);
        let tries =
            (2..many).flat_map(|n| registers(n, "100", &(n - 1).to_string(), [code, &asks(n)]));
        first.into_iter().chain(tries).collect()
    };
    assert_eq!(sids(wrong(60, "401")), [(1, Level::Medium)]);
    let found = heard(wrong(60, "403"));
    assert!(found[0].finding.explain_en.contains("SIP"), "{}", found[0].finding.explain_en);
    // The right one after wrong ones.
    let right = wrong(30, "401").into_iter().chain(registers(30, "100", "29", ["200", ""]));
    assert_eq!(sids(right.collect()), [(1, Level::Medium), (2, Level::High)]);
    // Telephones behind one address that prove what was accepted before, until it is too old.
    let renew = (0..60u64).flat_map(|n| {
        let user = (100 + n % 10).to_string();
        let before = n.saturating_sub(10).to_string();
        let old = registers(n * 3 + 1, &user, &before, ["401", &asks(n)]);
        old.into_iter().chain(registers(n * 3 + 2, &user, &n.to_string(), ["200", ""]))
    });
    assert_eq!(sids(renew.collect()), []);
    // Each begins so; what is too old and said to be; an error; who may not come at all.
    for (proves, code, asked) in [
        ("", "401", "nonce=\"7\""),
        ("7", "401", "nonce=\"7\", stale=\"TRUE\""),
        ("7", "503", ""),
        ("", "403", ""),
    ] {
        let many = (0..60).flat_map(|n| registers(n, "100", proves, [code, asked]));
        assert_eq!(sids(many.collect()), [], "{proves} {code} {asked}");
    }
    // A telephone with an old password, and one that is not there any more, twice a minute all day.
    let old = (1..2000u64).flat_map(|n| {
        let [mut request, mut answer] =
            registers(n, "100", &(n - 1).to_string(), ["401", &asks(n)]);
        (request.timestamp, answer.timestamp) =
            (Timestamp::new(n * 30, 0), Timestamp::new(n * 30, 0));
        [request, answer]
    });
    assert_eq!(sids(old.collect()), []);
    // Other requests, and answers whose request was not seen.
    let watch = (0..60).map(|n| {
        let number = format!("{n} SUBSCRIBE");
        spoke("sip", &[("sip.cseq", &*number), ("sip.stat_code", "403")], n)
    });
    assert_eq!(sids(watch.collect()), []);
    let answers = (0..60).map(|n| registers(n, "100", "", ["404", ""])).map(|[_, answer]| answer);
    assert_eq!(sids(answers.collect()), []);
    let elsewhere = (0..60).flat_map(|n| {
        let [request, mut answer] = registers(n, "100", "", ["404", ""]);
        if let Body::Transaction(of) = &mut answer.body {
            of.direction = crate::net::Direction::ToServer;
        }
        std::mem::swap(&mut answer.context.source, &mut answer.context.destination);
        [request, answer]
    });
    assert_eq!(sids(elsewhere.collect()), []);
    // One that is not there, asked for again and again.
    assert_eq!(sids((0..60).flat_map(|n| registers(n, "9", "", ["404", ""])).collect()).len(), 1);
}

#[test]
fn communities_of_snmp_are_guessed_when_they_are_many() {
    let asks = |count: u64, community: fn(u64) -> String, answered: bool| {
        heard((0..count).flat_map(|n| {
            let name = community(n);
            let said = |kind| [("snmp.pdu_type", kind), ("snmp.community", &*name)];
            let answer = answered.then(|| spoke("snmp", &said("2"), n * 10));
            std::iter::once(spoke("snmp", &said("1"), n * 10)).chain(answer).collect::<Vec<_>>()
        }))
    };
    let found = asks(50, |n| format!("word{n}"), false);
    assert_eq!(found.iter().map(|f| f.finding.sid).collect::<Vec<_>>(), [1]);
    assert!(found[0].finding.explain_en.contains("SNMP"));
    // Who manages devices, some of which are off; one that knows five; networks of a switch.
    assert!(asks(2000, |_| "public".to_owned(), false).is_empty());
    assert!(asks(2000, |n| format!("word{}", n % 5), true).is_empty());
    assert!(asks(2000, |n| format!("word{}", n % 5), false).is_empty());
    assert!(asks(200, |n| format!("public@{n}"), true).is_empty());
    assert!(asks(200, |_| String::new(), false).is_empty());
}

#[test]
fn passwords_of_a_broker_are_told_and_a_device_with_an_old_one_is_not() {
    let tries = |code: &str, word: fn(u64) -> String| {
        heard((0..60).map(|n| {
            let said = [
                ("mqtt.reason_code", code),
                ("mqtt.connect.username", "anna"),
                ("mqtt.connect.password", &*word(n)),
            ];
            spoke("mqtt", &said, n)
        }))
        .len()
    };
    let different = |n: u64| format!("word{n}");
    assert_eq!([tries("5", different), tries("134", different)], [1, 1]);
    assert_eq!([tries("0", different), tries("3", different)], [0, 0]);
    assert_eq!(tries("5", |_| "old".to_owned()), 0);
    // A token is a name without a password; a gateway stands for many devices.
    let devices = |many: u64, name: &'static str| {
        heard((0..60).map(|n| {
            let user = format!("{name}{}", n % many);
            spoke("mqtt", &[("mqtt.reason_code", "5"), ("mqtt.connect.username", &*user)], n)
        }))
    };
    assert!(devices(1, "token").is_empty() && devices(15, "meter").is_empty());
}

#[test]
fn a_database_within_the_house_says_itself_whom_it_refuses() {
    let tries = |code: &str| {
        heard(
            (0..60)
                .map(|n| spoke("mysql", &[("mysql.error_code", code), ("mysql.user", "root")], n)),
        )
        .len()
    };
    assert_eq!([tries("1045"), tries("1698")], [1, 1]);
    assert_eq!([tries("0"), tries("1040")], [0, 0]);
}
