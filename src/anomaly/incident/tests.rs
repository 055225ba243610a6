#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::sync::Arc;

use super::case::Case;
use super::*;
use crate::anomaly::DETECTORS;
use crate::net::{AddressSet, Endpoint};
use crate::record::Incident;

/// 11 March 2025, 10:00 UTC.
const START: u64 = 1_741_687_200;
const MINUTE: u64 = 60;
const HOUR: u64 = 3600;
const OUTSIDE: [u8; 4] = [203, 0, 113, 9];

struct Desk {
    incidents: Incidents,
    known: Known,
    told: Vec<(Context, Body)>,
}

fn site() -> Site {
    Site { home: AddressSet::network([10, 0, 0, 0].into(), 8), ..Site::default() }
}

impl Desk {
    fn new() -> Self {
        Self::with(&Settings::default())
    }

    fn with(settings: &Settings) -> Self {
        let incidents = Incidents::new(&site(), settings);
        Self { incidents, known: Known::default(), told: Vec::new() }
    }

    /// A finding so many seconds after the start.
    fn find(&mut self, second: u64, what: &What, from: [u8; 4], to: [u8; 4]) -> &mut Self {
        let at = Timestamp::new(START + second, 0);
        self.incidents.tick(at, &self.known, &mut self.told);
        let context = context(from, to, second);
        let finding = what.finding(second);
        self.incidents.finding(at, &context, &finding, &self.known, &mut self.told);
        self
    }

    fn alert(&mut self, second: u64, alert: &Alert, from: [u8; 4], to: [u8; 4]) -> &mut Self {
        let at = Timestamp::new(START + second, 0);
        let context = context(from, to, second);
        self.incidents.alert(at, &context, alert, &self.known, &mut self.told);
        self
    }

    fn tick(&mut self, second: u64) -> &mut Self {
        self.incidents.tick(Timestamp::new(START + second, 0), &self.known, &mut self.told);
        self
    }

    fn incidents(&self) -> Vec<&Incident> {
        fn of(body: &Body) -> &Incident {
            match body {
                Body::Incident(incident) => incident,
                _ => unreachable!("nothing else is told"),
            }
        }
        self.told.iter().map(|(_, body)| of(body)).collect()
    }

    fn turns(&self) -> Vec<(Turn, Level)> {
        self.incidents().iter().map(|incident| (incident.turn, incident.level)).collect()
    }

    fn sent(&self) -> usize {
        self.incidents().iter().filter(|incident| incident.notice == Notice::Sent).count()
    }

    fn folded(&self) -> usize {
        self.incidents().iter().filter(|incident| incident.notice == Notice::Folded).count()
    }
}

fn context(from: [u8; 4], to: [u8; 4], flow: u64) -> Context {
    let end = |address: [u8; 4]| Some(Endpoint { addr: address.into(), port: 443 });
    Context {
        flow_id: Some(flow),
        source: end(from),
        destination: end(to),
        protocol: 6,
        ip_version: 4,
        vlan: [0; 3],
        icmp: None,
    }
}

struct What {
    detector: &'static str,
    gid: u32,
    level: Level,
    confidence: f64,
    technique: &'static str,
}

const fn what(
    detector: &'static str,
    gid: u32,
    level: Level,
    confidence: f64,
    technique: &'static str,
) -> What {
    What { detector, gid, level, confidence, technique }
}

const SCAN: What = what("scan", 9100, Level::Medium, 0.9, "T1046");
const GUESS: What = what("bruteforce", 9102, Level::Medium, 0.95, "T1110.001");
const LATERAL: What = what("lateral", 9110, Level::High, 0.85, "T1021.002");
const CLEAR: What = what("cleartext", 9114, Level::Low, 0.6, "T1040");
const NOTED: What = what("mismatch", 9115, Level::Info, 0.9, "T1571");

impl What {
    fn finding(&self, flow: u64) -> Finding {
        Finding {
            detector: self.detector,
            gid: self.gid,
            sid: 1,
            title: format!("{} seen", self.detector),
            level: self.level,
            score: 1.0,
            threshold: 1.0,
            confidence: self.confidence,
            numbers: Vec::new(),
            baseline: Vec::new(),
            evidence: vec![flow],
            hosts: [0, 0],
            technique: self.technique,
            acn: &["acn:active-scanning=\"network-scanning\""],
            explain_it: String::new(),
            explain_en: String::new(),
            took: Duration::default(),
            suppressed: None,
        }
    }
}

