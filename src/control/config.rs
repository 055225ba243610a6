//! `rivellino.toml`: its keys, their meaning, and what is in force.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use toml::de::DeTable;

use super::behaviour;
use crate::detect::diagnostic::nearest;

/// Read if it is in the current folder and no other is named.
pub const FILE: &str = "rivellino.toml";

/// A configuration file of more bytes is not read.
const MAX_FILE: u64 = 1024 * 1024;

/// A key as the manual and `config show` know it.
pub struct Key {
    /// As written in the file.
    pub name: &'static str,
    /// Its meaning, with unit and default.
    pub help: &'static str,
}

/// Every key of the file.
pub static KEYS: &[Key] = &[
    Key { name: "rules", help: "Rule files or folders, a list. Default: the bundled signatures." },
    Key {
        name: "output",
        help: "Folder for eve.json and summary.json. Default: none is written by replay, . by watch.",
    },
    Key { name: "workers", help: "Worker threads, 1 to 256. Default: as many as processors." },
    Key {
        name: "checksums",
        help: "\"verify\" passes over packets with wrong checksums, \"ignore\" takes them as right. Default: ignore for replay; verify for watch, unless more than a tenth of a worker's first 1000 packets is wrong, as where network cards compute them.",
    },
    Key {
        name: "home-net",
        help: "Networks to protect, a list of CIDR or \"any\": the variable HOME_NET. Default: the private networks of IPv4; where nearly no conversation has an end in them, detectors take whoever begins one for a host of the site, and say so (health).",
    },
    Key {
        name: "threshold-file",
        help: "File of thresholds, suppressions and rates (Suricata's threshold.config). Default: none.",
    },
    Key {
        name: "classification-file",
        help: "File of classifications in place of the built-in ones (Suricata's classification.config). Default: none.",
    },
    Key {
        name: "reference-file",
        help: "File of reference systems and their URLs (Suricata's reference.config). Default: none.",
    },
    Key {
        name: "reputation-categories-file",
        help: "File of the categories of reputations, NUMBER,NAME,DESCRIPTION a line, for `iprep` in rules. Default: none.",
    },
    Key {
        name: "default-reputation-path",
        help: "Folder of `reputation-files` that are given without one. Default: the current folder.",
    },
    Key {
        name: "reputation-files",
        help: "Files of reputations, ADDRESS[/PREFIX],CATEGORY,LEVEL a line, a list; read anew with the rules. Default: none.",
    },
    Key {
        name: "geoip-database",
        help: "Database of countries in MaxMind's format (GeoLite2-Country.mmdb), for `geoip` in rules; read anew with the rules. Default: none.",
    },
    Key {
        name: "data-dir",
        help: "Folder in which sets of values are kept that rules fill (`dataset` with `state` or `save`): read when rules are loaded, written when watch ends and when rules are read anew; replay takes part in it with --data-dir alone. Default: none, these sets begin empty.",
    },
    Key { name: "signatures", help: "Whether signatures are looked for. Default: true." },
    Key {
        name: "arp",
        help: "Whether messages of ARP are in eve.json: there are many. Default: false.",
    },
    Key {
        name: "midstream",
        help: "Whether TCP connections are followed whose beginning was not seen, as in a capture that began later: what they carry is read, rules with flow:established match. Anybody can make up such packets. Default: those on ports of plants (102, 502, 2404, 4840, 20000, 44818), which last for months, and no others.",
    },
    Key {
        name: "async-oneside",
        help: "Whether TCP connections are followed of which one side alone is seen, as behind routers that send answers another way. Default: false.",
    },
    Key { name: "anomaly", help: "Whether behaviour is analysed. Default: true." },
    Key {
        name: "sensitivity",
        help: "How soon detectors of behaviour speak: \"low\", \"normal\" or \"high\". Default: \"normal\".",
    },
    Key {
        name: "state",
        help: "Folder in which the detectors of watch keep what they have learned; baseline works on it, replay takes part in it with --state alone. Default: none, each run begins anew.",
    },
    Key {
        name: "indicators",
        help: "File of indicators to look for: STIX 2.1, a bundle, a list, or one object a line. Default: none.",
    },
    Key {
        name: "policy",
        help: "Sharing policy (sharing-policy.toml) by which watch exchanges with the hub. Default: none, watch opens no connection.",
    },
    Key {
        name: "policy-folder",
        help: "Folder for what waits to be sent, indicators, the key of pseudonyms and the log of what left. Default: \"hub\".",
    },
    Key {
        name: "policy-batch",
        help: "Seconds that events wait for others before they are sent together, 0 to 3600; a hundred, and what is critical, go at once. Default: 60.",
    },
    Key {
        name: "policy-poll",
        help: "Seconds between two readings of the hub's indicators, 1 to 86400. Default: 30.",
    },
    Key { name: "bpf", help: "Filter in the language of tcpdump. Default: all packets." },
    Key {
        name: "flow-memory",
        help: "Memory for flows: one half for their table, one for what parsers and signatures keep of them; when either is full, flows end early. MiB, 1 to 1048576. Default: 512.",
    },
    Key {
        name: "stream-memory",
        help: "Memory for the reassembly of streams, MiB, 1 to 1048576. Default: 256.",
    },
    Key { name: "each", help: "Replay each capture for itself. Default: false." },
    Key { name: "quiet", help: "Print nothing but errors. Default: false." },
    Key {
        name: "progress",
        help: "Whether replay shows its progress on a terminal. Default: true.",
    },
    Key { name: "interface", help: "Interface to watch. Default: none, it must be given." },
    Key {
        name: "listen",
        help: "Address of the metrics and health pages of watch. Default: \"127.0.0.1:9477\".",
    },
    Key { name: "buffer", help: "Capture buffer of each worker, MiB, 1 to 2047. Default: 64." },
    Key {
        name: "snaplen",
        help: "Bytes captured of a frame at most, 64 to 262144. Default: 65535.",
    },
    Key {
        name: "rotate-size",
        help: "Begin a new eve.json when it holds so many MiB; 0 is never. Default: 0.",
    },
    Key {
        name: "rotate-seconds",
        help: "Begin a new eve.json after so many seconds; 0 is never. Default: 0.",
    },
    Key {
        name: "file-store",
        help: "Folder for files and certificates that rules want stored (filestore, tls.store). Default: none, nothing is stored.",
    },
    Key {
        name: "file-store-file",
        help: "Bytes kept of a file that may be stored, MiB, 1 to 1024; of a longer one its beginning is stored. Default: 4.",
    },
    Key {
        name: "file-store-files",
        help: "Files in that folder at most, certificates among them; further ones are not stored. Default: 10000.",
    },
    Key {
        name: "file-store-size",
        help: "Bytes of all files in that folder at most, MiB, 1 to 1073741824. Default: 1024.",
    },
    Key {
        name: "notifications",
        help: "Incidents told of a day at most; further ones are counted, and all are in eve.json. Default: 20.",
    },
    Key {
        name: "authorised-scanners",
        help: "Addresses and networks that scan with leave, a list: scans, sweeps, tries of passwords and the like from there are written, and told to nobody. Default: none.",
    },
    Key {
        name: "suppress",
        help: "What is written but told to nobody, a list of [[suppress]] with name, and any of detectors, source, destination (lists), hours = \"22:00-06:00\" (UTC), until = \"2026-12-31\" (that day included), reason. Without detectors it is for scanners, and silences what scans and tries look like; the first that covers a finding counts. summary.json counts how often each applied, and what it would have silenced since its last day. Default: none.",
    },
    Key {
        name: "detectors",
        help: "Tables of detectors: [detectors.NAME] with enabled = false, or parameters in place of those of the sensitivity. `rivellino explain NAME` lists them. Default: none.",
    },
    Key {
        name: "vars",
        help: "Variables of the rules, a table of NAME = \"value\". Default: those of Suricata.",
    },
];

