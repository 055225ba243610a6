//! The program as people meet it: exit codes, messages, help.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rivellino::control::config::KEYS;

use crate::support::root;

const DONE: i32 = 0;
const REFUSED: i32 = 1;
const INPUT: i32 = 2;

/// The program in an empty folder, so that no configuration is found by chance.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rivellino"));
        command.args(arguments).current_dir(self.path()).env_remove("RUST_LOG");
        command
    }

    #[track_caller]
    fn run(&self, arguments: &[&str], code: i32) -> Said {
        self.check(self.command(arguments).output().unwrap(), code)
    }

    #[track_caller]
    fn check(&self, output: Output, code: i32) -> Said {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let said = Said { out: text(&output.stdout), error: text(&output.stderr) };
        assert_eq!(output.status.code(), Some(code), "{}\n{}", said.out, said.error);
        assert!(!said.error.contains("panicked"), "{}", said.error);
        said
    }
}

#[derive(Debug)]
struct Said {
    out: String,
    error: String,
}

impl Said {
    #[track_caller]
    fn complains(&self, words: &[&str]) {
        for word in words {
            assert!(self.error.contains(word), "{word:?} is not in {:?}", self.error);
        }
    }
}

fn capture(name: &str) -> String {
    root().join("pcaps").join(name).to_str().unwrap().to_owned()
}

fn lines(path: &Path) -> usize {
    std::fs::read_to_string(path).unwrap().lines().count()
}

#[test]
fn an_input_that_cannot_be_read_is_named() {
    let place = Place::new();
    place.run(&["replay", "missing.pcap"], INPUT).complains(&["missing.pcap", "No such file"]);
    place.write("empty.pcap", b"");
    place.run(&["replay", "empty.pcap"], INPUT).complains(&["empty.pcap", "empty"]);
    std::fs::create_dir(place.path().join("folder")).unwrap();
    place.run(&["replay", "folder"], INPUT).complains(&["folder"]);
    place.write("letter.txt", b"Dear sir or madam, this is a letter and no capture at all.\n");
    place.run(&["replay", "letter.txt"], INPUT).complains(&["letter.txt"]);
    // The others are read none the less when each is for itself.
    let dns = capture("dns.pcap");
    let each = ["replay", "--each", "-o", "out", "missing.pcap", &dns];
    place.run(&each, INPUT).complains(&["missing.pcap"]);
    assert!(lines(&place.path().join("out/dns.pcap/eve.json")) > 10);
}

#[test]
fn a_file_that_is_cut_off_gives_what_is_there_and_a_warning() {
    let place = Place::new();
    let whole = std::fs::read(capture("dns.pcap")).unwrap();
    place.write("cut.pcap", &whole[..whole.len() - 7]);
    let said = place.run(&["replay", "-o", "out", "cut.pcap"], DONE);
    said.complains(&["cut.pcap", "byte"]);
    let digits: String = said
        .error
        .split("byte")
        .skip(1)
        .flat_map(|rest| rest.split(|c: char| !c.is_ascii_digit()).find(|word| !word.is_empty()))
        .collect();
    let at: usize = digits.parse().unwrap();
    assert!(at > 24 && at < whole.len(), "{at}");
    assert!(lines(&place.path().join("out/eve.json")) > 10);
    // Only the header.
    place.write("head.pcap", &whole[..24]);
    place.run(&["replay", "-o", "none", "head.pcap"], DONE);
    assert_eq!(lines(&place.path().join("none/eve.json")), 0);
    place.write("half-a-head.pcap", &whole[..13]);
    place.run(&["replay", "half-a-head.pcap"], INPUT).complains(&["half-a-head.pcap"]);
}