fn rule(sid: u32, severity: u8, metadata: &[(&str, &str)]) -> Alert {
    let mut signature =
        Signature { gid: 1, sid, severity, message: format!("Rule {sid}"), ..Signature::default() };
    signature.metadata.extend(metadata.iter().copied());
    Alert { signature: Arc::new(signature), ..Alert::default() }
}

#[test]
fn one_medium_finding_is_a_medium_incident_and_one_high_a_high_one() {
    let mut desk = Desk::new();
    let doubtful = What { confidence: 0.2, ..SCAN };
    desk.find(0, &doubtful, [10, 0, 0, 5], [10, 0, 0, 9]);
    assert_eq!(desk.turns(), [(Turn::Opened, Level::Medium)]);
    desk.find(10, &LATERAL, [10, 0, 1, 5], [10, 0, 0, 9]);
    assert_eq!(desk.turns()[1], (Turn::Opened, Level::High));
    assert_eq!(desk.sent(), 2);
}

#[test]
fn little_things_come_together_within_the_hour_or_not_at_all() {
    let mut desk = Desk::new();
    // 7.2 each; half is gone when the next one comes.
    for number in 0..8 {
        desk.find(number * 30 * MINUTE, &CLEAR, [10, 0, 0, 5], [10, 0, 0, 9]);
    }
    assert!(desk.told.is_empty());
    for number in 0..3 {
        desk.find(8 * HOUR + number, &CLEAR, [10, 0, 0, 6], [10, 0, 0, 9]);
    }
    // Enough of one kind is an incident, but never a call.
    assert_eq!(desk.turns(), [(Turn::Opened, Level::Low)]);
    assert_eq!((desk.sent(), desk.folded()), (0, 0));
    // Of three kinds it is one.
    let sweep = What { detector: "sweep", gid: 9101, technique: "T1018", ..CLEAR };
    let dga = What { detector: "dga", gid: 9108, technique: "T1568.002", ..CLEAR };
    let from = 8 * HOUR + 10;
    desk.find(from, &sweep, [10, 0, 0, 6], [10, 0, 0, 9]);
    desk.find(from + 1, &dga, [10, 0, 0, 6], [10, 0, 0, 9]);
    assert_eq!(desk.turns().last(), Some(&(Turn::Graver, Level::Medium)));
    assert_eq!(desk.sent(), 1);
    // What is only worth knowing makes nothing, however often.
    let mut desk = Desk::new();
    for number in 0..1000 {
        desk.find(number, &NOTED, [10, 0, 0, 5], [10, 0, 0, 9]);
    }
    assert!(desk.told.is_empty() && desk.incidents.state.waiting.is_empty());
}

#[test]
fn one_against_many_and_many_against_one_are_one_incident_told_once() {
    let mut desk = Desk::new();
    for number in 0..200u8 {
        desk.find(number.into(), &GUESS, OUTSIDE, [10, 0, 0, number]);
    }
    assert_eq!(desk.turns(), [(Turn::Opened, Level::Medium)]);
    desk.incidents.finish(Timestamp::new(START + 300, 0), &desk.known, &mut desk.told);
    let last = desk.incidents()[1];
    assert_eq!((last.turn, last.targets.len(), last.targets_total > 190), (Turn::End, 32, true));
    assert_eq!((last.timeline.len(), last.timeline_omitted), (32, 200 - 32));
    assert_eq!(last.timeline[31].target, Some([10, 0, 0, 199].into()));
    assert_eq!((last.causes[0].count, last.evidence.len()), (200, 32));
    let title = format!(
        "Password guessing: 203.0.113.9 towards 10.0.0.0, 10.0.0.1, 10.0.0.2 and {} other hosts",
        last.targets_total - 3
    );
    assert_eq!(last.title_en, title);

    let mut desk = Desk::new();
    for number in 0..200u8 {
        desk.find(number.into(), &GUESS, [198, 51, 100, number], [10, 0, 0, 9]);
    }
    assert_eq!(desk.turns(), [(Turn::Opened, Level::Medium)]);
    let title = &desk.incidents()[0].title_en;
    assert_eq!(title, "Password guessing: 198.51.100.0 towards 10.0.0.9");
    // Who does something else to the same host is another matter.
    desk.find(300, &LATERAL, [10, 0, 0, 77], [10, 0, 0, 9]);
    assert_eq!(desk.turns().len(), 2);
    assert_ne!(desk.incidents()[0].id, desk.incidents()[1].id);
}