/// What to do about wrong checksums.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Checksums {
    /// Packets with wrong checksums are passed over.
    Verify,
    /// Wrong checksums are taken as right.
    Ignore,
}

/// How soon detectors speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Sensitivity {
    /// Only what is plain.
    Low,
    /// Few false alarms.
    Normal,
    /// Rather a false alarm than a miss.
    High,
}

/// Keys that were given, by a file or the command line; see [`KEYS`] for meaning and units.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", default)]
#[allow(missing_docs, reason = "KEYS documents each, a test compares the two")]
pub struct Config {
    pub rules: Option<Vec<PathBuf>>,
    pub output: Option<PathBuf>,
    pub workers: Option<usize>,
    pub checksums: Option<Checksums>,
    #[serde(deserialize_with = "behaviour::one_or_many")]
    pub home_net: Option<Vec<String>>,
    pub threshold_file: Option<PathBuf>,
    pub classification_file: Option<PathBuf>,
    pub reference_file: Option<PathBuf>,
    pub reputation_categories_file: Option<PathBuf>,
    pub default_reputation_path: Option<PathBuf>,
    pub reputation_files: Option<Vec<PathBuf>>,
    pub geoip_database: Option<PathBuf>,
    pub data_dir: Option<PathBuf>,
    pub signatures: Option<bool>,
    pub arp: Option<bool>,
    pub midstream: Option<bool>,
    pub async_oneside: Option<bool>,
    pub anomaly: Option<bool>,
    pub sensitivity: Option<Sensitivity>,
    pub state: Option<PathBuf>,
    pub indicators: Option<PathBuf>,
    pub policy: Option<PathBuf>,
    pub policy_folder: Option<PathBuf>,
    pub policy_batch: Option<u64>,
    pub policy_poll: Option<u64>,
    pub bpf: Option<String>,
    pub flow_memory: Option<u64>,
    pub stream_memory: Option<u64>,
    pub each: Option<bool>,
    pub quiet: Option<bool>,
    pub progress: Option<bool>,
    pub interface: Option<String>,
    pub listen: Option<SocketAddr>,
    pub buffer: Option<u32>,
    pub snaplen: Option<u32>,
    pub rotate_size: Option<u64>,
    pub rotate_seconds: Option<u64>,
    pub file_store: Option<PathBuf>,
    pub file_store_file: Option<u32>,
    pub file_store_files: Option<u64>,
    pub file_store_size: Option<u64>,
    pub notifications: Option<u64>,
    #[serde(deserialize_with = "behaviour::one_or_many")]
    pub authorised_scanners: Option<Vec<String>>,
    pub suppress: Option<Vec<behaviour::Suppress>>,
    pub detectors: Option<behaviour::Tables>,
    pub vars: Option<BTreeMap<String, String>>,
}

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    key: &'static str,
    /// In which of its tables, when the key has several.
    entry: Option<usize>,
    what: String,
}