#[test]
fn what_cannot_be_asked_is_refused_with_a_hint() {
    let place = Place::new();
    let dns = capture("dns.pcap");
    for (arguments, words) in [
        (&["replay", "--no-such-option", &dns][..], &["--no-such-option"][..]),
        (&["replay", "--worker", "2", &dns], &["--workers"]),
        (&["replay", "-n", "two", &dns], &["two"]),
        (&["replay", "--checksums", "maybe", &dns], &["verify", "ignore"]),
        (&["replay", "--var", "X", &dns], &["NAME=VALUE"]),
        (&["replay"], &["CAPTURE"]),
        (&["reply", &dns], &["replay"]),
    ] {
        let output = place.command(arguments).output().unwrap();
        let code = output.status.code().unwrap();
        assert!(code == REFUSED || code == INPUT, "{arguments:?}: {code}");
        place.check(output, code).complains(words);
    }
    for (arguments, words) in [
        (&["replay", "-n", "0", &dns][..], &["workers", "0"][..]),
        (&["replay", "-n", "100000", &dns], &["workers", "256"]),
        (&["replay", "--home-net", "10.0.0.0/33", &dns], &["home-net", "10.0.0.0/33"]),
        (&["replay", "--home-net", "the office", &dns], &["home-net", "the office"]),
        (&["replay", "-S", "missing.rules", &dns], &["missing.rules"]),
        (&["replay", "--config", "missing.toml", &dns], &["missing.toml"]),
        (&["replay", "--flow-memory", "0", &dns], &["flow-memory"]),
        (&["watch"], &["interface"]),
    ] {
        place.run(arguments, REFUSED).complains(words);
    }
    let bpf = place.run(&["replay", "--bpf", "tcp and and", &dns], INPUT);
    bpf.complains(&["tcp and and"]);
    place.run(&["replay", "--bpf", "udp", "-q", &dns], DONE);
}

#[test]
fn the_configuration_names_the_nearest_key() {
    let place = Place::new();
    let dns = capture("dns.pcap");
    place.write("rivellino.toml", b"wrokers = 2\nbuffer = 0\n");
    for arguments in [&["replay", &dns][..], &["config", "check"], &["config", "show"]] {
        let said = place.run(arguments, REFUSED);
        said.complains(&["rivellino.toml:1", "wrokers", "did you mean workers", "buffer"]);
    }
    place.write("rivellino.toml", b"workers = 2\noutput = \"here\"\nquiet = true\n");
    let said = place.run(&["replay", &dns], DONE);
    assert_eq!(said.out, "");
    assert!(lines(&place.path().join("here/eve.json")) > 10);
    place.run(&["config", "check"], DONE);
    let shown = place.run(&["config", "show"], DONE).out;
    assert!(shown.contains("workers = 2"), "{shown}");
    KEYS.iter().for_each(|key| assert!(shown.contains(key.name), "{} is not shown", key.name));
    // What is shown can be read again.
    place.write("again.toml", shown.as_bytes());
    assert_eq!(place.run(&["config", "show", "--config", "again.toml"], DONE).out, shown);
}

#[test]
fn a_bad_rule_costs_only_itself() {
    let place = Place::new();
    let rules = "alert dns any any -> any any (msg:\"good\"; dns.query; content:\"e\"; sid:1;)\n\
                 alert dns any any -> any any (msg:\"bad\"; dns.qury; content:\"e\"; sid:2;)\n\
                 this is no rule\n";
    place.write("some.rules", rules.as_bytes());
    let dns = capture("dns.pcap");
    place.run(&["replay", "-S", "some.rules", "-o", "out", &dns], DONE);
    let eve = std::fs::read_to_string(place.path().join("out/eve.json")).unwrap();
    assert!(eve.contains("\"signature_id\":1,"));
    let summary = std::fs::read_to_string(place.path().join("out/summary.json")).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    assert_eq!((&summary["rules"]["loaded"], &summary["rules"]["failed"]), (&1.into(), &2.into()));
    let output = place.command(&["rules", "check", "-S", "some.rules"]).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    for word in ["some.rules:2", "dns.qury", "dns.query", "some.rules:3"] {
        assert!(text.contains(word), "{word:?} is not in {text}");
    }
}

