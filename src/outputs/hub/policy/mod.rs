//! `sharing-policy.toml`: what the site allows to leave. Without it nothing leaves.
//!
//! The file is the town's decision, readable by whoever answers for it: the legal basis and the
//! agreement, the recipients, the highest mark (TLP 2.0), the detectors that may speak, for how long
//! things are kept.

mod collector;
mod page;
mod push;
pub mod rules;

use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::identity::Identity;
use super::inbound::gate::Allowed;
use crate::record::Level;
pub use collector::{COLLECTORS_MAX, Collector};
use page::{Page, Section};
pub use push::Push;
use rules::Rules;

/// Its usual name.
pub const FILE: &str = "sharing-policy.toml";
/// A policy of more bytes is not read.
pub const FILE_BYTES_MAX: u64 = 64 * 1024;
/// Recipients at most.
pub const RECIPIENTS_MAX: usize = 8;
/// Own domains named at most.
pub const OWN_NAMES_MAX: usize = 64;
/// Entries of the list of what is never an indicator, at most.
pub const ALLOWED_MAX: usize = 1000;
/// Detectors named at most.
pub const DETECTORS_MAX: usize = 64;

/// How far something may travel: Traffic Light Protocol 2.0, FIRST, 2022. Without RED: what only
/// the people present may know is never sent by a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tlp {
    /// Anyone may know.
    Clear,
    /// The community may know.
    Green,
    /// The recipient's organisation and its clients may know.
    Amber,
    /// The recipient's organisation alone may know.
    AmberStrict,
}

impl Tlp {
    /// All, from the freest to the strictest.
    pub const ALL: [Self; 4] = [Self::Clear, Self::Green, Self::Amber, Self::AmberStrict];

    /// As the policy and STIX write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Green => "green",
            Self::Amber => "amber",
            Self::AmberStrict => "amber+strict",
        }
    }
}

/// Which detectors may speak.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detectors {
    /// All of them.
    All,
    /// Those named.
    Named(Vec<String>),
}

/// Who gets what leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// Who it is, for people and the audit log.
    pub name: String,
    /// The root of its TAXII 2.1 service, ending in a slash.
    pub api_root: String,
    /// The collection to write to.
    pub collection: String,
    /// The collection to read indicators from, when there is one.
    pub indicators: Option<String>,
    /// The strictest mark that it is cleared for.
    pub tlp: Tlp,
}

/// For how long and up to what size things are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// What waits to be sent: days.
    pub spool_days: u32,
    /// What waits to be sent: MiB.
    pub spool_mib: u32,
    /// The log of what left: months.
    pub audit_months: u32,
}

/// Files of the mutual TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// The sensor's certificate and those between it and the root, PEM.
    pub certificate: Option<PathBuf>,
    /// Its private key, PEM.
    pub key: Option<PathBuf>,
    /// The roots that the hub's certificate has to come from, PEM.
    pub authority: Option<PathBuf>,
}

/// What the site allows to leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Who the sensor is.
    pub identity: Identity,
    /// The law that allows it: `D.Lgs. 138/2024, art. 17`.
    pub law: String,
    /// The agreement between the parties.
    pub agreement: String,
    /// The last day on which it holds, `2027-12-31`: year, month, day.
    pub valid_until: [u32; 3],
    /// Who gets it.
    pub recipients: Vec<Recipient>,
    /// Who gets it as lines of syslog.
    pub collectors: Vec<Collector>,
    /// The strictest mark of what may leave: what would need a stricter one stays.
    pub ceiling: Tlp,
    /// Whose findings may leave.
    pub detectors: Detectors,
    /// Whether alerts of signatures may leave.
    pub signatures: bool,
    /// Whether drafts of incidents may leave.
    pub incidents: bool,
    /// The least grave that may leave.
    pub level: Level,
    /// The town's own domains, in small letters: they never leave.
    pub own_names: Vec<String>,
    /// What is never an indicator, whoever says it.
    pub allowed: Allowed,
    /// What is asked of rules that the centre signs; without it none are taken.
    pub rules: Option<Rules>,
    /// Where metrics are sent to; without it nowhere.
    pub metrics: Option<Push>,
    /// For how long things are kept.
    pub retention: Retention,
    /// Files of the mutual TLS, relative to the policy's folder.
    pub tls: Tls,
}