impl Problem {
    /// Of the value of a key.
    pub fn of(key: &'static str, what: impl Into<String>) -> Self {
        Self { key, entry: None, what: what.into() }
    }

    /// Of one of the tables of a key.
    #[must_use]
    pub const fn within(mut self, entry: Option<usize>) -> Self {
        self.entry = entry;
        self
    }

    /// Where in the file that is.
    fn place(&self, table: &DeTable<'_>) -> usize {
        let found = table.iter().find(|(known, _)| known.get_ref() == self.key);
        let Some((key, value)) = found else { return 0 };
        let entries = value.get_ref().as_array();
        let entry = self.entry.and_then(|entry| entries?.get(entry));
        entry.map_or(key.span().start, |entry| entry.span().start)
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.key, self.what)
    }
}

impl Config {
    /// Reads the file that is named, or [`FILE`] if it is there.
    ///
    /// # Errors
    /// All that is wrong, one line each: file, line, what and a hint.
    pub fn load(named: Option<&Path>) -> Result<Self, Vec<String>> {
        let path = named.unwrap_or(Path::new(FILE));
        if named.is_none() && !path.exists() {
            return Ok(Self::default());
        }
        let failed = |why: String| vec![format!("{}: {why}", path.display())];
        let size = std::fs::metadata(path).map_err(|error| failed(error.to_string()))?.len();
        if size > MAX_FILE {
            return Err(failed(format!("{size} bytes; a configuration has at most {MAX_FILE}")));
        }
        let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
        Self::parse(&text, &path.display().to_string())
    }