#[test]
fn hosts_that_one_finding_names_and_those_that_it_counts_are_told_together() {
    let mut desk = Desk::new();
    let context = context(OUTSIDE, [10, 0, 0, 9], 1);
    for (second, targets) in [(0, 8), (1, 80)] {
        let at = Timestamp::new(START + second, 0);
        let finding = Finding { hosts: [1, targets], ..SCAN.finding(second) };
        desk.incidents.finding(at, &context, &finding, &desk.known, &mut desk.told);
    }
    desk.find(2, &LATERAL, OUTSIDE, [10, 0, 0, 9]);
    let told = desk.incidents();
    let (first, last) = (told[0], told[told.len() - 1]);
    assert_eq!((first.targets.len(), first.targets_total, last.targets_total), (1, 8, 80));
    assert!(first.title_it.ends_with("e 7 altre macchine"), "{}", first.title_it);
    assert!(last.explain_en.contains("10.0.0.9 and 79 other hosts"), "{}", last.explain_en);
    // The gravest was done to one.
    assert!(last.title_en.ends_with("towards 10.0.0.9"), "{}", last.title_en);
}

#[test]
fn what_has_no_ends_is_about_the_network_as_a_whole() {
    let mut desk = Desk::new();
    let health = What { detector: "health", gid: 9120, technique: "", ..SCAN };
    let nowhere = Context { source: None, destination: None, ..context(OUTSIDE, OUTSIDE, 1) };
    for second in 0..3 {
        let (at, finding) = (Timestamp::new(START + second, 0), health.finding(second));
        desk.incidents.finding(at, &nowhere, &finding, &desk.known, &mut desk.told);
    }
    assert_eq!(desk.turns(), [(Turn::Opened, Level::Medium)]);
    assert_eq!(desk.incidents()[0].title_it, "Il sensore non vede tutto");
    let words = &desk.incidents()[0].explain_en;
    assert!(words.contains("the network as a whole") && !words.contains("block"), "{words}");
}

#[test]
fn a_victim_that_attacks_stays_in_the_incident_and_makes_it_graver() {
    let mut desk = Desk::new();
    desk.find(0, &SCAN, OUTSIDE, [10, 0, 0, 9]);
    desk.find(60, &GUESS, OUTSIDE, [10, 0, 0, 9]);
    desk.find(120, &SCAN, [10, 0, 0, 9], [10, 0, 0, 20]);
    let turns = desk.turns();
    assert_eq!(
        turns,
        [(Turn::Opened, Level::Medium), (Turn::Stage, Level::Medium), (Turn::Graver, Level::High)]
    );
    let told = desk.incidents();
    assert!(told.iter().all(|incident| incident.id == told[0].id));
    assert_eq!(told[2].sources, [IpAddr::from(OUTSIDE), [10, 0, 0, 9].into()]);
    assert_eq!(told[2].stages, ["reconnaissance", "credential-access"]);
    // A call when it opens and one when it gets graver; not for a further stage.
    assert_eq!(desk.sent(), 2);
    desk.find(180, &LATERAL, [10, 0, 0, 9], [10, 0, 0, 21]);
    assert_eq!(desk.turns()[3], (Turn::Stage, Level::High));

    // To have been scanned is no reason to be suspected, nor is to have answered back.
    let mut desk = Desk::new();
    desk.find(0, &SCAN, OUTSIDE, [10, 0, 0, 9]);
    desk.find(120, &SCAN, [10, 0, 0, 9], [10, 0, 0, 20]);
    assert_eq!(desk.turns(), [(Turn::Opened, Level::Medium); 2]);
    let mut desk = Desk::new();
    desk.find(0, &GUESS, [10, 0, 0, 5], [10, 0, 0, 9]);
    desk.find(9, &GUESS, [10, 0, 0, 9], [10, 0, 0, 5]);
    assert_eq!(desk.turns(), [(Turn::Opened, Level::Medium)]);
}

