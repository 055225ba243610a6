//! Sets of values that rules ask: `dataset`, `datarep`. Read when rules are loaded; what rules add
//! or take out later is in [`super::changes`].

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::classification::Classes;
use super::operator::Problem;
use super::operators::{base64_encoded, base64_strict};
use super::places::Places;
use super::reputation::Reputations;

/// Sets of one load of rules.
pub const SETS_MAX: usize = 4_096;

/// Values of one set; the rule of a larger one is refused.
pub const SET_VALUES_MAX: usize = 4_000_000;

/// What a set costs in memory at most when rules fill it, bytes by [`cost`]: its file, in which a
/// value takes at most 4/3 of that, can be read again.
pub const SET_COST_MAX: i64 = 160 << 20;

/// Bytes that a value costs in a set beside its own: its place in the table.
const VALUE_COST: usize = 64;

/// Bytes of memory that a value of `size` bytes counts for.
pub fn cost(size: usize) -> i64 {
    i64::try_from(size.saturating_add(VALUE_COST)).unwrap_or(i64::MAX)
}

/// Reads a file that the rules name: the path as written, and the rule file that names it. Gives its
/// content, or why not.
pub type ReadFile = dyn Fn(&str, &str) -> Result<Vec<u8>, String> + Send + Sync;

/// Reads a file of the folder in which sets are kept, by its name there; nothing when there is none.
pub type ReadKept = dyn Fn(&str) -> Result<Option<Vec<u8>>, String> + Send + Sync;

/// What the values of a set are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// Bytes, base64 in the file.
    Text,
    /// 16 bytes, hexadecimal in the file.
    Md5,
    /// 32 bytes, hexadecimal in the file.
    Sha256,
    /// An IPv4 address.
    Ip4,
    /// An address of either version.
    Ip,
}

impl ValueKind {
    /// As rules name it.
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "string" => Self::Text,
            "md5" => Self::Md5,
            "sha256" => Self::Sha256,
            "ipv4" => Self::Ip4,
            "ip" => Self::Ip,
            _ => return None,
        })
    }

    /// A buffer as the set keeps it; `None` when it can be no value of this kind.
    fn key(self, buffer: &[u8]) -> Option<Cow<'_, [u8]>> {
        match (self, buffer.len()) {
            (Self::Text, 1..) | (Self::Md5, 16) | (Self::Sha256, 32) | (Self::Ip4, 4) => {
                Some(Cow::Borrowed(buffer))
            }
            (Self::Ip, 16) => Some(Cow::Borrowed(buffer)),
            (Self::Ip, 4) => {
                let four: [u8; 4] = buffer.try_into().ok()?;
                Some(Cow::Owned(std::net::Ipv4Addr::from(four).to_ipv6_mapped().octets().to_vec()))
            }
            _ => None,
        }
    }

    /// A value as a file has it.
    fn read(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Text => base64_strict(text.as_bytes()).filter(|value| !value.is_empty()),
            Self::Md5 => hexadecimal(text).filter(|value| value.len() == 16),
            Self::Sha256 => hexadecimal(text).filter(|value| value.len() == 32),
            Self::Ip4 => text.parse::<std::net::Ipv4Addr>().ok().map(|ip| ip.octets().to_vec()),
            Self::Ip => match text.parse().ok()? {
                IpAddr::V4(ip) => Some(ip.to_ipv6_mapped().octets().to_vec()),
                IpAddr::V6(ip) => Some(ip.octets().to_vec()),
            },
        }
    }

    /// A value as it stands in a file.
    fn write(self, value: &[u8], out: &mut Vec<u8>) {
        let address = || -> Option<IpAddr> {
            match value.len() {
                4 => Some(<[u8; 4]>::try_from(value).ok()?.into()),
                _ => Some(IpAddr::from(<[u8; 16]>::try_from(value).ok()?).to_canonical()),
            }
        };
        match self {
            Self::Text => base64_encoded(value, out),
            Self::Md5 | Self::Sha256 => {
                for byte in value {
                    out.extend(format!("{byte:02x}").into_bytes());
                }
            }
            Self::Ip4 | Self::Ip => {
                out.extend(address().map(|ip| ip.to_string()).unwrap_or_default().into_bytes());
            }
        }
    }
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| u8::try_from(digit.to_digit(16)?).ok()).collect();
    let (pairs, rest) = digits.as_ref()?.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