    /// Reads the text of a file called `name`.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(text: &str, name: &str) -> Result<Self, Vec<String>> {
        let place = |at: Option<usize>| {
            let before = at.and_then(|at| text.get(..at)).unwrap_or_default();
            format!("{name}:{}", before.matches('\n').count() + 1)
        };
        let whole = |error: &toml::de::Error| {
            let place = place(error.span().map(|span| span.start));
            format!("{place}: {}", in_plain_words(error.message()))
        };
        let table = DeTable::parse(text).map_err(|error| vec![whole(&error)])?;
        let mut problems: Vec<(usize, String)> = Vec::new();
        for key in table.get_ref().keys() {
            let (at, key) = (key.span().start, key.get_ref().as_ref());
            if !KEYS.iter().any(|known| known.name == key) {
                let hint = nearest(key, KEYS.iter().map(|known| known.name));
                let hint = hint.map_or_else(
                    || "; rivellino config show lists the keys".to_owned(),
                    |known| format!("; did you mean {known}?"),
                );
                problems.push((at, format!("{}: unknown key {key}{hint}", place(Some(at)))));
            }
        }
        let config = match toml::from_str::<Self>(text) {
            Ok(config) => {
                for problem in config.problems() {
                    let at = problem.place(table.get_ref());
                    problems.push((at, format!("{}: {problem}", place(Some(at)))));
                }
                config
            }
            Err(error) => {
                problems.push((error.span().map_or(0, |span| span.start), whole(&error)));
                Self::default()
            }
        };
        problems.sort();
        if problems.is_empty() {
            return Ok(config);
        }
        Err(problems.into_iter().map(|(_, problem)| problem).collect())
    }

    /// Values that are out of range or make no sense.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut within = |key, value: Option<u64>, low: u64, high: u64| {
            if let Some(value) = value
                && !(low..=high).contains(&value)
            {
                let what = format!("{value} is not within {low} to {high}");
                problems.push(Problem::of(key, what));
            }
        };
        within("workers", self.workers.map(|value| value as u64), 1, 256);
        within("flow-memory", self.flow_memory, 1, 1 << 20);
        within("stream-memory", self.stream_memory, 1, 1 << 20);
        within("buffer", self.buffer.map(u64::from), 1, 2047);
        within("snaplen", self.snaplen.map(u64::from), 64, u64::from(crate::capture::MAX_FRAME));
        within("policy-batch", self.policy_batch, 0, 3600);
        within("policy-poll", self.policy_poll, 1, 86_400);
        within("file-store-file", self.file_store_file.map(u64::from), 1, 1024);
        within("file-store-size", self.file_store_size, 1, 1 << 30);
        within("rotate-size", self.rotate_size, 0, 1 << 20);
        within("rotate-seconds", self.rotate_seconds, 0, 366 * 86_400);
        if self.home_net.as_ref().is_some_and(Vec::is_empty) {
            problems.push(Problem::of("home-net", "no network; write [\"any\"] for all"));
        }
        if self.state.as_ref().is_some_and(|state| state.as_os_str().is_empty()) {
            problems.push(Problem::of("state", "the name of a folder is missing"));
        }
        for network in self.home_net.iter().flatten() {
            if !is_network(network) {
                let what =
                    format!("{network} is no network; write 192.168.0.0/16, fd00::/8 or any");
                problems.push(Problem::of("home-net", what));
            }
        }
        if let Err(wrong) = behaviour::settings(self) {
            problems.extend(wrong);
        }
        problems
    }

    /// These keys, and `under` where they are not given. Variables are taken together.
    #[must_use]
    pub fn over(self, under: Self) -> Self {
        let vars = match (self.vars, under.vars) {
            (Some(over), Some(mut under)) => {
                under.extend(over);
                Some(under)
            }
            (over, under) => over.or(under),
        };
        Self {
            rules: self.rules.or(under.rules),
            output: self.output.or(under.output),
            workers: self.workers.or(under.workers),
            checksums: self.checksums.or(under.checksums),
            home_net: self.home_net.or(under.home_net),
            threshold_file: self.threshold_file.or(under.threshold_file),
            classification_file: self.classification_file.or(under.classification_file),
            reference_file: self.reference_file.or(under.reference_file),
            reputation_categories_file: self
                .reputation_categories_file
                .or(under.reputation_categories_file),
            default_reputation_path: self.default_reputation_path.or(under.default_reputation_path),
            reputation_files: self.reputation_files.or(under.reputation_files),
            geoip_database: self.geoip_database.or(under.geoip_database),
            data_dir: self.data_dir.or(under.data_dir),
            signatures: self.signatures.or(under.signatures),
            arp: self.arp.or(under.arp),
            midstream: self.midstream.or(under.midstream),
            async_oneside: self.async_oneside.or(under.async_oneside),
            anomaly: self.anomaly.or(under.anomaly),
            sensitivity: self.sensitivity.or(under.sensitivity),
            state: self.state.or(under.state),
            indicators: self.indicators.or(under.indicators),
            policy: self.policy.or(under.policy),
            policy_folder: self.policy_folder.or(under.policy_folder),
            policy_batch: self.policy_batch.or(under.policy_batch),
            policy_poll: self.policy_poll.or(under.policy_poll),
            bpf: self.bpf.or(under.bpf),
            flow_memory: self.flow_memory.or(under.flow_memory),
            stream_memory: self.stream_memory.or(under.stream_memory),
            each: self.each.or(under.each),
            quiet: self.quiet.or(under.quiet),
            progress: self.progress.or(under.progress),
            interface: self.interface.or(under.interface),
            listen: self.listen.or(under.listen),
            buffer: self.buffer.or(under.buffer),
            snaplen: self.snaplen.or(under.snaplen),
            rotate_size: self.rotate_size.or(under.rotate_size),
            rotate_seconds: self.rotate_seconds.or(under.rotate_seconds),
            file_store: self.file_store.or(under.file_store),
            file_store_file: self.file_store_file.or(under.file_store_file),
            file_store_files: self.file_store_files.or(under.file_store_files),
            file_store_size: self.file_store_size.or(under.file_store_size),
            notifications: self.notifications.or(under.notifications),
            authorised_scanners: self.authorised_scanners.or(under.authorised_scanners),
            suppress: self.suppress.or(under.suppress),
            detectors: self.detectors.or(under.detectors),
            vars,
        }
    }

    /// As a file: every key with its meaning, those not given as comments.
    ///
    /// # Errors
    /// When a path is not UTF-8.
    pub fn show(&self) -> Result<String, toml::ser::Error> {
        let values = toml::Table::try_from(self)?;
        let mut text = String::new();
        for key in KEYS {
            let value = values.get(key.name);
            // Writing to a String does not fail.
            let _ = match value {
                Some(toml::Value::Table(table)) => {
                    // Tables in it have to say whose they are.
                    let whole =
                        toml::Table::from_iter([(key.name.to_owned(), table.clone().into())]);
                    write!(text, "# {}\n{whole}\n", key.help)
                }
                Some(value) => write!(text, "# {}\n{} = {value}\n\n", key.help, key.name),
                None => write!(text, "# {}\n# {} =\n\n", key.help, key.name),
            };
        }
        Ok(text)
    }
}

