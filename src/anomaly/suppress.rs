//! Findings that a site wants to hear no more of, and the proof of what was silenced.
//!
//! A rule names detectors, sources, destinations, hours of the day and a last day; what it leaves
//! out may be anything. What matches is still written, marked with the rule's reason, and belongs
//! to no incident. Each rule counts how often it applied and when last, so that one that has
//! become too wide, or that nobody needs, shows; so does one whose last day is over while what it
//! silenced goes on.
//!
//! A rule that names sources but no detector is for an authorised scanner: it silences what taking
//! stock looks like ([`SCANNER`]) and alerts of signatures about looking and trying to get in;
//! never malware, data carried out, a tunnel, mass changes or forged addresses, and nothing
//! critical. A scanner that was taken over still shows.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::incident::Stage;
use super::{Damaged, state};
use crate::net::AddressSet;
use crate::record::{Context, Finding, Level};
use crate::time::Timestamp;

/// Detectors that a rule without names silences: all that scanners, inventories and tests of
/// weaknesses set off by their nature.
pub const SCANNER: &[&str] = &[
    "scan",
    "sweep",
    "bruteforce",
    "spray",
    "lateral",
    "novelty",
    "mismatch",
    "cleartext",
    "forest",
];
/// Rules of a site.
pub const RULES_MAX: usize = 256;

/// What is wrong with a rule, in the words of `rivellino.toml`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    /// Hours that are none.
    #[error("'{0}' is no span of hours: write them in UTC as \"22:00-06:00\"")]
    Hours(String),
    /// A date that is none.
    #[error("'{0}' is no date: write year, month and day as \"2026-12-31\"")]
    Date(String),
    /// An address or network that is none.
    #[error("'{0}' is no address or network: write \"192.0.2.7\" or \"192.0.2.0/24\"")]
    Network(String),
    /// A rule that would silence all.
    #[error(
        "suppression '{0}' names neither a detector nor a source: say which detectors, or whose doings, it is about"
    )]
    Everything(String),
    /// A rule without a name, or two of one name.
    #[error("suppression '{0}': each needs a name of its own, under which it is counted")]
    Name(String),
    /// A detector that there is none of.
    #[error("suppression '{0}' names a detector '{1}' that does not exist")]
    Detector(String, String),
    /// More rules than are kept.
    #[error("{0} suppressions: at most 256 are kept")]
    TooMany(usize),
}

/// Hours of the day, UTC, in minutes; the end is not part of it. May go over midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    from: u32,
    to: u32,
}

impl Hours {
    /// From `22:00-06:00`; the end may be `24:00`.
    ///
    /// # Errors
    /// When the text is none, or both ends are the same.
    pub fn parse(text: &str) -> Result<Self, Mistake> {
        let wrong = || Mistake::Hours(text.to_owned());
        let minute = |part: &str| {
            let (hour, minute) = part.trim().split_once(':')?;
            let (hour, minute): (u32, u32) = (number(hour, 2)?, number(minute, 2)?);
            let whole = hour * 60 + minute;
            (minute < 60 && whole <= 24 * 60).then_some(whole)
        };
        let (from, to) = text.split_once('-').ok_or_else(wrong)?;
        let (from, to) = (minute(from).ok_or_else(wrong)?, minute(to).ok_or_else(wrong)?);
        if from == to || from == 24 * 60 {
            return Err(wrong());
        }
        Ok(Self { from, to })
    }

    /// Whether a time is within.
    pub const fn contain(self, at: Timestamp) -> bool {
        let minute = (at.seconds() / 60 % (24 * 60)) as u32;
        if self.from < self.to {
            self.from <= minute && minute < self.to
        } else {
            self.from <= minute || minute < self.to
        }
    }
}

/// The beginning (UTC) of the day that `2026-12-31` names: a rule until then no longer applies on
/// that day.
///
/// # Errors
/// When there is no such day from 1970 to 2553.
pub fn date(text: &str) -> Result<Timestamp, Mistake> {
    let wrong = || Mistake::Date(text.to_owned());
    let mut parts = text.trim().split('-');
    let mut part = |digits| parts.next().and_then(|part| number(part, digits)).ok_or_else(wrong);
    let (year, month, day) = (part(4)?, part(2)?, part(2)?);
    if parts.next().is_some() || !(1970..=2553).contains(&year) || !(1..=12).contains(&month) {
        return Err(wrong());
    }
    // Days of earlier years and months, leap days counted to the day asked for.
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let february = if leap { 29 } else { 28 };
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let before: u32 = lengths.iter().take(month as usize - 1).sum();
    let length = lengths.get(month as usize - 1).copied().unwrap_or_default();
    if day == 0 || day > length {
        return Err(wrong());
    }
    let leaps = |year: u32| year / 4 - year / 100 + year / 400;
    let days = (year - 1970) * 365 + leaps(year - 1) - leaps(1969) + before + day - 1;
    Ok(Timestamp::new(u64::from(days) * 86_400, 0))
}