/// A set.
pub struct Set {
    /// Its number, for [`super::changes`]: no other set of this load or the one before has it.
    pub number: u32,
    /// What rules call it.
    pub name: String,
    kind: ValueKind,
    values: HashMap<Box<[u8]>, u16>,
    /// Values, and bytes of memory, that rules may add.
    room: (i64, i64),
    /// What the rule said that defined it.
    defined: Request,
    /// Whether a rule puts values in or takes them out.
    changes: AtomicBool,
}

impl Set {
    /// A buffer as the set keeps it; `None` when it can be no value of this set.
    pub fn key<'a>(&self, buffer: &'a [u8]) -> Option<Cow<'a, [u8]>> {
        self.kind.key(buffer)
    }

    /// The reputation of a value that was loaded, 0 without one; `None` when it is not there.
    pub fn loaded(&self, key: &[u8]) -> Option<u16> {
        self.values.get(key).copied()
    }

    /// Whether rules change it, so that the merge has to answer.
    pub fn changes(&self) -> bool {
        self.changes.load(Ordering::Relaxed)
    }

    /// Notes that a rule changes it.
    pub fn will_change(&self) {
        self.changes.store(true, Ordering::Relaxed);
    }

    /// Values, and bytes of memory, that rules may add to what was loaded.
    pub const fn room(&self) -> (i64, i64) {
        self.room
    }

    /// The file of the folder of kept sets in which it is kept, if it is: what nobody changes and
    /// was read from there needs no writing.
    pub fn file(&self) -> Option<&str> {
        let keep = self.defined.keep.as_ref()?;
        (!keep.reads || self.changes()).then_some(keep.file.as_str())
    }

    /// Whether a rule asks for it to be kept for the next run.
    pub const fn is_kept(&self) -> bool {
        self.defined.keep.is_some()
    }

    /// Whether its values outlast a reload: those of a set that is only loaded are read anew.
    fn outlasts(&self) -> bool {
        self.defined.load.is_none() || self.defined.keep.is_some()
    }

    /// Its values as a file has them, in order of their bytes.
    /// `changed` says which came or went since it was loaded.
    pub fn text(&self, changed: &HashMap<Vec<u8>, bool>) -> Vec<u8> {
        let loaded = self.values.keys().map(AsRef::as_ref);
        let stays = |value: &&[u8]| changed.get(*value).copied().unwrap_or(true);
        let came = changed
            .iter()
            .filter(|(value, on)| **on && !self.values.contains_key(value.as_slice()));
        let mut values: Vec<&[u8]> =
            loaded.filter(stays).chain(came.map(|(value, _)| value.as_slice())).collect();
        values.sort_unstable();
        let mut text = Vec::new();
        for value in values {
            self.kind.write(value, &mut text);
            let level = self.loaded(value).unwrap_or(0);
            if self.defined.reputation || level > 0 {
                text.extend(format!(",{level}").into_bytes());
            }
            text.push(b'\n');
        }
        text
    }

    /// Whether the content of a file is such a set.
    ///
    /// # Errors
    /// With the line that is not.
    pub fn reads(&self, bytes: &[u8]) -> Result<(), String> {
        let text = String::from_utf8_lossy(bytes);
        lines(&text, self.kind, self.defined.reputation).map(drop)
    }
}

/// The file in which a set is kept, by its name in the folder for that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keep {
    /// The name; of folders and the file, none of which begins with a dot.
    pub file: String,
    /// Whether it is read at the start: `state`, not `save`.
    pub reads: bool,
}

/// Whether a file may be that of a set: below the folder for that, and none that is hidden.
pub fn is_kept_name(file: &str) -> bool {
    let is_plain = |part: &str| !part.is_empty() && !part.starts_with('.');
    file.split('/').all(is_plain) && !file.contains(char::is_control)
}

/// What a rule says of a set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Its name.
    pub name: String,
    /// What its values are; another rule may have said so before.
    pub kind: Option<ValueKind>,
    /// The file to read; `None` begins empty.
    pub load: Option<String>,
    /// Where its values are kept for the next run: `save`, `state`.
    pub keep: Option<Keep>,
    /// Memory for it at most, bytes: `memcap`.
    pub memory: Option<u64>,
    /// Whether each line ends with a reputation: `datarep`.
    pub reputation: bool,
    /// For a file of JSON: the key of the value, and the way to the list, parted by dots.
    pub json: Option<(String, String)>,
}

