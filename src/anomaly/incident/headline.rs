//! The line over an incident: the gravest that was done, by whom, to whom. Only those who met are
//! named together: a case may hold many who did not.

use std::net::IpAddr;

use super::case::{Case, DETECTORS_FROM};
use super::words::{About, HOSTS_NAMED, deed, hosts, name};
use crate::anomaly::Said;
use crate::record::{Cause, TimelineEntry};

/// The last of the gravest: how far it came.
fn gravest(case: &Case) -> Option<&Cause> {
    case.causes.iter().max_by_key(|cause| cause.level)
}

/// Who did the gravest, and to whom.
pub(super) fn ends(case: &Case) -> [Option<IpAddr>; 2] {
    gravest(case).map_or([None; 2], |cause| [cause.source, cause.target])
}

/// `Scansione di porte: 203.0.113.9 verso 10.0.0.9`.
pub(super) fn title(case: &Case, about: &About<'_>) -> Said {
    let Some(cause) = gravest(case) else { return Said::default() };
    let (what, (who, whom)) = (deed(cause), parties(case, cause, about));
    let line = |what: &str, who: Option<&str>, whom: Option<&str>, towards: &str| {
        let who = who.map_or_else(String::new, |who| format!(": {who}"));
        let whom = whom.map_or_else(String::new, |whom| format!(" {towards} {whom}"));
        format!("{}{who}{whom}", capital(what))
    };
    let it = |said: &'_ Option<Said>| said.as_ref().map(|said| said.it.clone());
    let en = |said: &'_ Option<Said>| said.as_ref().map(|said| said.en.clone());
    Said::new(
        line(&what.it, it(&who).as_deref(), it(&whom).as_deref(), "verso"),
        line(&what.en, en(&who).as_deref(), en(&whom).as_deref(), "towards"),
    )
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    first + chars.as_str()
}

/// Those who did it and those to whom it was done: one to all of these, or all of these to one.
fn parties(case: &Case, cause: &Cause, about: &About<'_>) -> (Option<Said>, Option<Said>) {
    let of_cause = |entry: &&TimelineEntry| {
        let same = entry.gid >= DETECTORS_FROM || entry.sid == cause.sid;
        same && entry.gid == cause.gid && entry.level == cause.level
    };
    let entries: Vec<&TimelineEntry> = case.timeline.iter().filter(of_cause).collect();
    let theirs = entries.iter().filter(|entry| entry.source == cause.source);
    let targets = distinct(cause.target, theirs.map(|entry| entry.target));
    let alike = entries.iter().filter(|entry| entry.target == cause.target);
    let sources = match targets.len() {
        0 | 1 => distinct(cause.source, alike.map(|entry| entry.source)),
        _ => cause.source.into_iter().collect(),
    };
    let whole = case.omitted == 0;
    let alone = case.causes.len() == 1 && case.causes_omitted == 0;
    // How many they are, if that is known.
    let total = |named: &[IpAddr], least: u64, all: u64, single: bool| match () {
        () if whole || named.len() < 2 => Some(least.max(named.len() as u64)),
        () if alone && single => Some(all),
        () => None,
    };
    let ([some, others], from, to) = (cause.hosts, case.sources.total(), case.targets.total());
    let who = total(&sources, some, from, to <= 1);
    let whom = total(&targets, others, to, from <= 1);
    (told(&sources, who, about), told(&targets, whom, about))
}

fn distinct(first: Option<IpAddr>, others: impl Iterator<Item = Option<IpAddr>>) -> Vec<IpAddr> {
    let mut list: Vec<IpAddr> = first.into_iter().collect();
    for other in others.flatten() {
        if !list.contains(&other) {
            list.push(other);
        }
    }
    list
}

fn told(list: &[IpAddr], total: Option<u64>, about: &About<'_>) -> Option<Said> {
    let Some(total) = total else {
        let named = list.iter().take(HOSTS_NAMED).map(|address| name(*address, about));
        let named = named.collect::<Vec<_>>().join(", ");
        return Some(Said::new(
            format!("{named} e altre macchine"),
            format!("{named} and other hosts"),
        ));
    };
    hosts(list, total, about)
}
