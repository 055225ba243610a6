//! What is refused, and what the power may do.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

use std::cell::Cell;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use ring::rand::SystemRandom;

use super::format::Unsound;
use super::*;

const GOOD: &str =
    "alert http any any -> any any (msg:\"admin\"; http.uri; content:\"/admin\"; sid:9000001;)\n";
const NEXT: &str =
    "alert http any any -> any any (msg:\"shell\"; http.uri; content:\"/shell\"; sid:9000002;)\n";
/// Names the folder in a child that is to be killed.
const PLACE: &str = "RIVELLINO_TEST_PLACE";
/// After how many changes.
const CUT: &str = "RIVELLINO_TEST_CUT";

fn pair() -> Ed25519KeyPair {
    let secret = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    Ed25519KeyPair::from_pkcs8(secret.as_ref()).unwrap()
}

fn trusting(pair: &Ed25519KeyPair) -> Rules {
    asked(vec![pair.public_key().as_ref().try_into().unwrap()])
}

fn bundle_of(version: u64, rules: &str) -> Bundle {
    let files = vec![("town.rules".to_owned(), rules.as_bytes().to_vec())];
    Bundle { version, requires: [0, 1, 0], files }
}

/// A site in a folder that is gone with it.
struct Town {
    scratch: tempfile::TempDir,
    pair: Ed25519KeyPair,
    asked: Rules,
}

impl Town {
    fn new() -> Self {
        let pair = pair();
        Self { scratch: tempfile::tempdir().unwrap(), asked: trusting(&pair), pair }
    }

    fn shelf(&self) -> Shelf {
        Shelf::open(self.scratch.path()).unwrap()
    }

    fn take(&self, bytes: &[u8]) -> anyhow::Result<Installed> {
        let folder = self.scratch.path();
        let mut out = std::io::sink();
        install(bytes, &self.asked, &Config::default(), folder, &self.shelf(), &mut out)
    }

    fn in_force(&self) -> String {
        std::fs::read_to_string(self.shelf().current().join("town.rules")).unwrap()
    }
}

#[test]
fn what_is_wrong_is_refused_and_the_old_rules_stay() {
    let town = Town::new();
    let sound = bundle_of(5, GOOD).signed(&town.pair);
    assert_eq!(town.take(&sound).unwrap(), Installed::Now(5));
    assert_eq!(town.take(&sound).unwrap(), Installed::Before(5));
    assert_eq!(town.in_force(), GOOD);

    let next = bundle_of(6, NEXT);
    let mut changed = next.signed(&town.pair);
    *changed.last_mut().unwrap() ^= 1;
    let mut raised = bundle_of(5, NEXT).signed(&town.pair);
    let at = raised.windows(9).position(|part| part == b"version 5").unwrap();
    raised[at + 8] = b'7';
    let signed = next.signed(&town.pair);
    let newer = Bundle { requires: [0, 99, 0], ..next.clone() };
    let mut failing = NEXT.to_owned();
    failing.push_str("alert http any any -> any any (nonsense:1; sid:9000003;)\n");
    let noisy = "alert ip any any -> any any (msg:\"all\"; sid:9000004;)\n";
    let nothing = "alert http any any -> any any (nonsense:1; sid:9000003;)\n";
    let path = vec![("../x.rules".to_owned(), NEXT.as_bytes().to_vec())];
    let hidden = Bundle { files: path, ..next.clone() };
    let none = Bundle { files: Vec::new(), ..next.clone() };
    for (what, bytes, words) in [
        ("a byte was changed", changed, "or it was changed"),
        ("the version was raised", raised, "or it was changed"),
        ("cut off", signed[..signed.len() - 9].to_vec(), "or it was changed"),
        ("of another key", next.signed(&pair()), "none of the keys"),
        ("no bundle", GOOD.as_bytes().to_vec(), "no bundle of rules"),
        ("nothing", Vec::new(), "no bundle of rules"),
        ("other rules under its number", bundle_of(5, NEXT).signed(&town.pair), "a higher number"),
        ("an older version", bundle_of(4, NEXT).signed(&town.pair), "4 is not above 5"),
        ("a newer program", newer.signed(&town.pair), "needs rivellino 0.99.0"),
        ("no files", none.signed(&town.pair), "it is empty"),
        ("empty files", bundle_of(6, " \n\n").signed(&town.pair), "it is empty"),
        ("comments alone", bundle_of(6, "# nothing\n").signed(&town.pair), "none of its rules"),
        ("no rule loads", bundle_of(6, nothing).signed(&town.pair), "none of its rules"),
        ("half of it fails", bundle_of(6, &failing).signed(&town.pair), "1 of 2 rules do not"),
        ("alerts explode", bundle_of(6, noisy).signed(&town.pair), "on the canary it gives"),
        ("a path for a name", hidden.signed(&town.pair), "a name that is not plain"),
    ] {
        let refused = format!("{:#}", town.take(&bytes).expect_err(what));
        assert!(refused.contains(words), "{what}: {refused}");
        assert_eq!((town.shelf().version(), town.in_force()), (Some(5), GOOD.to_owned()), "{what}");
        let names = std::fs::read_dir(town.scratch.path()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        assert!(!names.collect::<Vec<_>>().iter().any(|name| name.ends_with(".new")), "{what}");
    }
    assert_eq!(town.take(&signed).unwrap(), Installed::Now(6), "what is right is taken");
    assert_eq!(town.in_force(), NEXT);
}

#[test]
fn each_flipped_bit_of_the_head_is_seen() {
    let pair = pair();
    let keys = [pair.public_key().as_ref().try_into().unwrap()];
    let bytes = bundle_of(1, GOOD).signed(&pair);
    assert!(Bundle::read(&bytes, &keys).is_ok());
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            // A capital digit is the same digit.
            let is_same = changed[at].eq_ignore_ascii_case(&bytes[at]) && at < 18 + 10 + 128;
            let read = Bundle::read(&changed, &keys);
            assert!(read.is_err() || is_same, "byte {at}, bit {bit}");
        }
    }
    assert_eq!(Bundle::read(&bytes, &[]), Err(Unsound::Untrusted));
}