#[test]
fn that_no_rule_loads_is_told_however_quiet() {
    let place = Place::new();
    place.write("bad.rules", b"this is no rule\n");
    place.write("empty.rules", b"# none is wanted\n");
    let dns = capture("dns.pcap");
    let replay = |rules| place.run(&["replay", "-q", "-S", rules, "-o", "out", &dns], DONE);
    replay("bad.rules").complains(&["none of the rules", "rivellino rules check"]);
    assert_eq!(replay("empty.rules").error, "");
}

#[test]
fn each_capture_has_a_folder_of_its_own() {
    let place = Place::new();
    let (dns, modbus) = (capture("dns.pcap"), capture("modbus.pcap"));
    place.run(&["replay", "--each", "-q", "-o", "out", &dns, &modbus], DONE);
    place.run(&["replay", "-q", "-o", "alone", &modbus], DONE);
    let read = |path: &str| std::fs::read(place.path().join(path)).unwrap();
    for name in ["dns.pcap", "modbus.pcap"] {
        assert!(!read(&format!("out/{name}/eve.json")).is_empty());
        assert!(!read(&format!("out/{name}/summary.json")).is_empty());
    }
    assert_eq!(read("out/modbus.pcap/eve.json"), read("alone/eve.json"), "fresh state for each");
    // Together they are one input, in the order of time, however they are named.
    place.run(&["replay", "-q", "-o", "there", &dns, &modbus], DONE);
    place.run(&["replay", "-q", "-o", "back", &modbus, &dns], DONE);
    assert_eq!(read("there/eve.json"), read("back/eve.json"));
}

#[test]
fn standard_input_is_a_capture_too() {
    let place = Place::new();
    let path = capture("modbus.pcap");
    place.run(&["replay", "-q", "-o", "file", &path], DONE);
    let mut child = place
        .command(&["replay", "-q", "-o", "stdin", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&std::fs::read(path).unwrap()).unwrap();
    place.check(child.wait_with_output().unwrap(), DONE);
    let read = |path: &str| std::fs::read(place.path().join(path)).unwrap();
    assert_eq!(read("file/eve.json"), read("stdin/eve.json"));
}

#[test]
fn output_that_cannot_be_written_is_refused() {
    let place = Place::new();
    let dns = capture("dns.pcap");
    place.write("taken", b"a file where a folder should be");
    place.run(&["replay", "-o", "taken", &dns], REFUSED).complains(&["taken"]);
    place.run(&["replay", "-o", "/proc/none", &dns], REFUSED).complains(&["/proc/none"]);
    std::fs::create_dir_all(place.path().join("out/eve.json")).unwrap();
    place.run(&["replay", "-o", "out", &dns], REFUSED).complains(&["eve.json"]);
}

/// Whoever reads the output may stop reading at any time.
#[test]
fn a_closed_pipe_is_no_failure() {
    let place = Place::new();
    let dns = capture("dns.pcap");
    for arguments in [
        &["replay", &dns][..],
        &["rules", "list"],
        &["rules", "check"],
        &["config", "show"],
        &["completions", "bash"],
        &["man"],
        &["--help"],
    ] {
        let (read, write) = std::io::pipe().unwrap();
        drop(read);
        let mut command = place.command(arguments);
        let output = command.stdout(write).stderr(Stdio::piped()).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!error.contains("panicked"), "{arguments:?}: {error}");
        assert_eq!(output.status.code(), Some(DONE), "{arguments:?}: {error}");
    }
}

