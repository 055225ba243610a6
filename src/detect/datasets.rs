//! Sets of values that rules ask: `dataset`, `datarep`. Read when rules are loaded; what rules add
//! or take out later is [`super::shared`]'s.

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::classification::Classes;
use super::operator::Problem;
use super::operators::base64_strict;
use super::places::Places;
use super::reputation::Reputations;

/// Sets of one load of rules.
pub const SETS_MAX: usize = 4_096;

/// Values of one set; the rule of a larger one is refused.
pub const SET_VALUES_MAX: usize = 4_000_000;

/// Reads a file that the rules name: the path as written, and the rule file that names it. Gives its
/// content, or why not.
pub type ReadFile = dyn Fn(&str, &str) -> Result<Vec<u8>, String> + Send + Sync;

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
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| u8::try_from(digit.to_digit(16)?).ok()).collect();
    let (pairs, rest) = digits.as_ref()?.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

/// A set.
pub struct Set {
    /// Its number, for [`super::shared`].
    pub number: u32,
    kind: ValueKind,
    values: HashMap<Box<[u8]>, u16>,
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
    /// Whether the file may be missing: `state`.
    pub optional: bool,
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
            return Ok(Arc::clone(known));
        }
        let Some(kind) = request.kind else {
            return Err(Problem::whole("R231", format!("the set `{}` has no type", request.name))
                .hint("add `type string`, `md5`, `sha256`, `ipv4` or `ip`"));
        };
        if sets.len() >= SETS_MAX {
            return Err(Problem::whole("R231", format!("more than {SETS_MAX} sets")));
        }
        let values = match &request.load {
            Some(path) => self.values(request, kind, path, origin)?,
            None => HashMap::new(),
        };
        let number = u32::try_from(sets.len()).unwrap_or(u32::MAX);
        let set = Arc::new(Set { number, kind, values, changes: AtomicBool::new(false) });
        sets.insert(request.name.clone(), Arc::clone(&set));
        Ok(set)
    }

    fn values(
        &self,
        request: &Request,
        kind: ValueKind,
        path: &str,
        origin: &str,
    ) -> Result<HashMap<Box<[u8]>, u16>, Problem> {
        let Some(read) = &self.read else {
            return Err(Problem::whole("R232", "no file can be read here"));
        };
        let bytes = match read(path, origin) {
            Ok(bytes) => bytes,
            Err(_) if request.optional => return Ok(HashMap::new()),
            Err(why) => {
                return Err(Problem::whole("R232", format!("cannot read {path}: {why}"))
                    .hint("a path is relative to the folder of the rule file"));
            }
        };
        let text = String::from_utf8_lossy(&bytes);
        let found = match &request.json {
            Some((key, way)) => json(&text, key, way, kind),
            None => lines(&text, kind, request.reputation),
        };
        let values = found.map_err(|why| Problem::whole("R232", format!("{path}: {why}")))?;
        if values.len() > SET_VALUES_MAX {
            let message = format!("{path}: more than {SET_VALUES_MAX} values");
            return Err(Problem::whole("R232", message));
        }
        Ok(values)
    }
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
        let state = Request { optional: true, ..missing };
        companions.set(&state, "").unwrap();
        companions.set(&named, "").unwrap();
        let other = Request { kind: Some(ValueKind::Text), ..named };
        assert_eq!(companions.set(&other, "").err().unwrap().code, "R231");
        assert_eq!(companions.anew().set(&other, "").ok().unwrap().number, 0);
    }
}
