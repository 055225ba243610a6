//! From which strength on an attack is found.

use rivellino::anomaly::Settings;

use super::{each, keep};
use crate::support::findings::found;
use crate::support::office::Office;
use crate::support::office::attacks::{Attack, BEGIN, all};
use crate::support::office::chance::Chance;

/// Offices in which each is tried.
const SEEDS: std::ops::Range<u64> = 1..4;

/// Seconds from the attack's beginning to the first loud finding of it, and whether a quiet one
/// came.
fn trial((attack, strength, seed, delay): &(&Attack, u64, u64, u64)) -> (Option<f64>, bool) {
    let mut office = Office::corner(*seed, attack.length);
    let begin = office.start + delay;
    let chance = Chance::new(*seed, attack.name);
    office.attacks.push((attack.make)(*strength, chance, begin));
    let (told, _) = found(Box::new(office.traffic()), 1, &Settings::default());
    let of_it = |told: &&crate::support::findings::Told| {
        attack.detectors.contains(&told.detector) && attack.who.iter().any(|who| told.names(*who))
    };
    let loud = told.iter().filter(of_it).find(|told| told.is_loud());
    let seconds = loud.map(|told| (told.at.nanos().saturating_sub(begin)) as f64 / 1e9);
    (seconds, told.iter().any(|told| of_it(&told)))
}

/// A cell: of how many offices it was found in, and after how long in the middle.
fn cell(trials: &[(Option<f64>, bool)]) -> String {
    let mut seconds: Vec<f64> = trials.iter().filter_map(|(seconds, _)| *seconds).collect();
    seconds.sort_by(f64::total_cmp);
    let quiet = trials.iter().filter(|(seconds, quiet)| seconds.is_none() && *quiet).count();
    let quiet = if quiet > 0 { format!(" ({quiet} low)") } else { String::new() };
    match seconds.get(seconds.len() / 2) {
        Some(middle) => format!("{}/{} {middle:.0} s{quiet}", seconds.len(), trials.len()),
        None => format!("0/{}{quiet}", trials.len()),
    }
}

/// Attacks, each at some strengths, and what came of them in each office.
struct Trials(Vec<Tried>);

/// An attack, its strength, and what came of it.
type Tried = (&'static Attack, u64, Vec<(Option<f64>, bool)>);

impl Trials {
    /// Tries all attacks, so long after the first packet.
    fn of(strengths: fn(&'static Attack) -> &'static [u64], delay: u64) -> Self {
        let cases: Vec<(&Attack, u64)> = all()
            .flat_map(|attack| strengths(attack).iter().map(move |strength| (attack, *strength)))
            .collect();
        let cases_in = |case: &(&'static Attack, u64)| {
            SEEDS.map(|seed| (case.0, case.1, seed, delay)).collect::<Vec<_>>()
        };
        let trials: Vec<_> = cases.iter().flat_map(cases_in).collect();
        let results = each(&trials, trial);
        let results = results.chunks(SEEDS.count()).map(<[_]>::to_vec);
        Self(
            cases
                .into_iter()
                .zip(results)
                .map(|((attack, strength), of)| (attack, strength, of))
                .collect(),
        )
    }

    fn table(&self, title: &str) -> String {
        let mut table = format!(
            "# {title}\n\n| attack | strength: offices in which it is found, seconds to the finding |\n| --- | --- |\n"
        );
        for of in self.0.chunk_by(|left, right| std::ptr::eq(left.0, right.0)) {
            let row: Vec<String> = of
                .iter()
                .map(|(_, strength, trials)| format!("{strength}: {}", cell(trials)))
                .collect();
            table += &format!("| {} ({}) | {} |\n", of[0].0.name, of[0].0.unit, row.join("; "));
        }
        table
    }

    /// Whether each was found at its strongest in every office.
    fn strongest(&self) -> impl Iterator<Item = (&'static Attack, bool)> {
        let last = |(attack, strength, trials): &Tried| {
            (attack.strengths.last() == Some(strength))
                .then(|| (*attack, trials.iter().all(|(loud, _)| loud.is_some())))
        };
        self.0.iter().filter_map(last)
    }
}

/// The strongest of each is found in every office, but of those whose names begin so.
const NOT_YET: &[&str] = &[];

#[test]
fn attacks_by_strength() {
    let trials = Trials::of(|attack| attack.strengths, BEGIN);
    let table = trials.table("From which strength on attacks are found");
    println!("{table}");
    let missed: Vec<&str> = trials
        .strongest()
        .filter(|(attack, found)| {
            !found && !NOT_YET.iter().any(|name| attack.name.starts_with(name))
        })
        .map(|(attack, _)| attack.name)
        .collect();
    assert!(missed.is_empty(), "not found at full strength: {missed:?}");
    keep("strength.md", &table);
}

/// What was there from the first packet on must not pass for what is usual.
#[test]
fn attacks_from_the_first_packet_on() {
    let trials = Trials::of(|attack| &attack.strengths[attack.strengths.len() - 1..], 0);
    let table = trials.table("Attacks that are there from the first packet on");
    println!("{table}");
    let missed: Vec<&str> = trials
        .strongest()
        .filter(|(attack, found)| {
            !found && !NOT_YET.iter().any(|name| attack.name.starts_with(name))
        })
        .map(|(attack, _)| attack.name)
        .collect();
    assert!(missed.is_empty(), "taken for usual: {missed:?}");
    keep("pollution.md", &table);
}