/// Help, man page and completions come from one declaration: each subcommand has its page.
#[test]
fn every_subcommand_has_help() {
    use clap::CommandFactory;
    let place = Place::new();
    let command = rivellino::control::cli::Cli::command();
    let mut waiting = vec![(Vec::new(), &command)];
    let mut pages = 0;
    while let Some((path, command)) = waiting.pop() {
        let arguments: Vec<&str> = path.iter().copied().chain(["--help"]).collect();
        let page = place.run(&arguments, DONE).out;
        assert!(page.contains("Usage: rivellino"), "{path:?}: {page}");
        for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
            let name = argument.get_id();
            assert!(argument.get_help().is_some(), "{path:?} {name}: no help");
            if let Some(long) = argument.get_long() {
                assert!(page.contains(&format!("--{long}")), "{path:?}: {long} is not told");
            }
        }
        pages += 1;
        for sub in command.get_subcommands() {
            assert!(sub.get_about().is_some(), "{}: no help", sub.get_name());
            waiting.push(([path.as_slice(), &[sub.get_name()]].concat(), sub));
        }
    }
    assert!(pages > 8, "{pages}");
    let man = place.run(&["man"], DONE).out;
    assert!(man.contains(".TH rivellino") && man.contains("replay"), "{man}");
    for shell in ["bash", "zsh", "fish"] {
        let script = place.run(&["completions", shell], DONE).out;
        assert!(script.contains("home-net") && script.contains("replay"), "{shell}");
    }
    assert!(place.run(&["--version"], DONE).out.starts_with("rivellino "));
}

#[test]
fn records_that_cannot_be_written_are_told() {
    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/dev/full", dir.path().join("eve.json")).unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_rivellino"))
        .args(["replay", "-q", "-o"])
        .arg(dir.path())
        .arg(crate::support::root().join("pcaps/dns.pcap"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("could not be written"));
}

#[test]
fn a_log_that_cannot_be_written_ends_nothing() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let status = std::process::Command::new(env!("CARGO_BIN_EXE_rivellino"))
        .args(["replay", "-o"])
        .arg(dir.path())
        .arg(crate::support::root().join("pcaps/dns.pcap"))
        .stdout(std::process::Stdio::null())
        .stderr(full)
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn what_detectors_learned_outlasts_a_run() {
    let place = Place::new();
    let scan = capture("scan-vertical.pcap");
    let replay = |state: &[&str], code| {
        let line = [&["replay", "--no-signatures", "-o", "out", &scan], state].concat();
        place.run(&line, code)
    };
    assert!(replay(&[], DONE).out.contains("Vertical TCP scan"));
    assert!(replay(&["--state", "learned"], DONE).out.contains("Vertical TCP scan"));
    // The same scan again is nothing new to detectors that remember it.
    assert!(!replay(&["--state", "learned"], DONE).out.contains("Vertical TCP scan"));
    let shown = place.run(&["baseline", "show", "--state", "learned"], DONE).out;
    assert!(shown.contains("learned up to 20") && shown.contains("scan "), "{shown}");
    let forgot = place.run(&["baseline", "forget", "--state", "learned", "scan"], DONE).out;
    assert!(forgot.contains("1 of 1"), "{forgot}");
    assert!(replay(&["--state", "learned"], DONE).out.contains("Vertical TCP scan"));

    place.write("learned/behaviour.redb", b"not what was written");
    replay(&["--state", "learned"], REFUSED).complains(&["damaged", "baseline forget --all"]);
    place.run(&["baseline", "show", "--state", "learned"], REFUSED).complains(&["damaged"]);
    place.run(&["baseline", "forget", "--state", "learned", "--all"], DONE);
    replay(&["--state", "learned"], DONE);
    replay(&["--state", "learned", "--each"], REFUSED).complains(&["--each"]);
    replay(&["--state", "learned", "--no-anomaly"], REFUSED).complains(&["--no-anomaly"]);
}