fn is_network(text: &str) -> bool {
    let text = text.strip_prefix('!').unwrap_or(text);
    let (address, prefix) = text.split_once('/').unwrap_or((text, ""));
    let Ok(address) = address.parse::<IpAddr>() else { return text == "any" };
    let bits = if address.is_ipv4() { 32 } else { 128 };
    text == address.to_string() || prefix.parse::<u8>().is_ok_and(|prefix| prefix <= bits)
}

/// What is wrong with the type of a value, for those who do not know the names of types in Rust.
fn in_plain_words(message: &str) -> String {
    let of_type = ["invalid type: ", "invalid value: "].map(|start| message.strip_prefix(start));
    let found = of_type.into_iter().flatten().next();
    let Some((found, wanted)) = found.and_then(|found| found.rsplit_once(", expected ")) else {
        return message.to_owned();
    };
    let wanted = match wanted {
        "usize" | "u64" | "u32" | "u16" | "u8" => "a whole number, none below 0",
        "f64" => "a number",
        "a boolean" => "true or false",
        "a string" => "a text in quotation marks",
        "socket address" => "an address and a port in quotation marks: \"127.0.0.1:9477\"",
        "a sequence" => "a list in brackets, or tables that each begin with the name in [[ ]]",
        "a map" => "a table",
        other => other,
    };
    format!("{found} is of the wrong type: write {wanted}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;

    fn full() -> Config {
        let text = r#"
            rules = ["a.rules"]
            output = "out"
            workers = 2
            checksums = "verify"
            home-net = ["10.0.0.0/8", "fd00::/8"]
            threshold-file = "threshold.config"
            classification-file = "classification.config"
            reference-file = "reference.config"
            reputation-categories-file = "categories.txt"
            default-reputation-path = "iprep"
            reputation-files = ["bad.list"]
            geoip-database = "country.mmdb"
            signatures = true
            arp = true
            midstream = true
            async-oneside = true
            anomaly = false
            sensitivity = "high"
            state = "state"
            data-dir = "data"
            indicators = "indicators.json"
            policy = "sharing-policy.toml"
            policy-folder = "hub"
            policy-batch = 60
            policy-poll = 30
            bpf = "tcp"
            flow-memory = 64
            stream-memory = 32
            each = false
            quiet = false
            progress = true
            interface = "eth0"
            listen = "127.0.0.1:9477"
            buffer = 8
            snaplen = 1500
            rotate-size = 10
            rotate-seconds = 3600
            file-store = "files"
            file-store-file = 2
            file-store-files = 100
            file-store-size = 10
            notifications = 10
            authorised-scanners = ["10.0.0.5"]
            [[suppress]]
            name = "backup"
            detectors = ["scan"]
            source = ["10.0.0.6"]
            destination = ["10.1.0.0/16"]
            hours = "22:00-06:00"
            until = "2027-01-01"
            reason = "copies at night"
            [detectors.scan]
            enabled = false
            [vars]
            X = "1"
            "#;
        Config::parse(text, FILE).unwrap()
    }

    #[test]
    fn every_key_is_documented_and_every_documented_key_is_read() {
        let table = toml::Table::try_from(full()).unwrap();
        let mut read: Vec<_> = table.keys().map(String::as_str).collect();
        let mut documented: Vec<_> = KEYS.iter().map(|key| key.name).collect();
        read.sort_unstable();
        documented.sort_unstable();
        assert_eq!(read, documented);
        assert_eq!(Config::parse(&full().show().unwrap(), FILE).unwrap(), full());
        assert_eq!(
            Config::parse(&Config::default().show().unwrap(), FILE).unwrap(),
            Config::default()
        );
    }

    #[test]
    fn tells_all_that_is_wrong_with_its_line() {
        let text = "wrokers = 2\nbuffer = 0\n\nhome-net = [\"10.0.0.0/99\"]\nzzzzzzzz = 1\n";
        let problems = Config::parse(text, FILE).unwrap_err();
        assert_eq!(
            problems,
            [
                "rivellino.toml:1: unknown key wrokers; did you mean workers?",
                "rivellino.toml:2: buffer: 0 is not within 1 to 2047",
                "rivellino.toml:4: home-net: 10.0.0.0/99 is no network; write 192.168.0.0/16, \
                 fd00::/8 or any",
                "rivellino.toml:5: unknown key zzzzzzzz; rivellino config show lists the keys",
            ]
        );
        let wrong = Config::parse("\nworkers = \"two\"\n", FILE).unwrap_err();
        assert!(
            wrong[0].starts_with("rivellino.toml:2: ") && wrong[0].contains("is of the wrong type"),
            "{wrong:?}"
        );
        assert!(Config::parse("a = [", FILE).unwrap_err()[0].starts_with("rivellino.toml:1:"));
    }

    #[test]
    fn the_command_line_goes_over_the_file() {
        let vars = Some(BTreeMap::from([("Y".to_owned(), "2".to_owned())]));
        let line = Config { workers: Some(7), vars, ..Config::default() };
        let both = line.over(full());
        assert_eq!((both.workers, both.buffer), (Some(7), Some(8)));
        assert_eq!(both.vars.unwrap().len(), 2);
    }
}