#[test]
fn an_incident_is_closed_when_nothing_new_comes_and_the_next_is_another() {
    let mut desk = Desk::new();
    desk.find(0, &SCAN, OUTSIDE, [10, 0, 0, 9]);
    desk.find(HOUR, &SCAN, OUTSIDE, [10, 0, 0, 10]);
    desk.tick(5 * HOUR);
    assert_eq!(desk.told.len(), 1);
    desk.tick(5 * HOUR + 1);
    assert_eq!(desk.turns()[1].0, Turn::Quiet);
    let closed = desk.incidents()[1];
    assert_eq!(closed.last.seconds(), START + HOUR);
    assert!(closed.explain_it.starts_with("Da quattro ore"), "{}", closed.explain_it);
    desk.find(6 * HOUR, &SCAN, OUTSIDE, [10, 0, 0, 9]);
    assert_eq!(desk.turns()[2].0, Turn::Opened);
    assert_ne!(desk.incidents()[2].id, desk.incidents()[0].id);
}

#[test]
fn twenty_are_told_in_a_day_a_quarter_of_them_kept_for_what_is_grave() {
    let mut desk = Desk::new();
    let host = |number: u64| [198, 51, (number >> 8) as u8, number as u8];
    for number in 0..100 {
        desk.find(number, &SCAN, host(number), [10, 0, 0, number as u8]);
    }
    assert_eq!((desk.told.len(), desk.sent(), desk.folded()), (100, 15, 85));
    for number in 100..110 {
        desk.find(number, &LATERAL, host(number), [10, 0, 0, number as u8]);
    }
    assert_eq!((desk.sent(), desk.folded()), (20, 90));
    let critical = What { level: Level::Critical, ..LATERAL };
    desk.find(111, &critical, host(111), [10, 0, 1, 1]);
    assert_eq!(desk.sent(), 21);
    // The day ends with UTC's, 14 hours after the start.
    desk.find(14 * HOUR - 1, &SCAN, host(200), [10, 0, 1, 2]);
    assert_eq!(desk.sent(), 21);
    desk.find(14 * HOUR, &SCAN, host(201), [10, 0, 1, 3]);
    assert_eq!(desk.sent(), 22);

    let settings = Settings { notifications: Some(2), ..Settings::default() };
    let mut desk = Desk::with(&settings);
    for number in 0..5 {
        desk.find(number, &SCAN, host(number), [10, 0, 0, number as u8]);
    }
    assert_eq!((desk.sent(), desk.folded()), (2, 3));
}

#[test]
fn a_rule_weighs_once_for_a_host_and_hour_and_alone_is_no_more_than_medium() {
    let mut desk = Desk::new();
    let low = rule(1, 3, &[]);
    for second in 0..3000 {
        desk.alert(second, &low, OUTSIDE, [10, 0, 0, 9]);
    }
    assert!(desk.told.is_empty());
    let grave = rule(2, 1, &[]);
    for second in 3000..3100 {
        desk.alert(second, &grave, OUTSIDE, [10, 0, 0, 9]);
    }
    let told = desk.incidents();
    assert_eq!((told.len(), told[0].level), (1, Level::High));
    assert_eq!(told[0].causes[0].count, 3000);
    assert_eq!(told[0].timeline[0].count, 3000);

    let mut desk = Desk::new();
    desk.alert(0, &grave, OUTSIDE, [10, 0, 0, 9]);
    assert_eq!(desk.turns(), [(Turn::Opened, Level::Medium)]);
    assert!(desk.incidents()[0].explain_en.contains("signatures alone"));
    // With a detector's word it is what the rule says.
    desk.find(9, &GUESS, OUTSIDE, [10, 0, 0, 9]);
    assert_eq!(desk.turns()[1], (Turn::Graver, Level::High));

    // In Italian it has its Italian message, where it has one.
    let mut desk = Desk::new();
    desk.alert(0, &rule(4, 1, &[("msg_it", "Regola quattro")]), OUTSIDE, [10, 0, 0, 9]);
    let told = &desk.incidents()[0];
    assert!(told.title_it.contains("«Regola quattro»") && told.title_en.contains("\"Rule 4\""));
    assert!(told.explain_it.contains("firma «Regola quattro»"), "{}", told.explain_it);

    let mut desk = Desk::new();
    let informational = rule(3, 1, &[("signature_severity", "Informational")]);
    desk.alert(0, &informational, OUTSIDE, [10, 0, 0, 9]);
    assert!(desk.told.is_empty());
}