/// What goes along with the rules of one load: sets, classifications, references, and where files
/// come from.
#[derive(Clone, Default)]
pub struct Companions {
    sets: Arc<Mutex<HashMap<String, Arc<Set>>>>,
    /// The sets of the load before.
    pub before: Arc<HashMap<String, Arc<Set>>>,
    /// Reads sets that are kept; without it they begin empty.
    pub kept: Option<Arc<ReadKept>>,
    /// Reads files; without it a rule that names one is refused.
    pub read: Option<Arc<ReadFile>>,
    /// Classifications in place of the stock.
    pub classes: Option<Arc<Classes>>,
    /// Prefixes of reference systems, over the stock.
    pub references: Option<Arc<HashMap<String, String>>>,
    /// Reputations of addresses, if any are configured.
    pub reputations: Option<Arc<Reputations>>,
    /// Countries of addresses, if any are configured.
    pub places: Option<Arc<Places>>,
}

impl Companions {
    /// The same way to files, no sets yet.
    pub fn anew(&self) -> Self {
        Self { sets: Arc::default(), ..self.clone() }
    }

    /// The sets of this load, by name.
    pub fn sets(&self) -> HashMap<String, Arc<Set>> {
        self.sets.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The set that a rule of the file `origin` asks for, read if it is new.
    ///
    /// # Errors
    /// When it is not defined, defined otherwise, or its file cannot be read.
    pub fn set(&self, request: &Request, origin: &str) -> Result<Arc<Set>, Problem> {
        let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = sets.get(&request.name) {
            if request.kind.is_some_and(|kind| kind != known.kind) {
                let message = format!("the set `{}` has values of another type", request.name);
                return Err(Problem::whole("R231", message));
            }
            if request.keep.is_some() && request.keep != known.defined.keep {
                let message =
                    format!("the set `{}` is kept elsewhere, or not at all", request.name);
                return Err(Problem::whole("R231", message)
                    .hint("the first rule that names a set says `save` or `state`"));
            }
            return Ok(Arc::clone(known));
        }
        let Some(kind) = request.kind else {
            return Err(Problem::whole("R231", format!("the set `{}` has no type", request.name))
                .hint("add `type string`, `md5`, `sha256`, `ipv4` or `ip`"));
        };
        if sets.len() >= SETS_MAX {
            return Err(Problem::whole("R231", format!("more than {SETS_MAX} sets")));
        }
        if let Some(keep) = &request.keep {
            let mut others =
                sets.values().filter_map(|set| Some((set, set.defined.keep.as_ref()?)));
            if let Some((other, _)) = others.find(|(_, other)| other.file == keep.file) {
                let message = format!("{} is the file of the set `{}`", keep.file, other.name);
                return Err(Problem::whole("R233", message).hint("keep each set in its own file"));
            }
        }
        let before = self.before.get(&request.name);
        let set = match before.filter(|set| set.outlasts() && set.defined == *request) {
            Some(set) => Arc::clone(set),
            None => Arc::new(self.fresh(request, kind, origin, sets.len())?),
        };
        sets.insert(request.name.clone(), Arc::clone(&set));
        Ok(set)
    }

    /// A set that was not there before, behind so many of this load.
    fn fresh(
        &self,
        request: &Request,
        kind: ValueKind,
        origin: &str,
        behind: usize,
    ) -> Result<Set, Problem> {
        let values = match self.content(request, origin)? {
            Some((path, bytes)) => values(request, kind, path, &bytes)?,
            None => HashMap::new(),
        };
        let taken = self.before.values().map(|set| set.number.saturating_add(1)).max();
        let number = taken.unwrap_or(0).saturating_add(u32::try_from(behind).unwrap_or(u32::MAX));
        let loaded: i64 = values.keys().map(|value| cost(value.len())).sum();
        let memory = request.memory.and_then(|memory| i64::try_from(memory).ok());
        let room = (
            SET_VALUES_MAX.saturating_sub(values.len()).try_into().unwrap_or(0),
            memory.unwrap_or(SET_COST_MAX).min(SET_COST_MAX) - loaded,
        );
        let (name, changes) = (request.name.clone(), AtomicBool::new(false));
        Ok(Set { number, name, kind, values, room, defined: request.clone(), changes })
    }

    /// The content of the file with which a set begins, and how rules name it.
    fn content<'a>(
        &self,
        request: &'a Request,
        origin: &str,
    ) -> Result<Option<(&'a str, Vec<u8>)>, Problem> {
        if let Some(keep) = request.keep.as_ref().filter(|keep| keep.reads) {
            let Some(kept) = &self.kept else { return Ok(None) };
            let found = kept(&keep.file).map_err(|why| {
                Problem::whole("R232", format!("cannot read what is kept in {}: {why}", keep.file))
            })?;
            return Ok(found.map(|bytes| (keep.file.as_str(), bytes)));
        }
        let Some(path) = &request.load else { return Ok(None) };
        let Some(read) = &self.read else {
            return Err(Problem::whole("R232", "no file can be read here"));
        };
        let bytes = read(path, origin).map_err(|why| {
            Problem::whole("R232", format!("cannot read {path}: {why}"))
                .hint("a path is relative to the folder of the rule file")
        })?;
        Ok(Some((path, bytes)))
    }
}

