//! `mass-change`: someone changes or deletes files of a share as fast as a program can.
//!
//! Ransomware encrypts over SMB what its victim may write: file after file gets a new name with
//! an ending of its own (`bilancio.xlsx` to `bilancio.xlsx.locked`), or is written anew with that
//! ending while the original is deleted. Per client and server the renames to one strange ending,
//! the files written with it, and the deletions are counted per minute.
//!
//! What is not counted: renames from names of work in progress (`.tmp`, `.part`), to endings that
//! people use, or to numbers and `.bak` (rotation of logs, backups). Deletions alone are what
//! people do when they tidy up: they are told at a low level, unless there are very many.

use std::net::IpAddr;

use super::stats::distinct::mix;
use super::stats::{Distinct, Recent};
use super::words::{count, host, printable, span};
use super::{
    Damaged, Detector, Found, Judgement, Kind, Known, Parameter, Said, Site, Tuning, state,
};
use crate::field::Node;
use crate::record::{Body, Level, Record, Sort};
use crate::time::{Duration, Timestamp};

static RENAMES: Parameter = Parameter {
    name: "renames",
    values: [100.0, 30.0, 15.0],
    unit: "files",
    help: "Files within a minute that get one strange ending; by hand nobody renames thirty.",
};
static DELETIONS: Parameter = Parameter {
    name: "deletions",
    values: [1000.0, 300.0, 100.0],
    unit: "files",
    help: "Files deleted within a minute; ten times as many are medium.",
};

/// Within which changes are counted together.
const WINDOW: Duration = Duration::from_secs(60);
/// What goes on is told again after so long.
const AGAIN: Duration = Duration::from_secs(3600);
/// Pairs of hosts remembered; an entry is made by a change alone.
const PAIRS_MAX: usize = 2048;
/// Bytes of an ending at most; what is longer is no ending.
const ENDING_BYTES_MAX: usize = 24;
/// Flows kept as evidence.
const EVIDENCE_MAX: usize = 8;

/// How the lists know it.
pub static KIND: Kind = Kind {
    name: "mass-change",
    gid: 9113,
    help: "Files of a share renamed to one strange ending, rewritten or deleted at the speed of a \
           program: ransomware over SMB.",
    algorithm: "Per client and server, within a minute, renames to the same uncommon ending and \
                files written with it are counted; enough of them are a finding. Deletions are \
                counted too and told at a low level when nothing else speaks for an attack.",
    references: &["MITRE ATT&CK T1486, T1485", "MS-SMB2 2.2.39 (FileRenameInformation)"],
    parameters: &[&RENAMES, &DELETIONS],
    sees: &[Sort::Transaction],
    reads: &["smb"],
    when: super::When::Always,
    build: |site, tuning| Box::new(MassChange::new(site, tuning)),
};

fn hash(name: &[u8]) -> u64 {
    name.iter().fold(0, |sum, byte| mix(sum ^ u64::from(*byte)))
}

/// Changes of a minute.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Pair {
    since: Timestamp,
    ending: Vec<u8>,
    renamed: u64,
    written: u64,
    deleted: u64,
    example: Vec<u8>,
    told: u64,
    told_deleted: u64,
    /// When it was last told of.
    told_at: Timestamp,
    /// Files written, by name: one large file is written in many messages.
    files: Distinct,
    evidence: Vec<u64>,
}

/// The detector.
pub struct MassChange {
    renames: u64,
    deletions: u64,
    pairs: Recent<(IpAddr, IpAddr), Pair>,
}

/// What an exchange does to a file.
enum Change<'a> {
    Renamed(&'a [u8], &'a [u8]),
    Written(&'a [u8]),
    Deleted,
}

impl MassChange {
    /// A detector that has seen nothing.
    pub fn new(_: &Site, tuning: &Tuning<'_>) -> Self {
        Self {
            renames: tuning.count(&RENAMES),
            deletions: tuning.count(&DELETIONS),
            pairs: Recent::new(PAIRS_MAX),
        }
    }