#[test]
fn the_client_is_who_did_it_unless_the_rule_names_the_target() {
    let mut answer = rule(1, 1, &[("mitre_technique_id", "T1071.001")]);
    answer.direction = Some(Direction::ToClient);
    let mut desk = Desk::new();
    desk.alert(0, &answer, OUTSIDE, [10, 0, 0, 9]);
    let told = desk.incidents();
    assert_eq!(told[0].sources, [IpAddr::from([10, 0, 0, 9])]);
    assert_eq!(told[0].stages, ["command-and-control"]);

    let signature = Signature { target_source: Some(false), ..(*answer.signature).clone() };
    answer.signature = Arc::new(signature);
    let mut desk = Desk::new();
    desk.alert(0, &answer, OUTSIDE, [10, 0, 0, 9]);
    assert_eq!(desk.incidents()[0].sources, [IpAddr::from(OUTSIDE)]);
}

#[test]
fn what_is_said_can_be_read_in_both_languages() {
    let mut desk = Desk::new();
    desk.find(0, &SCAN, OUTSIDE, [10, 0, 0, 9]);
    desk.find(60, &GUESS, OUTSIDE, [10, 0, 0, 9]);
    desk.find(70, &GUESS, OUTSIDE, [10, 0, 0, 10]);
    desk.find(120, &SCAN, [10, 0, 0, 9], [10, 0, 0, 20]);
    let last = desk.incidents().pop().unwrap().clone();
    assert_eq!(
        last.title_it,
        "Password provate una dopo l'altra: 203.0.113.9 verso 10.0.0.9, 10.0.0.10"
    );
    assert_eq!(last.title_en, "Password guessing: 203.0.113.9 towards 10.0.0.9, 10.0.0.10");
    assert_eq!(
        last.explain_it,
        "L'incidente si è aggravato: ora è di livello alto. L'11/03/2025 dalle 10:00 alle 10:02 \
         (UTC) 203.0.113.9, 10.0.0.9 verso 10.0.0.10, 10.0.0.20. In ordine: alle 10:00 scansione \
         di porte (2 volte); alle 10:01 password provate una dopo l'altra (2 volte). Fasi \
         dell'attacco: ricognizione, caccia alle password. Sicurezza del giudizio: 99 % (2 giudizi \
         diversi concordano). Che cosa fare ora: verificare subito con chi usa 10.0.0.9; se non era \
         un lavoro di amministrazione, scollegare dalla rete senza spegnere e cambiare le password \
         usate lì."
    );
    assert_eq!(
        last.explain_en,
        "The incident has become graver: its level is now high. On 2025-03-11 from 10:00 to 10:02 \
         (UTC) 203.0.113.9, 10.0.0.9 towards 10.0.0.10, 10.0.0.20. In order: at 10:00 port scan (2 \
         times); at 10:01 password guessing (2 times). Stages of the attack: reconnaissance, hunt \
         for passwords. Confidence: 99% (2 different judgements agree). What to do now: check at \
         once with who uses 10.0.0.9; unless it was work of administration, disconnect from the \
         network without switching off and change the passwords used there."
    );
    let mut desk = Desk::new();
    desk.find(0, &SCAN, OUTSIDE, [10, 0, 0, 9]);
    let told = desk.incidents();
    assert!(told[0].explain_it.contains("bloccare 203.0.113.9 sul firewall se insiste"));
    assert!(told[0].explain_en.contains("block 203.0.113.9 on the firewall if it goes on"));
}

/// A detector without words of its own would be told by its name.
#[test]
fn every_detector_is_told_in_words() {
    for kind in DETECTORS {
        let mut desk = Desk::new();
        desk.find(0, &What { detector: kind.name, gid: kind.gid, ..SCAN }, OUTSIDE, [10, 0, 0, 9]);
        let title = desk.incidents()[0].title_it.to_lowercase();
        assert!(!title.starts_with(&format!("{}:", kind.name)), "{title}");
    }
}

#[test]
fn what_is_saved_in_the_middle_goes_on_as_if_nothing_had_been() {
    let steps = |desk: &mut Desk, half: u64| {
        let from = half * 100;
        desk.find(from, &SCAN, OUTSIDE, [10, 0, 0, 9]);
        desk.alert(from + 1, &rule(7, 2, &[]), OUTSIDE, [10, 0, 0, 9]);
        desk.find(from + 2, &GUESS, OUTSIDE, [10, 0, 0, 9]);
        desk.find(from + 3, &CLEAR, [10, 0, 0, 40], [10, 0, 0, 50]);
        desk.find(from + 4, &LATERAL, [10, 0, 0, 9], [10, 0, 0, half as u8]);
    };
    let mut whole = Desk::new();
    (0..3).for_each(|half| steps(&mut whole, half));
    let mut first = Desk::new();
    steps(&mut first, 0);
    let mut rest = Desk::new();
    rest.incidents.load(&first.incidents.save()).unwrap();
    (1..3).for_each(|half| steps(&mut rest, half));
    let mut told = first.told;
    told.append(&mut rest.told);
    let text = |told: &[(Context, Body)]| -> Vec<String> {
        told.iter()
            .map(|(_, body)| match body {
                Body::Incident(incident) => format!("{incident:?}"),
                _ => String::new(),
            })
            .collect()
    };
    assert!(!told.is_empty());
    assert_eq!(text(&told), text(&whole.told));
    assert_eq!(whole.incidents.save(), rest.incidents.save());
    assert_eq!(rest.incidents.load(&[1, 2, 3]), Err(Damaged));
}