/// Digits alone, exactly so many.
fn number(text: &str, digits: usize) -> Option<u32> {
    let plain = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// The set of addresses and networks: `["192.0.2.7", "2001:db8::/32"]`.
///
/// # Errors
/// When one of them is none.
pub fn networks<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<AddressSet, Mistake> {
    let mut set = AddressSet::default();
    for text in texts {
        let wrong = || Mistake::Network(text.to_owned());
        let (address, prefix) = match text.trim().split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text.trim(), None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(prefix) => prefix.parse().map_err(|_| wrong())?,
            None => most,
        };
        if prefix > most {
            return Err(wrong());
        }
        set.add(&AddressSet::network(address, prefix));
    }
    Ok(set)
}

/// A rule that silences.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Quiet {
    /// Its own name, under which it is counted.
    pub name: String,
    /// Detectors; none for those of [`SCANNER`].
    pub detectors: BTreeSet<String>,
    /// Who did it; `None` for anybody.
    pub sources: Option<AddressSet>,
    /// To whom; `None` for anybody.
    pub destinations: Option<AddressSet>,
    /// When in the day; `None` for always.
    pub hours: Option<Hours>,
    /// From when on it no longer applies, in packet time; `None` for never.
    pub until: Option<Timestamp>,
    /// Why, for those who read the record.
    pub reason: String,
}

impl Quiet {
    /// What a record that it silences is marked with.
    fn mark(&self) -> &str {
        if self.reason.is_empty() { &self.name } else { &self.reason }
    }

    /// Whether its last day is over.
    fn is_over(&self, at: Timestamp) -> bool {
        self.until.is_some_and(|until| at >= until)
    }

    /// Whether it is about these ends at this hour, its last day aside.
    fn covers(&self, at: Timestamp, source: Option<IpAddr>, destination: Option<IpAddr>) -> bool {
        let within = |set: &Option<AddressSet>, address: Option<IpAddr>| {
            set.as_ref().is_none_or(|set| address.is_some_and(|address| set.contains(address)))
        };
        self.hours.is_none_or(|hours| hours.contain(at))
            && within(&self.sources, source)
            && within(&self.destinations, destination)
    }

    fn means(&self, finding: &Finding) -> bool {
        if self.detectors.is_empty() {
            // A scanner moves in, disguises itself or masters devices only when it was taken over.
            let most = match finding.detector {
                "lateral" | "mismatch" | "novelty" => Level::Medium,
                _ => Level::High,
            };
            return finding.level <= most && SCANNER.contains(&finding.detector);
        }
        self.detectors.contains(finding.detector)
    }
}

/// Whether rules can be used together.
///
/// # Errors
/// The first mistake, and in which rule.
pub fn check(rules: &[Quiet]) -> Result<(), (usize, Mistake)> {
    if rules.len() > RULES_MAX {
        return Err((RULES_MAX, Mistake::TooMany(rules.len())));
    }
    let mut names = BTreeSet::new();
    for (index, rule) in rules.iter().enumerate() {
        let name = rule.name.clone();
        if rule.name.is_empty() || !names.insert(&rule.name) {
            return Err((index, Mistake::Name(name)));
        }
        if rule.detectors.is_empty() && rule.sources.is_none() {
            return Err((index, Mistake::Everything(name)));
        }
        let unknown = rule.detectors.iter().find(|detector| super::detector(detector).is_none());
        if let Some(unknown) = unknown {
            return Err((index, Mistake::Detector(name, unknown.clone())));
        }
    }
    Ok(())
}

/// How often a rule has silenced something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Its name.
    pub name: String,
    /// Findings, and alerts kept out of incidents.
    pub count: u64,
    /// The last time; `None` if never.
    pub last: Option<Timestamp>,
    /// What it would have silenced since its last day was over.
    pub missed: u64,
}

impl Applied {
    /// What to say of a rule that is over while what it silenced goes on.
    pub fn warning(&self) -> Option<String> {
        let Self { name, missed, .. } = self;
        (*missed > 0).then(|| {
            format!(
                "suppression '{name}' is over: it would have silenced {missed} since; set a later `until` or \
                 remove it"
            )
        })
    }
}

