//! What is found does not depend on how many work, nor on a rest in the middle.

use rivellino::anomaly::Settings;

use crate::support::findings::{Heard, Told, found_with_rests, heard};
use crate::support::office::Office;
use crate::support::office::attacks::{BEGIN, all};
use crate::support::office::chance::Chance;
use crate::support::office::wire::{HOUR, MINUTE};

/// An office in which all attacks but the floods happen one after the other.
fn besieged() -> Box<dyn rivellino::capture::Source> {
    let mut office = Office::corner(5, 2 * HOUR);
    for (number, attack) in all().filter(|attack| !attack.name.contains("flood")).enumerate() {
        let begin = office.start + BEGIN + number as u64 * 2 * MINUTE;
        let strongest = *attack.strengths.last().unwrap();
        office.attacks.push((attack.make)(strongest, Chance::new(5, attack.name), begin));
    }
    Box::new(office.traffic())
}

fn difference(left: &[Told], right: &[Told]) -> String {
    let only = |these: &[Told], those: &[Told]| -> Vec<String> {
        let lone = these.iter().filter(|told| !those.contains(told));
        lone.map(|told| format!("  {} {} {} {}", told.at, told.detector, told.title, told.text))
            .collect()
    };
    format!(
        "first only:\n{}\nsecond only:\n{}",
        only(left, right).join("\n"),
        only(right, left).join("\n")
    )
}

fn assert_same(one: &Heard, other: &Heard, what: &str) {
    let (left, right) = (&one.findings, &other.findings);
    assert!(left == right, "{what}: {}", difference(left, right));
    assert_eq!(one.incident_texts(), other.incident_texts(), "{what}");
}

#[test]
fn findings_and_incidents_are_the_same_for_any_number_of_workers_and_any_run() {
    let first = heard(besieged(), 1, &Settings::default());
    assert!(!first.findings.is_empty() && !first.incidents.is_empty());
    for workers in [1, 2, 4] {
        let other = heard(besieged(), workers, &Settings::default());
        assert_same(&first, &other, &format!("1 worker, then {workers}"));
    }
}

#[test]
fn findings_and_incidents_are_the_same_when_all_is_saved_and_loaded_between() {
    let whole = heard(besieged(), 1, &Settings::default());
    let rested = found_with_rests(besieged().as_mut(), 20);
    assert_same(&whole, &rested, "whole, then with rests");
}