#[test]
fn learning_tells_of_attacks_in_what_it_learns_from() {
    let place = Place::new();
    let (scan, modbus) = (capture("scan-vertical.pcap"), capture("modbus.pcap"));
    let quiet = place.run(&["baseline", "learn", "--state", "s", &modbus], DONE).out;
    assert!(quiet.contains("learned from") && !quiet.contains("findings"), "{quiet}");
    let loud = place.run(&["baseline", "learn", "--state", "s", &scan], DONE).out;
    assert!(loud.contains("findings above low"), "{loud}");
    let shown = place.run(&["baseline", "show", "--state", "s"], DONE).out;
    assert!(shown.contains("industrial devices: 1"), "{shown}");
    place.run(&["baseline", "learn", &modbus], REFUSED).complains(&["--state DIR"]);
    place.run(&["baseline", "show", "--state", "none"], REFUSED).complains(&["there is no state"]);
    place.run(&["baseline", "forget", "--state", "s"], REFUSED).complains(&["--all"]);
    place.run(&["baseline", "forget", "--state", "s", "scann"], REFUSED).complains(&["scan?"]);
}

#[test]
fn detectors_are_explained_with_what_they_go_by() {
    let place = Place::new();
    let list = place.run(&["explain"], DONE).out;
    assert!(list.lines().count() >= 14 && list.contains("lateral"), "{list}");
    let page = place.run(&["explain", "bruteforce"], DONE).out;
    assert!(page.contains("Parameters in force\n  failures = "), "{page}");
    assert!(page.contains("How it works") && page.contains("Learned from"), "{page}");
    place.write("rivellino.toml", b"[detectors.bruteforce]\nfailures = 77\n");
    let page = place.run(&["explain", "bruteforce", "--sensitivity", "high"], DONE).out;
    assert!(page.contains("failures = 77 ") && page.contains("(set; "), "{page}");
    place.run(&["explain", "brutforce"], REFUSED).complains(&["did you mean bruteforce?"]);
    place.write("rivellino.toml", b"[detectors.scan]\nenabled = false\n");
    let scan = capture("scan-vertical.pcap");
    let out = place.run(&["replay", "--no-signatures", &scan], DONE).out;
    assert!(!out.contains("Vertical TCP scan"), "{out}");
}

#[test]
fn frames_of_a_link_type_that_is_not_read_are_no_comfort() {
    let place = Place::new();
    // A capture of one frame of IEEE 802.11.
    let header = [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 105];
    let record = [1_600_000_000_u32, 0, 4, 4, 0];
    let bytes: Vec<u8> = header.iter().chain(&record).flat_map(|word| word.to_le_bytes()).collect();
    place.write("radio.pcap", &bytes);
    let run = place.run(&["replay", "radio.pcap"], DONE);
    assert!(!run.out.contains("Nothing found"), "{}", run.out);
    run.complains(&["1 of 1 frames have link type 105"]);
}