impl Policy {
    /// Reads the policy of a site.
    ///
    /// # Errors
    /// All that is wrong, one line each: file, line, what, and how to mend it.
    pub fn load(path: &Path) -> Result<Self, Vec<String>> {
        let failed = |why: String| vec![format!("{}: {why}", path.display())];
        let size = std::fs::metadata(path).map_err(|error| failed(error.to_string()))?.len();
        if size > FILE_BYTES_MAX {
            return Err(failed(format!("{size} bytes; a policy has at most {FILE_BYTES_MAX}")));
        }
        let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
        let mut policy = Self::parse(&text, &path.display().to_string())?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let tls = &mut policy.tls;
        for file in [&mut tls.certificate, &mut tls.key, &mut tls.authority].into_iter().flatten() {
            *file = folder.join(&*file);
        }
        if let Some(canary) = policy.rules.as_mut().and_then(|rules| rules.canary.as_mut()) {
            *canary = folder.join(&*canary);
        }
        Ok(policy)
    }

    /// Reads the text of a file called `name`.
    ///
    /// # Errors
    /// As [`Policy::load`].
    pub fn parse(text: &str, name: &str) -> Result<Self, Vec<String>> {
        let mut page = Page::new(text, name);
        let table = match DeTable::parse(text) {
            Ok(table) => table,
            Err(error) => {
                let at = error.span().map_or(0, |span| span.start);
                page.tell(at, error.message().to_owned());
                return Err(page.into_problems());
            }
        };
        let policy = read(&Section::whole(&table), &mut page);
        let problems = page.into_problems();
        match policy {
            Some(policy) if problems.is_empty() => Ok(policy),
            _ => Err(problems),
        }
    }

    /// Whether it still holds on that day (year, month, day, in UTC).
    pub fn holds_on(&self, day: [u32; 3]) -> bool {
        day <= self.valid_until
    }

    /// Whether findings of that detector may leave.
    pub fn allows(&self, detector: &str) -> bool {
        match &self.detectors {
            Detectors::All => true,
            Detectors::Named(names) => names.iter().any(|name| name == detector),
        }
    }
}

const SECTIONS: &[&str] = &[
    "identity",
    "basis",
    "sharing",
    "recipient",
    "collector",
    "indicators",
    "rules",
    "metrics",
    "retention",
    "tls",
];