    fn see(&mut self, record: &Record, known: &Known) -> Option<Found> {
        let Body::Transaction(transaction) = &record.body else { return None };
        if transaction.protocol != "smb" {
            return None;
        }
        let spoken = known.spoken();
        let name = spoken.get("filename");
        let change = match spoken.get("command") {
            _ if !spoken.get("rename.to").is_empty() => {
                Change::Renamed(spoken.get("rename.from"), spoken.get("rename.to"))
            }
            b"SMB2_COMMAND_WRITE" | b"SMB1_COMMAND_WRITE_ANDX" => Change::Written(name),
            b"SMB2_COMMAND_SET_INFO" | b"SMB2_COMMAND_CREATE" | b"SMB1_COMMAND_TRANS2"
                if spoken.get("access") == b"delete on close" =>
            {
                Change::Deleted
            }
            b"SMB1_COMMAND_DELETE" => Change::Deleted,
            _ => return None,
        };
        let (client, server) = (record.context.source?.addr, record.context.destination?.addr);
        let pair = self.pairs.touch(&(client, server));
        let at = record.timestamp;
        if at.apart(pair.since) > WINDOW {
            let old = std::mem::take(pair);
            *pair = Pair { since: at, ..Pair::default() };
            // What was told long ago is told again.
            if at.apart(old.told_at) <= AGAIN {
                (pair.told, pair.told_deleted, pair.told_at) =
                    (old.told, old.told_deleted, old.told_at);
            }
        }
        pair.add(change);
        let id = record.context.flow_id.unwrap_or_default();
        if pair.evidence.len() < EVIDENCE_MAX && !pair.evidence.contains(&id) {
            pair.evidence.push(id);
        }
        let strange = pair.strange_files();
        let enough = if pair.told == 0 { self.renames } else { pair.told * 10 };
        let (encrypted, number) = if strange >= enough {
            (true, strange)
        } else {
            let enough =
                if pair.told_deleted == 0 { self.deletions } else { pair.told_deleted * 10 };
            if pair.deleted < enough {
                return None;
            }
            (false, pair.deleted)
        };
        *(if encrypted { &mut pair.told } else { &mut pair.told_deleted }) = number;
        pair.told_at = at;
        let pair = pair.clone();
        Some(self.found(record, &pair, encrypted, known))
    }

    fn found(&self, record: &Record, pair: &Pair, encrypted: bool, known: &Known) -> Found {
        let context = record.context;
        let (client, server) = (host(context.source, known), host(context.destination, known));
        let took = record.timestamp.since(pair.since);
        let words = if encrypted {
            encryption(&client, &server, pair, took)
        } else {
            deletion(&client, &server, pair, took)
        };
        let many = pair.deleted >= self.deletions.saturating_mul(10);
        let level = match encrypted {
            true => Level::Critical,
            false if many => Level::Medium,
            false => Level::Low,
        };
        let changed = pair.strange_files();
        let limit = if encrypted { self.renames } else { self.deletions };
        Judgement {
            kind: &KIND,
            sid: if encrypted { 1 } else { 2 },
            title: format!("{}: {client} on {server}", words.title),
            context,
            level,
            score: (if encrypted { changed } else { pair.deleted }) as f64,
            threshold: limit as f64,
            confidence: if encrypted { 0.9 } else { 0.5 },
            numbers: vec![
                ("renamed", Node::Int(pair.renamed)),
                ("written", Node::Int(pair.written)),
                ("deleted", Node::Int(pair.deleted)),
                ("ending", Node::Text(pair.ending.clone())),
                ("seconds", Node::Float(took.as_secs_f64())),
            ],
            baseline: vec![("files_per_minute_max", Node::Int(limit.saturating_sub(1)))],
            evidence: pair.evidence.clone(),
            technique: if encrypted { "T1486" } else { "T1485" },
            acn: words.acn,
            took,
            seen: words.seen,
            normal: Said::new(
                "Di norma una persona cambia pochi file al minuto, e non la loro estensione.",
                "Normally a person changes a few files a minute, and not their endings.",
            ),
            why: words.why,
            meaning: words.meaning,
            advice: words.advice,
        }
        .found()
    }
}

/// What differs between the findings.
struct Words {
    title: &'static str,
    seen: Said,
    why: Said,
    meaning: Said,
    advice: Said,
    acn: &'static [&'static str],
}

fn deleted(pair: &Pair) -> Said {
    count(pair.deleted, ["file cancellato", "file cancellati"], ["file deleted", "files deleted"])
}