/// What the recorder left out is said; who spoke to whom, and how much, is known all the same.
#[test]
fn a_capture_of_headers_alone_counts_the_same_flows_and_is_no_comfort() {
    let place = Place::new();
    // Neither is a segment with data empty, nor is a checksum wrong that cannot be reckoned.
    let rules = "alert tcp any any -> any any (msg:\"empty\"; flags:PA; dsize:0; sid:1;)\n\
                 alert tcp any any -> any any (msg:\"wrong\"; tcpv4-csum:invalid; sid:2;)\n\
                 alert udp any any -> any any (msg:\"wrong\"; udpv4-csum:invalid; sid:3;)\n\
                 alert tcp any any -> any any (msg:\"data\"; flags:PA; dsize:>0; sid:4;)\n";
    let rules = place.write("cut.rules", rules.as_bytes());
    let rules = rules.to_str().unwrap();
    let flows = |file: &str| {
        let all = ["replay", "-S", rules, "--checksums", "verify", "-o", "out", file];
        let run = place.run(&all, DONE);
        let eve = std::fs::read_to_string(place.path().join("out/eve.json")).unwrap();
        let records: Vec<serde_json::Value> =
            eve.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let of = |kind: &str| records.iter().filter(|r| r["event_type"] == kind).count();
        let sids = records.iter().filter_map(|record| {
            let alert = record.get("alert").filter(|alert| alert["gid"] == 1)?;
            alert["signature_id"].as_u64()
        });
        let sids: Vec<u64> = sids.collect();
        let flow = records.iter().filter(|record| record["event_type"] == "flow").map(|record| {
            let flow = &record["flow"];
            let counts = ["pkts_toserver", "bytes_toserver", "pkts_toclient", "bytes_toclient"];
            let ends = [&record["src_ip"], &record["src_port"], &record["dest_port"]];
            let state = (&flow["state"], &record["tcp"]["state"]);
            format!("{ends:?} {:?} {state:?}", counts.map(|count| &flow[count]))
        });
        let flow: std::collections::BTreeSet<String> = flow.collect();
        (flow, sids, of("modbus") + of("dns"), run)
    };
    for name in ["modbus.pcap", "dns.pcap"] {
        let whole = std::fs::read(capture(name)).unwrap();
        let (mut cut, mut at) = (whole[..24].to_vec(), 24);
        while at < whole.len() {
            let word = |at: usize| u32::from_le_bytes(whole[at..at + 4].try_into().unwrap());
            let length = word(at + 8) as usize;
            // Ethernet, IPv4, TCP with all options.
            let kept = length.min(66);
            cut.extend_from_slice(&whole[at..at + 8]);
            cut.extend_from_slice(&(kept as u32).to_le_bytes());
            cut.extend_from_slice(&whole[at + 12..at + 16 + kept]);
            at += 16 + length;
        }
        let file = place.write("cut.pcap", &cut);
        let (before, alerts, messages, _) = flows(&capture(name));
        let (after, of_cut, none, run) = flows(file.to_str().unwrap());
        assert_eq!(alerts, of_cut, "{name}");
        assert!(alerts.contains(&4), "{name}: {alerts:?}");
        assert!(alerts.iter().all(|sid| *sid == 4), "{alerts:?}");
        assert!(!before.is_empty() && messages > 0 && none == 0, "{name} {messages} {none}");
        assert_eq!(before, after, "{name}");
        run.complains(&["packets were cut short", "tcpdump -s 0"]);
    }
}