#[test]
fn the_last_good_comes_back_and_what_was_taken_back_does_not() {
    let town = Town::new();
    assert!(town.shelf().roll_back().unwrap().is_none());
    for (version, rules) in [(1, GOOD), (2, NEXT)] {
        town.take(&bundle_of(version, rules).signed(&town.pair)).unwrap();
    }
    assert_eq!(town.shelf().roll_back().unwrap(), Some(1));
    assert_eq!(town.in_force(), GOOD);
    let again = town.take(&bundle_of(2, NEXT).signed(&town.pair)).unwrap();
    assert_eq!((again, town.in_force()), (Installed::Before(2), GOOD.to_owned()));
    let other = town.take(&bundle_of(2, GOOD).signed(&town.pair)).unwrap_err();
    assert!(other.is::<Refusal>(), "{other:#}");
    town.take(&bundle_of(3, NEXT).signed(&town.pair)).unwrap();
    assert_eq!((town.shelf().version(), town.shelf().last_good()), (Some(3), Some(1)));
    assert!(!town.scratch.path().join("version-2").exists(), "what nothing leads to is gone");
}

/// In a child: goes from the first rules to the next, and dies after so many changes.
#[test]
#[ignore = "a child of the test below"]
fn child_that_dies() {
    let (Ok(place), Ok(cut)) = (std::env::var(PLACE), std::env::var(CUT)) else { return };
    let cut: u32 = cut.parse().unwrap();
    let mut shelf = Shelf::open(Path::new(&place)).unwrap();
    let changes = Cell::new(0);
    shelf.changed = Box::new(move || {
        changes.set(changes.get() + 1);
        if changes.get() == cut {
            let own = std::process::id().to_string();
            Command::new("kill").args(["-KILL", &own]).status().unwrap();
            panic!("killed");
        }
    });
    let staged = shelf.stage(&bundle_of(2, NEXT)).unwrap();
    shelf.put_in_force(&staged, 2).unwrap();
}

#[test]
fn the_power_may_fail_after_every_change() {
    for (deaths, cut) in (1..100).enumerate() {
        let town = Town::new();
        // So that there is something to clear away, too.
        for version in [0, 1] {
            let staged = town.shelf().stage(&bundle_of(version, GOOD)).unwrap();
            town.shelf().put_in_force(&staged, version).unwrap();
        }
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["control::hub::bundle::tests::child_that_dies", "--exact", "--ignored"])
            .env(PLACE, town.scratch.path())
            .env(CUT, cut.to_string())
            .output()
            .unwrap()
            .status;
        let (version, rules) = (town.shelf().version().unwrap(), town.in_force());
        let whole = if version == 2 { NEXT } else { GOOD };
        assert!(version == 1 || version == 2, "cut {cut}: {version}");
        assert_eq!(rules, whole, "cut {cut}: version {version} is not whole");
        assert!(town.shelf().floor() >= version);
        if status.success() {
            assert_eq!(version, 2);
            assert!(deaths >= 10, "only {deaths} places to die");
            return;
        }
        assert_eq!(status.signal(), Some(9), "it died of something else");
        // The next run makes it good: the same bundle if it is not in force, another if it is.
        let next = version + 1;
        town.take(&bundle_of(next, NEXT).signed(&town.pair)).unwrap();
        assert_eq!((town.shelf().version(), town.in_force()), (Some(next), NEXT.to_owned()));
        assert_eq!(town.shelf().last_good(), Some(version), "cut {cut}");
    }
    panic!("it never came to its end");
}