#[test]
fn crowds_stay_within_bounds_and_what_is_displaced_is_told() {
    let mut desk = Desk::new();
    let flood = rule(1, 3, &[]);
    for number in 0..100_000u32 {
        let from = (0x0b00_0000 + number).to_be_bytes();
        desk.alert(u64::from(number) / 1000, &flood, from, (0x0a00_0000 + number).to_be_bytes());
    }
    assert!(desk.told.is_empty());
    assert!(desk.incidents.memory() < 8 << 20, "{}", desk.incidents.memory());
    for number in 0..1000u32 {
        let from = (0x0c00_0000 + number).to_be_bytes();
        desk.find(200 + u64::from(number), &SCAN, from, (0x0a80_0000 + number).to_be_bytes());
    }
    assert_eq!(desk.incidents.state.open.len(), OPEN_MAX);
    let displaced = desk.turns().iter().filter(|(turn, _)| *turn == Turn::Displaced).count();
    assert_eq!(displaced, 1000 - OPEN_MAX);
    assert!(desk.incidents.memory() < 8 << 20, "{}", desk.incidents.memory());
}

/// A clock that was a month ahead must neither silence what comes nor keep alive what was saved.
#[test]
fn what_a_clock_that_was_ahead_left_behind_holds_nothing_back() {
    const MONTH: u64 = 30 * 24 * HOUR;
    let (first, second) = ([10, 0, 0, 9], [10, 0, 0, 10]);
    let settings = Settings { notifications: Some(1), ..Settings::default() };
    let grave = rule(2, 1, &[]);
    let mut ahead = Desk::with(&settings);
    ahead.find(MONTH, &LATERAL, OUTSIDE, first);
    ahead.find(MONTH, &CLEAR, [10, 0, 0, 5], second);
    ahead.alert(MONTH, &grave, [203, 0, 113, 77], [10, 0, 0, 77]);
    assert_eq!(ahead.sent(), 1);

    let mut desk = Desk::with(&settings);
    desk.incidents.load(&ahead.incidents.save()).unwrap();
    // The rule weighs, the day's call is to be had, and the old case is not gone on with.
    desk.alert(0, &grave, [203, 0, 113, 77], [10, 0, 0, 77]);
    assert_eq!((desk.turns(), desk.sent()), (vec![(Turn::Opened, Level::Medium)], 1));
    // Neither is the one that was waiting: 7.2 now and 7.2 of then would open with 7.2 more.
    desk.find(1, &CLEAR, [10, 0, 0, 5], second).find(2, &CLEAR, [10, 0, 0, 5], second);
    let quiet = desk.turns().iter().filter(|(turn, _)| *turn == Turn::Quiet).count();
    assert_eq!((quiet, desk.told.len()), (2, 3));
    desk.find(3, &LATERAL, OUTSIDE, first);
    assert_eq!(desk.turns().last(), Some(&(Turn::Opened, Level::High)));
}

#[test]
fn what_grows_by_taking_in_another_case_is_told() {
    let (victim, other) = ([10, 0, 0, 9], [10, 0, 0, 50]);
    let mut desk = Desk::new();
    // A low incident of one who guesses a little.
    let slow = What { level: Level::Low, ..GUESS };
    for second in 0..3 {
        desk.find(second, &slow, OUTSIDE, victim);
    }
    assert_eq!(desk.turns(), [(Turn::Opened, Level::Low)]);
    // Another did two things of medium gravity that no one is sure of, to another host.
    let unsure = |sid| rule(sid, 2, &[("confidence", "Low"), ("mitre_technique_id", "T1046")]);
    let stranger = [198, 51, 100, 7];
    desk.alert(5, &unsure(5), stranger, other).alert(6, &unsure(5), stranger, other);
    assert_eq!(desk.told.len(), 1);
    desk.find(7, &slow, stranger, victim);
    assert_eq!(desk.turns()[1], (Turn::Graver, Level::Medium));
    assert_eq!((desk.sent(), desk.incidents()[1].sources.len()), (1, 2));
    assert_eq!(desk.incidents()[1].id, desk.incidents()[0].id);
    // What was said of its case is said of the one that took it.
    desk.find(8, &slow, stranger, other);
    desk.alert(9, &unsure(5), [198, 51, 100, 8], other);
    assert_eq!(desk.told.len(), 2);
    assert_eq!(desk.incidents.state.waiting.len(), 0);
}

