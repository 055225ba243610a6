//! Rule files from disk, or the bundled ones, to a ruleset.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;

use super::config::Config;
use super::sets::{self, Sets};
use crate::detect::places::Places;
use crate::detect::reputation::Reputations;
use crate::detect::{self, Diagnostic, LoadSummary, Ruleset, Variables};

/// The rules that come with the program, by file name.
pub static BUNDLED: &[(&str, &str)] = &[
    ("access.rules", include_str!("../../signatures/access.rules")),
    ("exploits.rules", include_str!("../../signatures/exploits.rules")),
    ("industrial.rules", include_str!("../../signatures/industrial.rules")),
    ("malware.rules", include_str!("../../signatures/malware.rules")),
    ("scanners.rules", include_str!("../../signatures/scanners.rules")),
    ("web.rules", include_str!("../../signatures/web.rules")),
];

/// Rules, and what loading them had to say.
pub struct Loaded {
    /// The rules.
    pub ruleset: Arc<Ruleset>,
    /// What is wrong, file by file, line by line.
    pub diagnostics: Vec<Diagnostic>,
    /// How many loaded, failed, were skipped.
    pub summary: LoadSummary,
    /// Sets of values that they ask.
    pub sets: Arc<Sets>,
}

/// Files that stand beside rules.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// Thresholds, suppressions, rates.
    pub threshold: Option<PathBuf>,
    /// Classifications.
    pub classification: Option<PathBuf>,
    /// Reference systems.
    pub reference: Option<PathBuf>,
    /// Categories of reputations.
    pub categories: Option<PathBuf>,
    /// Reputations of addresses.
    pub reputations: Vec<PathBuf>,
    /// Countries of addresses.
    pub places: Option<PathBuf>,
    /// Folder of sets that rules fill.
    pub data: Option<PathBuf>,
}

impl Beside {
    /// Those that the configuration names.
    pub fn of(config: &Config) -> Self {
        let folder = config.default_reputation_path.as_deref().unwrap_or(Path::new(""));
        let files = config.reputation_files.iter().flatten();
        Self {
            threshold: config.threshold_file.clone(),
            classification: config.classification_file.clone(),
            reference: config.reference_file.clone(),
            categories: config.reputation_categories_file.clone(),
            reputations: files.map(|file| folder.join(file)).collect(),
            places: config.geoip_database.clone(),
            data: config.data_dir.clone(),
        }
    }

    /// Reads them for the rules to come.
    ///
    /// # Errors
    /// When one cannot be read, or something in it is wrong; lines of reputations that are wrong are
    /// only warned of.
    pub fn read(&self, variables: &mut Variables) -> anyhow::Result<()> {
        let text = |path: &PathBuf| {
            let bytes = std::fs::read(path);
            let bytes = bytes.with_context(|| format!("cannot read {}", path.display()))?;
            anyhow::Ok(plain(bytes))
        };
        let told = |path: &Path, problems: Vec<String>| {
            let lines: Vec<String> =
                problems.iter().map(|problem| format!("{}: {problem}", path.display())).collect();
            anyhow::anyhow!("{}", lines.join("\n"))
        };
        if let Some(path) = &self.threshold {
            let limits = detect::limits::parse(&text(path)?, variables);
            variables.limits = limits.map_err(|problems| told(path, problems))?;
        }
        if let Some(path) = &self.classification {
            let classes = detect::classification::parse(&text(path)?);
            variables.companions.classes =
                Some(classes.map_err(|problems| told(path, problems))?.into());
        }
        if let Some(path) = &self.reference {
            let systems = detect::classification::parse_references(&text(path)?);
            let systems = systems.map_err(|problems| told(path, problems))?;
            variables.companions.references = Some(systems.into());
        }
        variables.companions.kept = self.data.as_deref().map(sets::reader);
        variables.companions.reputations = self.read_reputations(text)?.map(Arc::new);
        if let Some(path) = &self.places {
            let bytes = std::fs::read(path);
            let bytes = bytes.with_context(|| format!("cannot read {}", path.display()))?;
            let places = Places::new(bytes).map_err(|why| {
                let why = format!("{why}: a database of MaxMind's format (*.mmdb) is expected");
                told(path, vec![why])
            })?;
            variables.companions.places = Some(places.into());
        }
        Ok(())
    }

    fn read_reputations(
        &self,
        text: impl Fn(&PathBuf) -> anyhow::Result<String>,
    ) -> anyhow::Result<Option<Reputations>> {
        let Some(categories) = &self.categories else {
            anyhow::ensure!(
                self.reputations.is_empty(),
                "reputation-files need a reputation-categories-file that names their categories"
            );
            return Ok(None);
        };
        let mut known = Reputations::default();
        // Lists come from elsewhere: a line that is wrong must not cost the others.
        let tell = |path: &Path, problems: Vec<String>| {
            problems.iter().for_each(|problem| tracing::warn!("{}: {problem}", path.display()));
        };
        tell(categories, known.categories(&text(categories)?));
        for path in &self.reputations {
            tell(path, known.add(&text(path)?));
        }
        Ok(Some(known))
    }
}