fn values(
    request: &Request,
    kind: ValueKind,
    path: &str,
    bytes: &[u8],
) -> Result<HashMap<Box<[u8]>, u16>, Problem> {
    let text = String::from_utf8_lossy(bytes);
    let found = match &request.json {
        Some((key, way)) => json(&text, key, way, kind),
        None => lines(&text, kind, request.reputation),
    };
    let values = found.map_err(|why| {
        let problem = Problem::whole("R232", format!("{path}: {why}"));
        match request.keep.as_ref().filter(|keep| keep.reads) {
            Some(_) => problem.hint("mend the file or take it away; it stays as it is"),
            None => problem,
        }
    })?;
    if values.len() > SET_VALUES_MAX {
        let message = format!("{path}: more than {SET_VALUES_MAX} values");
        return Err(Problem::whole("R232", message));
    }
    Ok(values)
}

/// One value a line, with a reputation behind a comma.
fn lines(text: &str, kind: ValueKind, reputation: bool) -> Result<HashMap<Box<[u8]>, u16>, String> {
    let mut values = HashMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (value, level) = line.split_once(',').map_or((line, None), |(v, l)| (v, Some(l)));
        let level = match level.map(|level| level.trim().parse::<u16>()) {
            Some(Ok(level)) => level,
            None if !reputation => 0,
            _ => return Err(format!("line {number}: a reputation is missing")),
        };
        let value = kind.read(value.trim()).ok_or(format!("line {number} is no such value"))?;
        values.insert(value.into_boxed_slice(), level);
    }
    Ok(values)
}