/// Reads all of it, telling whatever is wrong; `None` when something is.
fn read(whole: &Section<'_>, page: &mut Page<'_>) -> Option<Policy> {
    whole.only(SECTIONS, page);
    let identity = identity(&whole.needed("identity", page), page);
    let basis = whole.needed("basis", page);
    basis.only(&["law", "agreement", "valid-until"], page);
    let law =
        basis.text("law", "the law that allows it, such as \"D.Lgs. 138/2024, art. 17\"", page);
    let agreement = basis.text("agreement", "the agreement's name or number", page);
    let until = basis.text("valid-until", "the last day on which it holds, \"2027-12-31\"", page);
    let valid_until = until.as_ref().and_then(|until| {
        let day = day(until);
        if day.is_none() {
            let what = format!("{until:?} is no day: write \"2027-12-31\"");
            basis.wrong("valid-until", &what, page);
        }
        day
    });
    let sharing = whole.needed("sharing", page);
    sharing
        .only(&["tlp-ceiling", "detectors", "signatures", "incidents", "level", "own-names"], page);
    let ceiling = tlp(&sharing, "tlp-ceiling", page);
    let detectors = detectors(&sharing, page);
    let signatures = sharing.truth("signatures", false, page);
    let incidents = sharing.truth("incidents", false, page);
    let level = level(&sharing, page);
    let help = "the town's own domains, [\"comune.esempio.it\"], or [\"none\"]";
    let own_names = sharing.texts("own-names", help, OWN_NAMES_MAX, page);
    let recipients = recipients(whole, page);
    let collectors = collector::collectors(whole, page);
    let allowed = allowed(&whole.optional("indicators", page), page);
    let rules = rules::rules(&whole.optional("rules", page), page);
    let metrics = push::push(&whole.optional("metrics", page), page);
    let retention = retention(&whole.optional("retention", page), page);
    let tls = whole.optional("tls", page);
    tls.only(&["certificate", "key", "authority"], page);
    let mut file = |key| tls.optional_text(key, page).map(PathBuf::from);
    let tls =
        Tls { certificate: file("certificate"), key: file("key"), authority: file("authority") };
    Some(Policy {
        identity: identity?,
        law: law?,
        agreement: agreement?,
        valid_until: valid_until?,
        recipients: recipients?,
        collectors: collectors?,
        ceiling: ceiling?,
        detectors: detectors?,
        signatures,
        incidents,
        level: level?,
        own_names: own_names?.into_iter().map(|name| name.to_ascii_lowercase()).collect(),
        allowed,
        rules,
        metrics,
        retention,
        tls,
    })
}

fn identity(section: &Section<'_>, page: &mut Page<'_>) -> Option<Identity> {
    section.only(&["cosc", "region", "istat", "office", "sensor"], page);
    let istat = section.text("istat", "the six digits of ISTAT, \"082053\"", page);
    let region = section.number("region", "the region's number, 1 to 20", page);
    let cosc = section.number("cosc", "the regional centre's number, 1 to 18", page);
    let sensor = section.number("sensor", "the sensor's number, from 1", page);
    let office = section.optional_text("office", page);
    match Identity::new(cosc?, region?, &istat?, office.as_deref(), sensor?) {
        Ok(identity) => Some(identity),
        Err(unsound) => {
            section.wrong(unsound.part, &unsound.what, page);
            None
        }
    }
}

fn tlp(section: &Section<'_>, key: &'static str, page: &mut Page<'_>) -> Option<Tlp> {
    let help = "\"clear\", \"green\", \"amber\" or \"amber+strict\"";
    let text = section.text(key, help, page)?;
    let found = Tlp::ALL.into_iter().find(|tlp| tlp.name() == text);
    if found.is_none() {
        let more = if text == "red" { "; red is never sent by a machine" } else { "" };
        section.wrong(key, &format!("{text:?} is no mark: write {help}{more}"), page);
    }
    found
}

fn level(section: &Section<'_>, page: &mut Page<'_>) -> Option<Level> {
    let help = "\"info\", \"low\", \"medium\", \"high\" or \"critical\"";
    let text = section.text("level", help, page)?;
    let found = [Level::Info, Level::Low, Level::Medium, Level::High, Level::Critical]
        .into_iter()
        .find(|level| level.name() == text);
    if found.is_none() {
        section.wrong("level", &format!("{text:?} is no level: write {help}"), page);
    }
    found
}

fn detectors(section: &Section<'_>, page: &mut Page<'_>) -> Option<Detectors> {
    let help = "a list of detectors, [\"scan\", \"bruteforce\"], or [\"all\"]";
    let names = section.texts("detectors", help, DETECTORS_MAX, page)?;
    let all = names.iter().any(|name| name == "all");
    if all && names.len() > 1 {
        section.wrong("detectors", "\"all\" stands alone: write all, or name them", page);
        return None;
    }
    Some(if all { Detectors::All } else { Detectors::Named(names) })
}