/// A capture that began when a connection was made already.
#[test]
fn connections_in_midstream_are_followed_where_that_is_wanted() {
    let place = Place::new();
    let whole = std::fs::read(capture("modbus.pcap")).unwrap();
    // Without the first packets, three of which make the only connection; the next are a question, its
    // acknowledgement by the server, and the answer.
    let mut starts = vec![24];
    for _ in 0..6 {
        let at = *starts.last().unwrap();
        let length: [u8; 4] = whole[at + 8..at + 12].try_into().unwrap();
        starts.push(at + 16 + u32::from_le_bytes(length) as usize);
    }
    let messages = |without: usize, options: &[&str]| {
        let file = place.write("cut.pcap", &[&whole[..24], &whole[starts[without]..]].concat());
        let all =
            [&["replay", "--no-signatures", "-o", "out", file.to_str().unwrap()], options].concat();
        place.run(&all, DONE);
        let eve = std::fs::read_to_string(place.path().join("out/eve.json")).unwrap();
        eve.lines().filter(|line| line.contains(r#""event_type":"modbus""#)).count()
    };
    let config = place.write("no.toml", b"midstream = false\n");
    assert_eq!(messages(3, &["--config", config.to_str().unwrap()]), 0);
    // Connections of plants are by themselves.
    let all = messages(3, &[]);
    assert_eq!(messages(3, &["--midstream"]), all);
    assert!(all > 5, "{all}");
    // Though the first that is seen be the rest of a message.
    let (start, end) = (starts[3], starts[4]);
    let question = &whole[start..end];
    let torn = {
        let frame = question.len() - 16;
        let ip = &question[16 + 14..];
        let head = 14 + usize::from(ip[0] & 15) * 4;
        let tcp = head + usize::from(question[16 + head + 12] >> 4) * 4;
        let mut torn = question.to_vec();
        // Five bytes of the message go; what is left begins five bytes later.
        torn.drain(16 + tcp..16 + tcp + 5);
        let at = 16 + head + 4;
        let sequence = u32::from_be_bytes(torn[at..at + 4].try_into().unwrap()) + 5;
        torn[at..at + 4].copy_from_slice(&sequence.to_be_bytes());
        let length = u16::from_be_bytes(torn[16 + 16..16 + 18].try_into().unwrap()) - 5;
        torn[16 + 16..16 + 18].copy_from_slice(&length.to_be_bytes());
        torn[8..12].copy_from_slice(&u32::try_from(frame - 5).unwrap().to_le_bytes());
        torn[12..16].copy_from_slice(&u32::try_from(frame - 5).unwrap().to_le_bytes());
        torn
    };
    let file = place.write("torn.pcap", &[&whole[..24], &torn, &whole[end..]].concat());
    let options = ["--checksums", "ignore", "--no-signatures", "-o", "out"];
    place.run(&[&["replay", file.to_str().unwrap()][..], &options].concat(), DONE);
    let eve = std::fs::read_to_string(place.path().join("out/eve.json")).unwrap();
    let of_torn = eve.lines().filter(|line| line.contains(r#""event_type":"modbus""#)).count();
    assert!(of_torn >= all - 1, "{of_torn} of {all}");
    // Though the server's be the first that is seen.
    for without in [4, 5] {
        assert!(messages(without, &[]) >= all - 1, "{without}");
        assert!(messages(without, &["--midstream"]) >= all - 1, "{without}");
    }
}

/// The name is what the record of the connection has, the content what OpenSSL reads.
#[test]
fn certificates_that_a_rule_wants_are_kept() {
    let place = Place::new();
    let rule = b"alert tls any any -> any any (msg:\"hello\"; tls.sni; content:\"sportello\"; tls.store; noalert; sid:1;)\n\
        alert tls any any -> any any (msg:\"another\"; tls.sni; content:\"nothing so\"; tls.store; sid:2;)\n";
    let rules = place.write("keep.rules", rule);
    let (rules, tls) = (rules.to_str().unwrap(), capture("tls.pcap"));
    let others = rule.split(|byte| *byte == b'\n').nth(1).unwrap();
    let marked =
        b"\nalert tls any any -> any any (xbits:isset,nobody,track ip_src; tls.store; sid:3;)\n";
    let others = place.write("others.rules", &[others.trim_ascii(), marked].concat());
    let others = ["-q", "-S", others.to_str().unwrap(), "-o", "out", "--file-store", "store"];
    place.run(&[&["replay", &tls], &others[..]].concat(), DONE);
    assert!(!place.path().join("store/certs").exists());
    for _ in 0..2 {
        place.run(&["replay", &tls, "-q", "-S", rules, "-o", "out", "--file-store", "store"], DONE);
    }
    let eve = std::fs::read_to_string(place.path().join("out/eve.json")).unwrap();
    let eve = eve.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let mut prints =
        eve.filter_map(|record| Some(record["tls"]["fingerprint"].as_str()?.replace(':', "")));
    let print = prints.next_back().unwrap();
    let kept: Vec<PathBuf> = std::fs::read_dir(place.path().join("store/certs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    let [kept] = &*kept else { panic!("{kept:?}") };
    assert!(kept.file_name().unwrap().to_str().unwrap().starts_with(&format!("{print}-")));
    let shown = Command::new("openssl")
        .args(["x509", "-noout", "-fingerprint", "-sha1", "-in"])
        .arg(kept)
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&shown.stdout).replace(':', "").to_lowercase();
    assert!(shown.trim_end().ends_with(print.as_str()), "{shown}");
}