/// The values under `key` of a list of objects, or of one object a line.
fn json(
    text: &str,
    key: &str,
    way: &str,
    kind: ValueKind,
) -> Result<HashMap<Box<[u8]>, u16>, String> {
    let mut objects = Vec::new();
    for document in serde_json::Deserializer::from_str(text).into_iter::<serde_json::Value>() {
        let document = document.map_err(|error| error.to_string())?;
        let mut steps = way.split('.').filter(|step| !step.is_empty());
        let list = steps.try_fold(&document, |at, step| at.get(step));
        match list.ok_or(format!("there is no `{way}`"))? {
            serde_json::Value::Array(list) => objects.extend(list.iter().cloned()),
            other => objects.push(other.clone()),
        }
    }
    let mut values = HashMap::new();
    for object in &objects {
        let Some(value) = object.get(key).and_then(serde_json::Value::as_str) else { continue };
        // Text stands in JSON as it is.
        let value = match kind {
            ValueKind::Text => Some(value.as_bytes().to_vec()),
            kind => kind.read(value),
        };
        let value = value.ok_or(format!("a `{key}` is no such value"))?;
        values.insert(value.into_boxed_slice(), 0);
    }
    if values.is_empty() { Err(format!("there is no `{key}`")) } else { Ok(values) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn companions() -> Companions {
        let read = |path: &str, origin: &str| match (path, origin) {
            ("names.lst", "a.rules") => Ok(b"YWJj\n\nZGVm\n".to_vec()),
            ("ips.rep", _) => Ok(b"192.0.2.1,100\n2001:db8::1, 7\n".to_vec()),
            ("bad.json", _) => Ok(br#"{"list":[{"host":"abc"},{"host":"x"}]}"#.to_vec()),
            _ => Err("not there".to_owned()),
        };
        Companions { read: Some(Arc::new(read)), ..Companions::default() }
    }

    fn request(name: &str, kind: ValueKind, load: &str) -> Request {
        let (name, load) = (name.to_owned(), Some(load.to_owned()));
        Request { name, kind: Some(kind), load, ..Request::default() }
    }

    #[test]
    fn files_give_their_values() {
        let companions = companions();
        let names = companions.set(&request("n", ValueKind::Text, "names.lst"), "a.rules").unwrap();
        assert!(names.loaded(b"abc").is_some() && names.loaded(b"abcd").is_none());
        let mut levels = request("i", ValueKind::Ip, "ips.rep");
        levels.reputation = true;
        let levels = companions.set(&levels, "").unwrap();
        let key = levels.key(&[192, 0, 2, 1]).unwrap();
        assert_eq!(levels.loaded(&key), Some(100));
        let mut object = request("j", ValueKind::Text, "bad.json");
        object.json = Some(("host".into(), "list".into()));
        assert!(companions.set(&object, "").unwrap().loaded(b"x").is_some());
    }

    #[test]
    fn a_set_is_defined_once_and_its_file_must_be_there() {
        let companions = companions();
        let named = Request { name: "n".into(), ..Request::default() };
        assert_eq!(companions.set(&named, "").err().unwrap().code, "R231");
        let missing = request("n", ValueKind::Md5, "missing");
        assert_eq!(companions.set(&missing, "").err().unwrap().code, "R232");
        let keep = |reads| Some(Keep { file: "n.lst".into(), reads });
        let state = Request { load: None, keep: keep(true), ..missing };
        companions.set(&state, "").unwrap();
        let same_file = Request { name: "m".into(), ..state.clone() };
        assert_eq!(companions.set(&same_file, "").err().unwrap().code, "R233");
        let kept_otherwise = Request { keep: keep(false), ..state };
        assert_eq!(companions.set(&kept_otherwise, "").err().unwrap().code, "R231");
        companions.set(&named, "").unwrap();
        let other = Request { kind: Some(ValueKind::Text), ..named };
        assert_eq!(companions.set(&other, "").err().unwrap().code, "R231");
        assert_eq!(companions.anew().set(&other, "").ok().unwrap().number, 0);
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let text = |kind, load: &str| {
            let load = load.as_bytes().to_vec();
            let read = move |_: &str, _: &str| Ok(load.clone());
            let companions = Companions { read: Some(Arc::new(read)), ..Companions::default() };
            let set = companions.set(&request("n", kind, "f"), "").unwrap();
            String::from_utf8(set.text(&HashMap::new())).unwrap()
        };
        assert_eq!(text(ValueKind::Text, "# b\nYmM=\n\n/w==\nYWJj"), "YWJj\nYmM=\n/w==\n");
        let md5 = "00112233445566778899AABBCCDDEEFF";
        assert_eq!(text(ValueKind::Md5, md5), format!("{}\n", md5.to_lowercase()));
        let sha = [md5, md5].concat().to_lowercase();
        assert_eq!(text(ValueKind::Sha256, &sha), format!("{sha}\n"));
        assert_eq!(text(ValueKind::Ip4, "10.0.0.9\n9.0.0.1\n"), "9.0.0.1\n10.0.0.9\n");
        assert_eq!(
            text(ValueKind::Ip, "2001:DB8::1\n::ffff:1.2.3.4\n1.2.3.5"),
            "1.2.3.4\n1.2.3.5\n2001:db8::1\n"
        );
        assert_eq!(text(ValueKind::Ip4, "10.0.0.9,7\n"), "10.0.0.9,7\n");
    }

    #[test]
    fn a_set_that_rules_fill_outlasts_a_load_and_keeps_its_number() {
        let first = companions();
        let filled = Request { load: None, ..request("f", ValueKind::Text, "") };
        let loaded = request("n", ValueKind::Text, "names.lst");
        let (read, set) = (first.set(&loaded, "a.rules").unwrap(), first.set(&filled, "").unwrap());
        let second = Companions { before: Arc::new(first.sets()), ..companions() };
        let same = second.set(&filled, "").unwrap();
        assert!(Arc::ptr_eq(&same, &set));
        let fresh = second.set(&loaded, "a.rules").unwrap();
        assert!(fresh.number > read.number.max(set.number));
        let third = Companions { before: Arc::new(second.sets()), ..companions() };
        let smaller = Request { memory: Some(100), ..filled };
        let smaller = third.set(&smaller, "").unwrap();
        assert!(!Arc::ptr_eq(&smaller, &set) && smaller.room().1 == 100);
    }

    #[test]
    fn names_of_kept_sets_stay_below_their_folder() {
        for good in ["a", "seen.lst", "a/b.csv"] {
            assert!(is_kept_name(good), "{good}");
        }
        for bad in ["", "/a", "..", "../a", "a/../b", "a/..", "a//b", "a/", "./a", ".a", "a\nb"] {
            assert!(!is_kept_name(bad), "{bad:?}");
        }
    }
}
