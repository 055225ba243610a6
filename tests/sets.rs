//! Sets of values that rules fill and that outlast a run (`--data-dir`), as people meet them.

use std::path::Path;
use std::process::Command;

use crate::support::root;

const SET: &str = r#"alert dns any any -> any any (dns.query; dataset:set,names,type string,state names.lst; sid:1;)
alert dns any any -> any any (ip.src; dataset:set,hosts,type ip,save hosts.lst; sid:2;)
"#;
const ASK: &str = r#"alert dns any any -> any any (dns.query; dataset:isset,names,type string,state names.lst; sid:3;)
alert dns any any -> any any (dns.query; dataset:set,names,type string,state names.lst; sid:4;)
"#;

/// Replays in the folder `place`; the exit code, and what was said.
fn replay(place: &Path, rules: &str, options: &[&str]) -> (i32, String) {
    std::fs::write(place.join("a.rules"), rules).unwrap();
    let capture = root().join("pcaps/dns.pcap");
    let mut command = Command::new(env!("CARGO_BIN_EXE_rivellino"));
    command.current_dir(place).env_remove("RUST_LOG");
    command.args(["replay", "--no-anomaly", "-S", "a.rules", "-o", "out"]);
    let output = command.args(options).arg(capture).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// How often a rule has alerted.
fn alerts(place: &Path, sid: u32) -> usize {
    let eve = std::fs::read_to_string(place.join("out/eve.json")).unwrap();
    eve.lines().filter(|line| line.contains(&format!("\"signature_id\":{sid},"))).count()
}

#[test]
fn sets_outlast_a_replay() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let read = |file: &str| std::fs::read_to_string(place.join("data").join(file)).unwrap();
    let mut seen = Vec::new();
    for workers in ["1", "2", "4"] {
        let _ = std::fs::remove_dir_all(place.join("data"));
        let said = replay(place, SET, &["--data-dir", "data", "-n", workers]);
        assert_eq!(said.0, 0, "{}", said.1);
        assert!(alerts(place, 1) > 0 && alerts(place, 2) > 0);
        seen.push((read("names.lst"), read("hosts.lst")));
    }
    assert!(seen.iter().all(|files| *files == seen[0]), "whatever the number of workers");
    let (names, hosts) = &seen[0];
    assert_eq!(names.lines().count(), alerts(place, 1));
    assert!(hosts.lines().all(|host| host.parse::<std::net::IpAddr>().is_ok()), "{hosts}");

    // What the first has put there is known to the second, which adds nothing.
    assert_eq!(replay(place, ASK, &["--data-dir", "data"]).0, 0);
    assert!(alerts(place, 3) >= names.lines().count());
    assert_eq!((alerts(place, 4), &read("names.lst")), (0, names));

    // A damaged file costs its rules, and stays as it is; the other set is kept.
    std::fs::write(place.join("data/names.lst"), "!\n").unwrap();
    let (code, said) = replay(place, SET, &["--data-dir", "data"]);
    assert!(code == 0 && said.contains("names.lst: line 1"), "{said}");
    assert_eq!((read("names.lst").as_str(), &read("hosts.lst")), ("!\n", hosts));
    // So does one that `save` would write over: the run says so with its exit code.
    std::fs::write(place.join("data/hosts.lst"), "no address\n").unwrap();
    let (code, said) = replay(place, SET, &["--data-dir", "data"]);
    assert!(code == 1 && said.contains("data/hosts.lst: the set `hosts` is not kept"), "{said}");
}

#[test]
fn without_a_folder_nothing_is_kept_and_that_is_said() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    std::fs::write(place.join("rivellino.toml"), "data-dir = \"data\"\n").unwrap();
    let (code, said) = replay(place, SET, &[]);
    assert_eq!((code, said.matches("--data-dir").count()), (0, 1), "{said}");
    assert!(!place.join("data").exists(), "the sets of a sensor are not mixed with a replay's");
    let each = replay(place, SET, &["--each", "--data-dir", "data"]);
    assert!(each.0 == 1 && each.1.contains("--each begins anew"), "{}", each.1);
    let (_, each) = replay(place, SET, &["--each"]);
    assert_eq!(each.matches("--data-dir").count(), 1, "{each}");
    let above =
        "alert dns any any -> any any (dns.query; dataset:set,n,type string,state ../n; sid:1;)\n";
    let (_, said) = replay(place, above, &["--data-dir", "data"]);
    assert!(said.contains("`../n`"), "{said}");
    assert!(!place.join("n").exists() && !place.join("data").exists());
}