#[test]
fn what_is_taken_in_is_counted_once() {
    let clue = |case: &mut Case, host: u8, second: u64| {
        let (at, flows) = (Timestamp::new(START + second, 0), [u64::from(host % 4)]);
        case.add(
            &Clue {
                at,
                source: Some([10, 0, 1, host].into()),
                target: Some([10, 0, 0, 9].into()),
                hosts: [1, 1],
                gid: 9102,
                sid: 1,
                name: "bruteforce",
                name_it: "",
                title: "guessing",
                level: Level::Medium,
                confidence: 0.9,
                stage: Some(Stage::CredentialAccess),
                technique: "T1110",
                acn: &[],
                evidence: &flows,
                advice: [""; 2],
                weighs: true,
            },
            false,
        );
    };
    let (mut one, mut other) = (Case::default(), Case::default());
    (0..18).for_each(|host| clue(&mut one, host, 100 + u64::from(host)));
    (10..38).for_each(|host| clue(&mut other, host, u64::from(host)));
    assert_eq!(one.absorb(other), case::Progress::default());
    // 28 were counted where only 16 are kept by address.
    assert!(one.sources.total().abs_diff(38) <= 1, "{}", one.sources.total());
    assert_eq!((one.sources.list().len(), one.targets.total()), (16, 1));
    assert_eq!((one.evidence.len(), one.causes[0].count), (4, 18 + 28));
    assert_eq!(one.timeline.len() as u64 + one.omitted, 38);
    let mut pairs: Vec<_> = one.timeline.iter().map(|entry| entry.source).collect();
    pairs.sort();
    pairs.dedup();
    assert_eq!(pairs.len(), one.timeline.len());
    let twice = one.timeline.iter().find(|e| e.source == Some([10, 0, 1, 12].into())).unwrap();
    assert_eq!(
        (twice.count, twice.at.seconds(), twice.last.seconds()),
        (2, START + 12, START + 112)
    );
}

#[test]
fn a_case_without_end_is_told_anew_each_day() {
    let mut desk = Desk::new();
    for hour in 0..60u8 {
        desk.find(u64::from(hour) * HOUR, &SCAN, [198, 51, 100, hour], [10, 0, 0, 9]);
    }
    let turns: Vec<Turn> = desk.turns().iter().map(|(turn, _)| *turn).collect();
    assert_eq!(turns, [Turn::Opened, Turn::Aged, Turn::Opened, Turn::Aged, Turn::Opened]);
    assert_eq!(desk.sent(), 3);
    let (aged, next) = (desk.incidents()[1].clone(), desk.incidents()[2].clone());
    assert_ne!(aged.id, next.id);
    assert!(aged.explain_it.starts_with("L'incidente dura da un giorno"), "{}", aged.explain_it);
    assert!(aged.explain_en.contains("what goes on opens another"), "{}", aged.explain_en);
    assert_eq!(aged.turn.names(), ("closed", "age"));
    assert_eq!((aged.first.seconds(), next.first.seconds()), (START, START + 25 * HOUR));
    // Of several days each step has its own.
    assert!(aged.explain_it.contains("In ordine: l'11/03/2025 alle 10:00 scansione"));
    assert!(aged.explain_it.contains("Dalle 10:00 dell'11/03/2025 alle 10:00 del 12/03/2025"));
    assert!(aged.explain_en.contains("In order: on 2025-03-11 at 10:00 port scan"));
}