fn encryption(client: &str, server: &str, pair: &Pair, took: Duration) -> Words {
    let span = span(took);
    let changed = count(
        pair.strange_files(),
        ["file rinominato o riscritto", "file rinominati o riscritti"],
        ["file renamed or rewritten", "files renamed or rewritten"],
    );
    let deleted = deleted(pair);
    let ending = printable(&String::from_utf8_lossy(&pair.ending));
    let example = printable(&String::from_utf8_lossy(&pair.example));
    Words {
        title: "Files of a share get a strange ending (ransomware)",
        seen: Said::new(
            format!(
                "{client} su {server}: {} con l'estensione \".{ending}\", {} in {} (per esempio \
                 {example}).",
                changed.it, deleted.it, span.it
            ),
            format!(
                "{client} on {server}: {} with the ending \".{ending}\", {} in {} (for instance \
                 {example}).",
                changed.en, deleted.en, span.en
            ),
        ),
        why: Said::new(
            "molti file, una sola estensione insolita, in poco tempo",
            "many files, one uncommon ending, in a short time",
        ),
        meaning: Said::new(
            "Con ogni probabilità un ransomware sta cifrando i file condivisi.",
            "Most probably ransomware is encrypting the shared files.",
        ),
        advice: Said::new(
            format!(
                "scollegare subito {client} dalla rete senza spegnerla, poi verificare i file su \
                 {server} e che le copie di sicurezza siano intatte."
            ),
            format!(
                "disconnect {client} from the network at once without turning it off, then check \
                 the files on {server} and that the backups are intact."
            ),
        ),
        acn: &["acn:malicious-code=\"ransomware\"", "acn:availability=\"data-encryption\""],
    }
}

fn deletion(client: &str, server: &str, pair: &Pair, took: Duration) -> Words {
    let (deleted, span) = (deleted(pair), span(took));
    Words {
        title: "Many files of a share deleted",
        seen: Said::new(
            format!("{client} su {server}: {} in {}.", deleted.it, span.it),
            format!("{client} on {server}: {} in {}.", deleted.en, span.en),
        ),
        why: Said::new(
            "le sole cancellazioni hanno spesso una causa innocua",
            "deletions alone often have a harmless cause",
        ),
        meaning: Said::new(
            "Qualcuno può aver svuotato una cartella; può anche essere una distruzione di dati.",
            "Somebody may have emptied a directory; it may also be destruction of data.",
        ),
        advice: Said::new(
            format!("chiedere a chi usa {client} se ha cancellato i file."),
            format!("ask who uses {client} whether they deleted the files."),
        ),
        acn: &[],
    }
}

impl Pair {
    fn add(&mut self, change: Change<'_>) {
        match change {
            Change::Deleted => self.deleted += 1,
            Change::Written(name) => {
                if let Some(ending) = ending(name).filter(|ending| is_strange(ending)) {
                    self.strange(&ending, name, false);
                }
            }
            Change::Renamed(from, to) => {
                let (old, new) = (ending(from), ending(to));
                let in_progress = old.as_deref().is_some_and(is_temporary);
                if let Some(new) = new.filter(|new| Some(new) != old.as_ref() && is_strange(new))
                    && !in_progress
                {
                    self.strange(&new, to, true);
                }
            }
        }
    }

    /// Files with the strange ending. Files that are only written may be new ones; that others go
    /// at the same time is what tells encryption.
    const fn strange_files(&self) -> u64 {
        self.renamed + if self.deleted * 2 >= self.written { self.written } else { 0 }
    }

    /// Counts a file with a strange ending; another ending than that of before begins anew.
    fn strange(&mut self, ending: &[u8], name: &[u8], renamed: bool) {
        if self.ending != ending {
            (self.renamed, self.written) = (0, 0);
            self.files = Distinct::default();
            self.ending = ending.to_vec();
            self.example = bare(name);
        }
        if renamed {
            self.renamed += 1;
        } else if self.files.insert(hash(name)) {
            self.written += 1;
        }
    }
}

impl Detector for MassChange {
    fn record(&mut self, record: &Record, known: &Known, found: &mut Vec<Found>) {
        if let Some(one) = self.see(record, known) {
            found.push(one);
        }
    }

    fn save(&self) -> Vec<u8> {
        state::pack(&self.pairs)
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), Damaged> {
        self.pairs = state::unpack(bytes)?;
        Ok(())
    }

    fn memory(&self) -> usize {
        let inner = |pair: &Pair| {
            let lists =
                pair.ending.capacity() + pair.example.capacity() + pair.evidence.capacity() * 8;
            lists + pair.files.memory()
        };
        self.pairs.memory() + self.pairs.iter().map(|(_, pair)| inner(pair)).sum::<usize>()
    }
}

/// A name without zero bytes.
fn bare(name: &[u8]) -> Vec<u8> {
    name.iter().copied().filter(|byte| *byte != 0).collect()
}

/// What follows the last dot of a file's name, in lower case.
fn ending(name: &[u8]) -> Option<Vec<u8>> {
    let name = bare(name);
    let last = name.rsplit(|byte| matches!(byte, b'\\' | b'/')).next().unwrap_or_default();
    let dot = last.iter().rposition(|byte| *byte == b'.')?;
    let ending = last.get(dot + 1..)?.to_ascii_lowercase();
    (1..=ENDING_BYTES_MAX).contains(&ending.len()).then_some(ending)
}