/// The rules of a site and what came of them.
#[derive(Clone, Debug, Default)]
pub struct Suppressions {
    rules: Vec<Quiet>,
    applied: Vec<Applied>,
}

impl Suppressions {
    /// The first [`RULES_MAX`] of `rules`; a site's configuration refuses more ([`check`]).
    pub fn new(rules: &[Quiet]) -> Self {
        let rules: Vec<Quiet> = rules.iter().take(RULES_MAX).cloned().collect();
        let none =
            |rule: &Quiet| Applied { name: rule.name.clone(), count: 0, last: None, missed: 0 };
        let applied = rules.iter().map(none).collect();
        Self { rules, applied }
    }

    /// What silences a finding: the first rule that covers it.
    pub fn finding(&mut self, at: Timestamp, context: &Context, finding: &Finding) -> Option<&str> {
        let ends = [context.source, context.destination].map(|end| end.map(|end| end.addr));
        self.first(at, ends, |rule| rule.means(finding))
    }

    /// What silences an alert of a signature, of `ends` (who did it, to whom): that it is of an
    /// authorised scanner. It belongs to no incident then. Of what a scanner does only the looking and trying:
    /// malware on it, or data carried out, shows.
    pub fn alert(
        &mut self,
        at: Timestamp,
        ends: [Option<IpAddr>; 2],
        stage: Option<Stage>,
    ) -> Option<&str> {
        let scans = matches!(
            stage,
            Some(Stage::Reconnaissance | Stage::InitialAccess | Stage::CredentialAccess)
        );
        if !scans {
            return None;
        }
        self.first(at, ends, |rule| rule.detectors.is_empty())
    }

    fn first(
        &mut self,
        at: Timestamp,
        ends: [Option<IpAddr>; 2],
        means: impl Fn(&Quiet) -> bool,
    ) -> Option<&str> {
        let [source, destination] = ends;
        let fits = |rule: &Quiet| means(rule) && rule.covers(at, source, destination);
        let mut over = None;
        let index = self.rules.iter().enumerate().find_map(|(index, rule)| {
            let about = fits(rule);
            over = over.or((about && rule.is_over(at)).then_some(index));
            (about && !rule.is_over(at)).then_some(index)
        });
        let Some(index) = index else {
            over.and_then(|index| self.applied.get_mut(index))
                .into_iter()
                .for_each(|o| o.missed += 1);
            return None;
        };
        if let Some(applied) = self.applied.get_mut(index) {
            applied.count += 1;
            // It applies again: somebody gave it another day.
            applied.missed = 0;
            applied.last = applied.last.max(Some(at));
        }
        self.rules.get(index).map(Quiet::mark)
    }

    /// How often each rule has applied, in their order.
    pub fn applied(&self) -> &[Applied] {
        &self.applied
    }

    /// The counts, as bytes.
    pub fn save(&self) -> Vec<u8> {
        let of = |applied: &Applied| {
            (applied.name.clone(), (applied.count, applied.last, applied.missed))
        };
        let counts: BTreeMap<_, _> = self.applied.iter().map(of).collect();
        state::pack(&counts)
    }