fn recipients(whole: &Section<'_>, page: &mut Page<'_>) -> Option<Vec<Recipient>> {
    let sections = whole.several("recipient", RECIPIENTS_MAX, page);
    if sections.is_empty() && whole.several("collector", COLLECTORS_MAX, page).is_empty() {
        let what = "nobody to send to: write a section [[recipient]] with name, api-root, \
                    collection and tlp";
        page.tell(0, what.to_owned());
        return None;
    }
    let read = sections.iter().map(|section| recipient(section, page)).collect::<Vec<_>>();
    for (number, (section, of)) in sections.iter().zip(&read).enumerate() {
        let collection = |of: &'_ Option<Recipient>| of.as_ref().map(|of| of.collection.clone());
        let mut before = read.iter().take(number).filter_map(collection);
        if collection(of).is_some_and(|own| before.any(|other| other == own)) {
            let what = "another recipient has it: what waits is kept under this name";
            section.wrong("collection", what, page);
        }
    }
    read.into_iter().collect()
}

fn recipient(section: &Section<'_>, page: &mut Page<'_>) -> Option<Recipient> {
    section.only(&["name", "api-root", "collection", "indicators", "tlp"], page);
    let name = section.text("name", "who it is", page);
    let root = section.text("api-root", "the address of its service, https://...", page);
    let api_root = root.and_then(|root| {
        let host = root.strip_prefix("https://").map(|rest| rest.split('/').next());
        let sound = host.is_some_and(|host| host.is_some_and(|host| !host.is_empty()))
            && root.bytes().all(|byte| byte.is_ascii_graphic())
            && !root.contains(['?', '#', '@']);
        if !sound {
            let what = format!("{root:?} is no address of a service: write https://HOST/PATH/");
            section.wrong("api-root", &what, page);
        }
        sound.then(|| format!("{}/", root.trim_end_matches('/')))
    });
    let collection = section.text("collection", "the collection's identifier", page);
    let indicators = section.optional_text("indicators", page);
    for (key, id) in [("collection", collection.as_ref()), ("indicators", indicators.as_ref())] {
        if let Some(id) = id.filter(|id| !id.bytes().all(is_plain)) {
            let what = format!("{id:?}: an identifier has only letters, digits, - _ and .");
            section.wrong(key, &what, page);
        }
    }
    let tlp = tlp(section, "tlp", page);
    Some(Recipient {
        name: name?,
        api_root: api_root?,
        collection: collection?,
        indicators,
        tlp: tlp?,
    })
}

fn allowed(section: &Section<'_>, page: &mut Page<'_>) -> Allowed {
    section.only(&["allow"], page);
    let help = "what is never an indicator: [\"198.51.100.0/24\", \"fornitore.example.org\"]";
    let mut allowed = Allowed::default();
    for text in section.texts("allow", help, ALLOWED_MAX, page).into_iter().flatten() {
        if !allowed.add(&text) {
            section.wrong("allow", &format!("{text:?} is no address, network or name"), page);
        }
    }
    allowed
}

const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

fn retention(section: &Section<'_>, page: &mut Page<'_>) -> Retention {
    section.only(&["spool-days", "spool-mib", "audit-months"], page);
    let mut within = |key, default, most| {
        let value = section.number_within(key, default, 1, most, page);
        u32::try_from(value).unwrap_or(u32::MAX)
    };
    Retention {
        spool_days: within("spool-days", 7, 30),
        spool_mib: within("spool-mib", 256, 4096),
        audit_months: within("audit-months", 24, 120),
    }
}

/// `2027-12-31`.
fn day(text: &str) -> Option<[u32; 3]> {
    let mut parts = text.split('-').map(|part| {
        let digits = part.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| part.parse::<u32>().ok()).flatten()
    });
    let day = [parts.next()??, parts.next()??, parts.next()??];
    let [year, month, of_month] = day;
    let sound = parts.next().is_none()
        && (2020..=2999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&of_month);
    sound.then_some(day)
}

#[cfg(test)]
mod tests;
