#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
//! What holds for every detector of the list.

use std::collections::BTreeSet;

use super::*;

#[test]
fn names_numbers_and_parameters_are_sound() {
    // Each has a bit in the words that say who sees what.
    assert!(DETECTORS.len() <= u32::BITS as usize);
    let mut names = BTreeSet::new();
    let mut gids = BTreeSet::new();
    for kind in DETECTORS {
        assert!(names.insert(kind.name) && gids.insert(kind.gid) && kind.gid >= 9100);
        assert!(kind.help.ends_with('.') && kind.algorithm.ends_with('.'), "{}", kind.name);
        assert!(!kind.references.is_empty() && !kind.sees.is_empty(), "{}", kind.name);
        // A sort beyond the count would never be shown to anybody.
        assert!(kind.sees.iter().all(|sort| (*sort as usize) < Sort::COUNT), "{}", kind.name);
        let of_transactions = kind.sees.contains(&Sort::Transaction);
        assert_eq!(of_transactions, !kind.reads.is_empty(), "{}", kind.name);
        let mut parameters = BTreeSet::new();
        for parameter in kind.parameters {
            let name = parameter.name;
            assert!(parameters.insert(name), "{} has two of {name}", kind.name);
            assert!(name.bytes().all(|c| c.is_ascii_lowercase() || c == b'-'), "{name}");
            assert!(parameter.help.ends_with('.'), "{} {name}", kind.name);
            assert!(parameter.values.iter().all(|value| value.is_finite()), "{name}");
        }
    }
}

#[test]
fn a_fresh_detector_saves_and_loads_and_refuses_what_is_damaged() {
    let on = tuning::ADVISORY.iter().map(|name| (*name).to_owned()).collect();
    let settings = Settings { on, ..Settings::default() };
    let mut behaviour = Behaviour::new(&Site::default(), &settings);
    let saved = behaviour.save();
    assert_eq!(saved.len(), DETECTORS.len() + 3);
    for (name, bytes) in saved {
        assert_eq!(behaviour.load(name, &bytes), Ok(true), "{name}");
        let longer = [&bytes[..], &[7]].concat();
        assert_eq!(behaviour.load(name, &longer), Err(Damaged), "{name}");
        if let Some((_, shorter)) = bytes.split_last() {
            assert_eq!(behaviour.load(name, shorter), Err(Damaged), "{name}");
        }
    }
    assert_eq!(behaviour.load("no such detector", &[]), Ok(false));
}