    /// Takes the counts of rules that still exist, by name.
    ///
    /// # Errors
    /// When the bytes are none that this version writes; nothing has changed then.
    pub fn load(&mut self, bytes: &[u8]) -> Result<(), Damaged> {
        let counts: BTreeMap<String, (u64, Option<Timestamp>, u64)> = state::unpack(bytes)?;
        for applied in &mut self.applied {
            if let Some(kept) = counts.get(&applied.name) {
                (applied.count, applied.last, applied.missed) = *kept;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::net::Endpoint;
    use crate::time::Duration;

    const DAY: u64 = 86_400;

    fn finding(detector: &'static str, level: Level) -> Finding {
        Finding {
            detector,
            gid: 9100,
            sid: 1,
            title: String::new(),
            level,
            score: 1.0,
            threshold: 1.0,
            confidence: 0.9,
            numbers: Vec::new(),
            baseline: Vec::new(),
            evidence: Vec::new(),
            hosts: [1, 1],
            technique: "T1046",
            acn: &[],
            explain_it: String::new(),
            explain_en: String::new(),
            took: Duration::default(),
            suppressed: None,
        }
    }

    fn context(from: [u8; 4], to: [u8; 4]) -> Context {
        let end = |addr: [u8; 4]| Some(Endpoint { addr: addr.into(), port: 1 });
        Context {
            flow_id: None,
            source: end(from),
            destination: end(to),
            protocol: 6,
            ip_version: 4,
            vlan: [0; 3],
            icmp: None,
        }
    }

    fn scanner() -> Quiet {
        Quiet {
            name: "inventory".to_owned(),
            sources: Some(networks(["192.168.10.16"]).unwrap()),
            ..Quiet::default()
        }
    }

    const FROM: [u8; 4] = [192, 168, 10, 16];
    const TO: [u8; 4] = [192, 168, 20, 5];

    #[test]
    fn hours_may_go_over_midnight_and_their_end_is_not_part_of_them() {
        let at =
            |hour: u64, minute: u64| Timestamp::new(20_000 * DAY + hour * 3600 + minute * 60, 7);
        let night = Hours::parse("22:00-06:30").unwrap();
        for (hour, minute, within) in [
            (22, 0, true),
            (23, 59, true),
            (0, 0, true),
            (6, 29, true),
            (6, 30, false),
            (21, 59, false),
        ] {
            assert_eq!(night.contain(at(hour, minute)), within, "{hour}:{minute}");
        }
        let day = Hours::parse("08:00-24:00").unwrap();
        assert!(day.contain(at(8, 0)) && day.contain(at(23, 59)));
        assert!(!day.contain(at(0, 0)) && !day.contain(at(7, 59)));
        for wrong in [
            "",
            "22:00",
            "22-06",
            "25:00-26:00",
            "08:60-09:00",
            "8:00-9:00",
            "08:00-08:00",
            "24:00-06:00",
        ] {
            assert_eq!(Hours::parse(wrong), Err(Mistake::Hours(wrong.to_owned())), "{wrong}");
        }
        assert!(Hours::parse("nine").unwrap_err().to_string().contains("22:00-06:00"));
    }

    #[test]
    fn dates_are_days_of_the_calendar() {
        for (text, civil) in [
            ("1970-01-01", [1970, 1, 1]),
            ("2024-02-29", [2024, 2, 29]),
            ("2025-03-01", [2025, 3, 1]),
            ("2026-12-31", [2026, 12, 31]),
            ("2100-03-01", [2100, 3, 1]),
        ] {
            let [year, month, day, rest @ ..] = date(text).unwrap().civil();
            assert_eq!(([year, month, day], rest), (civil, [0; 4]), "{text}");
        }
        for wrong in [
            "2025-02-29",
            "2100-02-29",
            "2025-13-01",
            "2025-00-10",
            "25-01-01",
            "2025-1-1",
            "2025-01-01-01",
            "soon",
        ] {
            assert_eq!(date(wrong), Err(Mistake::Date(wrong.to_owned())), "{wrong}");
        }
    }

    #[test]
    fn networks_are_read_or_refused() {
        let set = networks(["192.0.2.7", "10.0.0.0/8", "2001:db8::/32"]).unwrap();
        let has = |text: &str| set.contains(text.parse().unwrap());
        assert!(has("192.0.2.7") && has("10.9.9.9") && has("2001:db8::1"));
        assert!(!has("192.0.2.8") && !has("2001:db9::1"));
        for wrong in ["10.0.0.0/33", "10.0.0", "host", "10.0.0.0/x", ""] {
            assert_eq!(networks([wrong]), Err(Mistake::Network(wrong.to_owned())));
        }
    }

    #[test]
    fn an_authorised_scanner_may_take_stock_but_not_carry_data_out() {
        let mut rules = Suppressions::new(&[scanner()]);
        let now = Timestamp::new(20_000 * DAY, 0);
        let mut silent = |detector, level, from| {
            let finding = finding(detector, level);
            rules.finding(now, &context(from, TO), &finding).map(str::to_owned)
        };
        for detector in SCANNER {
            assert_eq!(silent(detector, Level::Medium, FROM).as_deref(), Some("inventory"));
        }
        assert_eq!(silent("scan", Level::High, FROM).as_deref(), Some("inventory"));
        // One that was taken over.
        assert_eq!(silent("lateral", Level::High, FROM), None);
        for detector in
            ["exfiltration", "dns-tunnel", "mass-change", "spoofing", "mining", "beacon"]
        {
            assert_eq!(silent(detector, Level::Medium, FROM), None, "{detector}");
        }
        assert_eq!(silent("bruteforce", Level::Critical, FROM), None);
        assert_eq!(silent("scan", Level::Medium, TO), None);
        let looks = Some(Stage::Reconnaissance);
        let ends = [Some(FROM.into()), Some(TO.into())];
        assert_eq!(rules.alert(now, ends, looks), Some("inventory"));
        let called = Some(Stage::CommandAndControl);
        assert_eq!(rules.alert(now, ends, called), None);
        assert_eq!(rules.alert(now, [Some(TO.into()), Some(FROM.into())], looks), None);
        let applied = Applied {
            name: "inventory".to_owned(),
            count: SCANNER.len() as u64 + 2,
            last: Some(now),
            missed: 0,
        };
        assert_eq!(rules.applied(), [applied]);
    }

    #[test]
    fn a_rule_goes_by_all_that_it_names_and_ends_in_packet_time() {
        let until = date("2025-03-12").unwrap();
        let rule = Quiet {
            name: "test of the line".to_owned(),
            detectors: ["flood", "scan"].map(str::to_owned).into(),
            destinations: Some(networks(["192.168.20.0/24"]).unwrap()),
            hours: Some(Hours::parse("22:00-02:00").unwrap()),
            until: Some(until),
            reason: "agreed with the provider".to_owned(),
            ..Quiet::default()
        };
        let mut rules = Suppressions::new(&[rule]);
        let eve = Timestamp::new(until.seconds() - 3600, 0);
        let mut silent = |at: Timestamp, detector, to| {
            let finding = finding(detector, Level::High);
            rules.finding(at, &context(FROM, to), &finding).map(str::to_owned)
        };
        let mark = Some("agreed with the provider".to_owned());
        assert_eq!(silent(eve, "scan", TO), mark);
        assert_eq!(silent(Timestamp::new(until.seconds() - 1, 999_999_999), "scan", TO), mark);
        assert_eq!(silent(until, "scan", TO), None, "the day itself is no longer part of it");
        assert_eq!(silent(Timestamp::new(eve.seconds() - 7200, 0), "scan", TO), None, "21:00");
        assert_eq!(silent(eve, "sweep", TO), None);
        assert_eq!(silent(eve, "scan", [192, 168, 21, 1]), None);
        let applied = rules.applied().first().unwrap();
        assert_eq!((applied.count, applied.missed), (2, 1));
        // The next night it would have silenced one more.
        let next = Timestamp::new(eve.seconds() + 86_400, 0);
        let loud = finding("scan", Level::High);
        assert_eq!(rules.finding(next, &context(FROM, TO), &loud), None);
        assert_eq!(rules.finding(next, &context(FROM, TO), &finding("sweep", Level::High)), None);
        let applied = rules.applied().first().unwrap();
        assert_eq!((applied.count, applied.missed), (2, 2));
        let warning = applied.warning().unwrap();
        assert!(warning.contains("'test of the line' is over") && warning.contains(" 2 since"));
    }

    #[test]
    fn rules_that_cannot_be_meant_are_refused_with_words() {
        let check = |rule: Quiet| check(&[rule]).map_err(|(_, mistake)| mistake.to_string());
        assert_eq!(check(scanner()), Ok(()));
        let all = check(Quiet { sources: None, ..scanner() }).unwrap_err();
        assert!(
            all.contains("'inventory'") && all.contains("neither a detector nor a source"),
            "{all}"
        );
        let detectors = ["scna".to_owned()].into();
        assert!(check(Quiet { detectors, ..scanner() }).unwrap_err().contains("'scna'"));
        assert!(check(Quiet { name: String::new(), ..scanner() }).is_err());
        assert_eq!(
            super::check(&[scanner(), scanner()]),
            Err((1, Mistake::Name("inventory".to_owned())))
        );
        let many: Vec<Quiet> =
            (0..=RULES_MAX).map(|number| Quiet { name: number.to_string(), ..scanner() }).collect();
        assert_eq!(super::check(&many), Err((RULES_MAX, Mistake::TooMany(RULES_MAX + 1))));
    }

    #[test]
    fn counts_are_kept_for_rules_that_are_still_there() {
        let now = Timestamp::new(20_000 * DAY, 0);
        let mut rules = Suppressions::new(&[scanner()]);
        rules.finding(now, &context(FROM, TO), &finding("scan", Level::Low));
        let other = Quiet { name: "another".to_owned(), ..scanner() };
        let mut next = Suppressions::new(&[other, scanner()]);
        next.load(&rules.save()).unwrap();
        let counts: Vec<u64> = next.applied().iter().map(|applied| applied.count).collect();
        assert_eq!(counts, [0, 1]);
        assert_eq!(next.load(&[9]), Err(Damaged));
    }
}
