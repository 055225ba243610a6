//! Over captures of which it is known what is in them: found, missed, false, and how soon.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rivellino::anomaly::Settings;
use rivellino::capture;
use rivellino::record::Level;
use rivellino::time::Timestamp;

use super::{each, keep};
use crate::support::corpus;
use crate::support::findings::{Told, found};

/// Which detectors may find what a label says; none named means any of them.
const ACCEPTED: &[(&str, &[&str])] = &[
    ("scan", &["scan", "sweep"]),
    ("bruteforce", &["bruteforce", "spray"]),
    ("dos", &["flood", "amplification"]),
    ("dns-tunnel", &["dns-tunnel", "covert-tunnel"]),
    ("icmp-tunnel", &["covert-tunnel"]),
    ("beacon", &["beacon"]),
    ("exfil", &["exfiltration"]),
    ("mitm", &["spoofing"]),
    ("lateral", &["lateral", "mass-change", "spray", "bruteforce", "sweep"]),
    ("malware", &[]),
];
/// Labels of which every capture must be found; those that are not yet, and how many are.
const DEMANDED: &[&str] =
    &["scan", "bruteforce", "dos", "dns-tunnel", "icmp-tunnel", "beacon", "exfil"];
const REACHED: &[(&str, usize)] = &[];
/// Benign captures of which one may be told loudly.
const BENIGN_PER_FALSE: usize = 20;

pub struct Case {
    pub path: PathBuf,
    pub label: String,
}

struct Judged {
    told: Vec<Told>,
    first: Option<Timestamp>,
}

/// All labelled captures.
pub fn all_cases(folder: &Path) -> Vec<Case> {
    let text = std::fs::read_to_string(folder.join("labels.tsv")).unwrap();
    let lines = text.lines().skip(1).map(|line| line.split('\t').collect::<Vec<_>>());
    let cases = lines
        .filter(|f| f.len() > 1)
        .map(|f| Case { path: folder.join(f[0]), label: f[1].to_owned() });
    cases.collect()
}

fn cases(folder: &Path) -> Vec<Case> {
    let mut cases = all_cases(folder);
    cases.retain(|case| accepted(&case.label).is_some() || is_benign(case));
    cases
}

fn accepted(label: &str) -> Option<&'static [&'static str]> {
    ACCEPTED.iter().find(|(name, _)| *name == label).map(|(_, detectors)| *detectors)
}

/// Whether nothing is wrong in it.
pub fn is_benign(case: &Case) -> bool {
    case.label.starts_with("benign") || case.label.starts_with("trap")
}

fn first_packet(path: &Path) -> Option<Timestamp> {
    let mut batch = capture::Batch::default();
    let mut source = capture::open(&[path.to_path_buf()], None).ok()?;
    source.read(&mut batch, 1).ok()?;
    batch.frames.first().map(|frame| frame.timestamp)
}

fn judge(case: &Case) -> Judged {
    let source = capture::open(std::slice::from_ref(&case.path), None);
    let told = source.map(|source| found(source, 1, &Settings::default()).0).unwrap_or_default();
    Judged { told, first: first_packet(&case.path) }
}

#[test]
fn labelled_captures() {
    let Some(corpus) = corpus("detectors over labelled captures") else { return };
    let cases = cases(&corpus.join("labelled"));
    let judged = each(&cases, judge);
    let mut by_label: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
    let mut by_detector: BTreeMap<(&str, &str), [usize; 2]> = BTreeMap::new();
    let (mut rows, mut worst) = (String::new(), Vec::new());
    let (mut benign, mut wrong) = (0, 0);
    for (case, judged) in cases.iter().zip(&judged) {
        let name = case.path.file_name().unwrap().to_string_lossy();
        let loud: Vec<&Told> = judged.told.iter().filter(|told| told.is_loud()).collect();
        for detector in
            BTreeMap::from_iter(judged.told.iter().map(|told| (told.detector, ()))).keys()
        {
            let is_loud = loud.iter().any(|told| told.detector == *detector);
            let counts = by_detector.entry((detector, &case.label)).or_default();
            counts[usize::from(!is_loud)] += 1;
        }
        if is_benign(case) {
            benign += 1;
            wrong += usize::from(!loud.is_empty());
            worst.extend(
                loud.iter()
                    .filter(|t| t.level > Level::Medium)
                    .map(|t| format!("{name}: {}", t.title)),
            );
        }
        let detectors = accepted(&case.label);
        let hit = loud.iter().find(|told| {
            detectors
                .is_none_or(|accepted| accepted.is_empty() || accepted.contains(&told.detector))
        });
        let counts = by_label.entry(&case.label).or_default();
        counts[0] += usize::from(hit.is_some());
        counts[1] += 1;
        if let Some(hit) = hit {
            let since = judged.first.map_or(0.0, |first| hit.at.since(first).as_secs_f64());
            rows += &format!(
                "| {} | {name} | {} {} | {} | {since:.1} | {:.1} |\n",
                case.label,
                hit.detector,
                hit.sid,
                hit.level.name(),
                hit.took
            );
        } else if !is_benign(case) {
            rows += &format!("| {} | {name} | missed | | | |\n", case.label);
        }
    }
    let mut table =
        "# Labelled captures\n\n| label | told above low | of |\n| --- | --- | --- |\n".to_owned();
    by_label
        .iter()
        .for_each(|(label, [told, all])| table += &format!("| {label} | {told} | {all} |\n"));
    table += "\n| detector | label | captures above low | captures at most low |\n| --- | --- | --- | --- |\n";
    for ((detector, label), [loud, quiet]) in &by_detector {
        table += &format!("| {detector} | {label} | {loud} | {quiet} |\n");
    }
    table += "\n| label | capture | told by | level | seconds from the first packet | from the first thing seen |\n\
              | --- | --- | --- | --- | --- | --- |\n";
    table += &rows;
    println!("{table}");
    for label in DEMANDED {
        let [got, all] = by_label.get(label).copied().unwrap_or_default();
        let least = REACHED.iter().find(|(name, _)| name == label).map_or(all, |(_, least)| *least);
        assert!(got >= least, "{label}: {got} of {all} found, at least {least} were");
        if got < all {
            println!("missing: {label}, {} of {all}", all - got);
        }
    }
    assert!(
        wrong * BENIGN_PER_FALSE <= benign,
        "{wrong} of {benign} benign captures are told loudly"
    );
    assert!(worst.is_empty(), "high on benign captures:\n{}", worst.join("\n"));
    keep("labelled.md", &table);
}