/// The rule files that `named` stands for: a folder stands for all `*.rules` in it, by name.
///
/// # Errors
/// When a folder cannot be read, or holds no rule file.
pub fn files(named: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in named {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        // A link may lead elsewhere between two files: all are of one folder.
        let path = &match path.read_link() {
            Ok(target) => path.parent().unwrap_or(Path::new("")).join(target),
            Err(_) => path.clone(),
        };
        let entries = std::fs::read_dir(path)
            .with_context(|| format!("cannot read the folder {}", path.display()))?;
        let paths = entries.flatten().map(|entry| entry.path());
        let mut inside: Vec<PathBuf> =
            paths.filter(|path| path.extension().is_some_and(|end| end == "rules")).collect();
        anyhow::ensure!(!inside.is_empty(), "no file *.rules in the folder {}", path.display());
        inside.sort();
        files.append(&mut inside);
    }
    Ok(files)
}

/// Loads the files, or the bundled rules when none is named.
///
/// # Errors
/// When a file cannot be read. A rule that cannot be loaded is only told.
pub fn load(files: &[PathBuf], variables: &mut Variables) -> anyhow::Result<Loaded> {
    Ok(load_texts(&texts(files)?, variables))
}

/// Names and texts of the files, or of the bundled rules when none is named.
///
/// # Errors
/// When a file cannot be read.
pub fn texts(files: &[PathBuf]) -> anyhow::Result<Vec<(Arc<str>, String)>> {
    let mut texts: Vec<(Arc<str>, String)> = Vec::new();
    for file in files {
        let name = Arc::from(file.to_string_lossy());
        let bytes = std::fs::read(file)
            .with_context(|| format!("cannot read the rules in {}", file.display()))?;
        texts.push((name, plain(bytes)));
    }
    if files.is_empty() {
        texts.extend(BUNDLED.iter().map(|(name, text)| (Arc::from(*name), (*text).to_owned())));
    }
    Ok(texts)
}

/// The text of a file. Comments in old ones are often Latin-1, which must not cost the file, and some
/// editors put a mark of the byte order before UTF-8.
fn plain(bytes: Vec<u8>) -> String {
    let text = String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)
}

/// A file that rules name, of at most so many bytes.
const NAMED_FILE_MAX: u64 = 256 << 20;

/// Reads a file that a rule of the file `origin` names: relative to that file's folder.
fn named_file(path: &str, origin: &str) -> Result<Vec<u8>, String> {
    let folder = Path::new(origin).parent().unwrap_or(Path::new(""));
    let path = folder.join(path);
    let size = std::fs::metadata(&path).map_err(|error| error.to_string())?.len();
    if size > NAMED_FILE_MAX {
        return Err(format!("{size} bytes are more than {NAMED_FILE_MAX}"));
    }
    std::fs::read(&path).map_err(|error| error.to_string())
}

/// Loads texts, each with its file's name.
pub fn load_texts(texts: &[(Arc<str>, String)], variables: &mut Variables) -> Loaded {
    variables.companions.read = Some(Arc::new(named_file));
    let (ruleset, diagnostics, summary) = detect::load(texts, variables);
    let sets = Arc::new(variables.companions.sets());
    Loaded { ruleset: Arc::new(ruleset), diagnostics, summary, sets }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn what_is_known_of_addresses_is_read_with_the_rules() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        put("categories.txt", "1,CnC,Command and control\n");
        put("bad.list", "192.0.2.0/24,1,50\n");
        let config = || Config {
            reputation_categories_file: Some(folder.path().join("categories.txt")),
            default_reputation_path: Some(folder.path().to_owned()),
            reputation_files: Some(vec!["bad.list".into()]),
            ..Config::default()
        };
        let read = |config: &Config| {
            let mut variables = Variables::default();
            Beside::of(config).read(&mut variables).map(|()| variables)
        };
        let rule = "alert ip any any -> any any (iprep:src,CnC,>,1; sid:1;)\n";
        let texts = [(Arc::from("a.rules"), rule.to_owned())];
        let loaded = |mut variables| load_texts(&texts, &mut variables).summary;
        assert_eq!(loaded(read(&config()).unwrap()).loaded, 1);
        assert_eq!(loaded(Variables::default()).failed, 1);

        let told = |config: &Config| read(config).err().map(|error| format!("{error:#}")).unwrap();
        let nameless = Config { reputation_categories_file: None, ..config() };
        assert!(told(&nameless).contains("reputation-categories-file"));
        put("bad.list", "192.0.2.0/24,2,50\n\nhost,1,1\n192.0.2.9,1,1\n");
        let known = read(&config()).unwrap().companions.reputations.unwrap();
        assert_eq!(known.size(), (1, 1), "the line that is right is taken");
        let database = Some(folder.path().join("bad.list"));
        let places = Config { geoip_database: database, ..Config::default() };
        assert!(told(&places).contains("*.mmdb"), "{}", told(&places));
    }
}