/// Whether files that people work with do not end so.
fn is_strange(ending: &[u8]) -> bool {
    const USUAL: &[&str] = &[
        "doc", "docx", "docm", "dot", "dotx", "xls", "xlsx", "xlsm", "xlsb", "ppt", "pptx", "pdf",
        "odt", "ods", "odp", "rtf", "txt", "csv", "xml", "json", "htm", "html", "eml", "msg",
        "p7m", "p7s", "tsd", "jpg", "jpeg", "png", "gif", "bmp", "tif", "tiff", "svg", "heic",
        "webp", "mp3", "mp4", "avi", "mov", "mkv", "wav", "zip", "rar", "7z", "gz", "tar", "iso",
        "dwg", "dxf", "dwf", "shp", "dbf", "shx", "prj", "mdb", "accdb", "ldb", "laccdb", "pst",
        "ost", "bak", "old", "orig", "log", "ini", "cfg", "conf", "dat", "db", "sqlite", "exe",
        "dll", "msi", "cab", "inf", "sys", "lnk", "url", "ico", "css", "js", "py", "java", "class",
        "jar", "c", "h", "cpp", "o", "obj", "md", "vhd", "vhdx", "vmdk", "vbk", "vib", "vbm",
        "tib", "spi", "ps1", "bat", "cmd", "vbs", "pol", "adm", "admx", "adml", "map", "idx",
        "wal", "lck", "sav",
    ];
    let digits = ending.iter().all(u8::is_ascii_digit);
    !digits && !is_temporary(ending) && !USUAL.iter().any(|usual| usual.as_bytes() == ending)
}

/// Whether a name that ends so is of work in progress.
fn is_temporary(ending: &[u8]) -> bool {
    const TEMPORARY: &[&[u8]] = &[
        b"tmp",
        b"temp",
        b"part",
        b"partial",
        b"filepart",
        b"crdownload",
        b"download",
        b"swp",
        b"new",
    ];
    ending.starts_with(b"~") || ending.ends_with(b"~") || TEMPORARY.contains(&ending)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use crate::anomaly::lateral::tests::{record, smb};

    fn rename(n: u64, from: &'static str, to: &'static str) -> Record {
        let body = smb(vec![
            ("command", "SMB2_COMMAND_SET_INFO"),
            ("rename.from", from),
            ("rename.to", to),
        ]);
        record(5, 6, 445, n, body)
    }

    fn judge(records: impl IntoIterator<Item = Record>) -> Vec<Found> {
        let (mut detector, mut known, mut found) =
            (MassChange::new(&Site::default(), &Tuning::default()), Known::default(), Vec::new());
        for (n, record) in records.into_iter().enumerate() {
            if n == 9 {
                let saved = detector.save();
                detector.load(&saved).unwrap();
            }
            known.record(&record);
            detector.record(&record, &known, &mut found);
        }
        found
    }

    #[test]
    fn many_files_with_one_strange_ending_are_critical_and_told_once() {
        let found = judge((0..200).map(|n| rename(n / 5, "bilancio.xlsx", "bilancio.xlsx.locked")));
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].finding.sid, found[0].finding.level), (1, Level::Critical));
        assert!(found[0].finding.explain_it.contains("30 file rinominati o riscritti"));
        assert!(found[0].finding.explain_en.contains("30 files renamed or rewritten"));
    }

    #[test]
    fn work_in_progress_rotation_and_slow_renames_are_left_alone() {
        assert!(judge((0..500).map(|n| rename(n / 9, "foto.tmp", "foto.jpg"))).is_empty());
        assert!(judge((0..500).map(|n| rename(n / 9, "x.part", "x.strano"))).is_empty());
        assert!(judge((0..500).map(|n| rename(n / 9, "a.log", "a.log.1"))).is_empty());
        assert!(judge((0..500).map(|n| rename(n * 9, "a.doc", "a.doc.locked"))).is_empty());
    }

    #[test]
    fn deletions_alone_are_low() {
        let delete = |n: u64| {
            let body = smb(vec![
                ("command", "SMB2_COMMAND_SET_INFO"),
                ("access", "delete on close"),
                ("filename", r"vecchi\a.doc"),
            ]);
            record(5, 6, 445, n / 20, body)
        };
        let found = judge((0..600).map(delete));
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].finding.sid, found[0].finding.level), (2, Level::Low));
    }
}