#[test]
fn a_break_in_is_told_though_strangers_scan_the_same_host_all_day() {
    const EXPLOIT: What = what("novel", 9140, Level::High, 0.9, "T1190");
    let (host, stranger) = ([10, 0, 0, 9], |number| [198, 51, 100, number]);
    let mut desk = Desk::new();
    // One who did the worst already keeps the host's name in an open incident.
    desk.find(0, &SCAN, OUTSIDE, host).find(1, &EXPLOIT, OUTSIDE, host);
    assert_eq!(desk.turns(), [(Turn::Opened, Level::Medium), (Turn::Graver, Level::High)]);
    let first = desk.incidents()[0].id.clone();
    // Those who scan are one incident of their own, whatever the first goes on with.
    for number in 0..100 {
        desk.find(10 + u64::from(number), &SCAN, stranger(number), host);
        desk.find(10 + u64::from(number), &SCAN, OUTSIDE, host);
    }
    assert_eq!(desk.turns()[2..], [(Turn::Opened, Level::Medium)]);
    let crowd = desk.incidents()[2].id.clone();
    assert_ne!(crowd, first);
    // One of them guesses: that is told, and somebody called.
    desk.find(200, &GUESS, stranger(70), host);
    let last = desk.incidents().pop().unwrap().clone();
    assert_eq!((last.turn, last.notice), (Turn::Opened, Notice::Sent));
    assert_eq!(last.sources, [IpAddr::from(stranger(70))]);
    assert!(last.id != crowd && last.id != first);
    // What it does then is of its own incident, and those who do the same join it.
    desk.find(210, &SCAN, stranger(70), host).find(211, &GUESS, stranger(71), host);
    desk.find(212, &SCAN, stranger(200), host);
    let opened = desk.turns().iter().filter(|(turn, _)| *turn == Turn::Opened).count();
    assert_eq!(opened, 3, "{:?}", desk.turns());
    let before = desk.told.len();
    desk.incidents.finish(Timestamp::new(START + 300, 0), &desk.known, &mut desk.told);
    let ends: Vec<u64> = desk.incidents()[before..].iter().map(|end| end.sources_total).collect();
    assert_eq!(ends[0], 1);
    assert!(ends[1].abs_diff(101) <= 2, "{ends:?}");
    assert_eq!(ends[2], 2);
}

#[test]
fn the_headline_names_only_those_who_met() {
    let mut desk = Desk::new();
    desk.find(0, &SCAN, OUTSIDE, [10, 0, 0, 8]);
    desk.find(60, &GUESS, OUTSIDE, [10, 0, 0, 9]);
    desk.find(120, &LATERAL, [10, 0, 0, 9], [10, 0, 0, 20]);
    let (context, _) = desk.told.last().unwrap();
    let last = desk.incidents().pop().unwrap();
    assert_eq!(last.title_en, "Remote administration of other hosts: 10.0.0.9 towards 10.0.0.20");
    let end = |end: Option<Endpoint>| end.map(|end| end.addr);
    assert_eq!(end(context.source), Some([10, 0, 0, 9].into()));
    assert_eq!(end(context.destination), Some([10, 0, 0, 20].into()));
}

/// Thirty-two voices of little weight must not hide the one that counts.
#[test]
fn a_grave_clue_has_its_place_among_many_small_ones() {
    let mut desk = Desk::new();
    for sid in 1..=40 {
        desk.alert(sid.into(), &rule(sid, 3, &[]), OUTSIDE, [10, 0, 0, 9]);
    }
    desk.find(60, &LATERAL, OUTSIDE, [10, 0, 0, 9]);
    let last = desk.incidents().pop().unwrap();
    assert_eq!((last.level, last.causes.len(), last.causes_omitted), (Level::High, 32, 9));
    assert!(last.title_en.starts_with("Remote administration"), "{}", last.title_en);
}

#[test]
fn the_gravest_finding_advises_unless_a_rule_has_seen_more() {
    let mut desk = Desk::new();
    let words = ["Visto. Che cosa fare ora: chiamare il fornitore.", "Seen. What to do now: call."];
    let mut finding = SCAN.finding(0);
    (finding.explain_it, finding.explain_en) = (words[0].to_owned(), words[1].to_owned());
    assert_eq!(judgement::advice(&finding), ["chiamare il fornitore.", "call."]);
    let (at, context) = (Timestamp::new(START, 0), context(OUTSIDE, [10, 0, 0, 8], 0));
    desk.incidents.finding(at, &context, &finding, &desk.known, &mut desk.told);
    let opened = desk.incidents().pop().unwrap();
    assert!(opened.explain_it.ends_with("Che cosa fare ora: chiamare il fornitore."), "{opened:?}");
    assert!(opened.explain_en.ends_with("What to do now: call."), "{opened:?}");
}
