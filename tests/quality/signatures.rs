//! What the bundled rules alert on in captures of which it is known what is in them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use rivellino::anomaly::Settings;
use rivellino::capture;

use super::labelled::{all_cases, is_benign};
use super::{each, keep};
use crate::rules::{alerts_of, bundled};
use crate::support::corpus;
use crate::support::findings::found;

/// Of so many benign captures one may have an alert.
const BENIGN_PER_ALERT: usize = 20;

#[test]
fn bundled_rules_over_labelled_captures() {
    let Some(corpus) = corpus("bundled rules over labelled captures") else { return };
    let (ruleset, _) = bundled();
    let cases = all_cases(&corpus.join("labelled"));
    let judged = each(&cases, |case| {
        let open = || capture::open(std::slice::from_ref(&case.path), None).unwrap();
        let told = found(open(), 1, &Settings::default()).0;
        (alerts_of(&ruleset, open()), told.iter().any(|told| told.is_loud()))
    });
    let mut by_label: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    let mut rows = String::new();
    let (mut benign, mut wrong) = (0, 0);
    for (case, (sids, loud)) in cases.iter().zip(&judged) {
        let [by_rules, by_either, all] = by_label.entry(&case.label).or_default();
        *by_rules += usize::from(!sids.is_empty());
        *by_either += usize::from(!sids.is_empty() || *loud);
        *all += 1;
        benign += usize::from(is_benign(case));
        wrong += usize::from(is_benign(case) && !sids.is_empty());
        let name = case.path.file_name().unwrap().to_string_lossy();
        let sids: Vec<String> = sids.iter().map(u32::to_string).collect();
        if !sids.is_empty() {
            writeln!(rows, "| {} | {name} | {} |", case.label, sids.join(" ")).unwrap();
        } else if ["exploit", "ics-critical-op"].contains(&case.label.as_str()) {
            let told = if *loud { "by behaviour alone" } else { "missed" };
            writeln!(rows, "| {} | {name} | {told} |", case.label).unwrap();
        }
    }
    let mut table =
        "# Bundled rules over labelled captures\n\n| label | with an alert of a rule | or a \
                     finding above low | of |\n| --- | --- | --- | --- |\n"
            .to_owned();
    for (label, [by_rules, by_either, all]) in by_label {
        writeln!(table, "| {label} | {by_rules} | {by_either} | {all} |").unwrap();
    }
    table += "\n| label | capture | rules |\n| --- | --- | --- |\n";
    table += &rows;
    assert!(wrong * BENIGN_PER_ALERT <= benign, "{wrong} of {benign} benign captures have alerts");
    keep("signatures.md", &table);
}
