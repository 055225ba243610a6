//! How detectors are set: from the configuration to [`Settings`].

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use super::config::{self, Config, Problem};
use crate::anomaly::suppress::{self, Hours, Mistake, Quiet};
use crate::anomaly::{DETECTORS, Kind, Sensitivity, Settings, detector};
use crate::detect::diagnostic::nearest;
use crate::time::Duration;

/// The key of a detector's table that turns it on or off.
pub const ENABLED: &str = "enabled";

/// `[detectors.NAME]`: by detector its keys and their values.
pub type Tables = BTreeMap<String, BTreeMap<String, toml::Value>>;

/// Parameters that may be nought: what takes no time then, or is told of however small. Of others it
/// would silence the detector.
const MAY_BE_NOUGHT: &[&str] =
    &["expiry-days", "learning-time", "learning-transactions", "learn", "dropped", "silence"];
/// A day, to its end.
const DAY: Duration = Duration::from_secs(86_400);
/// Name under which what authorised scanners set off is counted.
const SCANNERS: &str = "authorised-scanners";

/// `[[suppress]]`: see [`suppress::Quiet`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the keys are those of Quiet")]
pub struct Suppress {
    pub name: String,
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "some_or_many")]
    pub detectors: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "some_or_many")]
    pub source: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "some_or_many")]
    pub destination: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "day")]
    pub until: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// A text, or a list of them.
#[derive(Deserialize)]
#[serde(untagged, expecting = "write a text or a list of texts")]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

fn some_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(text) => vec![text],
        OneOrMany::Many(texts) => texts,
    })
}

/// Reads a text as a list of one.
///
/// # Errors
/// When it is neither a text nor a list of texts.
pub fn one_or_many<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<String>>, D::Error> {
    some_or_many(deserializer).map(Some)
}

/// A date, in quotation marks or without.
fn day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "write a date: \"2026-12-31\"")]
    enum Day {
        Text(String),
        Date(toml::value::Datetime),
    }
    Ok(Some(match Day::deserialize(deserializer)? {
        Day::Text(text) => text,
        Day::Date(date) => date.to_string(),
    }))
}

impl Suppress {
    fn quiet(&self) -> Result<Quiet, Mistake> {
        let ends = |texts: &[String]| {
            let ends = suppress::networks(texts.iter().map(String::as_str));
            if texts.is_empty() { Ok(None) } else { ends.map(Some) }
        };
        Ok(Quiet {
            name: self.name.clone(),
            detectors: self.detectors.iter().cloned().collect(),
            sources: ends(&self.source)?,
            destinations: ends(&self.destination)?,
            hours: self.hours.as_deref().map(Hours::parse).transpose()?,
            // The day that is named is the last on which it applies.
            until: self
                .until
                .as_deref()
                .map(|text| suppress::date(text).map(|day| day.after(DAY)))
                .transpose()?,
            reason: self.reason.clone(),
        })
    }
}

/// The rules that silence, and what is wrong with any.
fn suppressions(config: &Config) -> (Vec<Quiet>, Vec<Problem>) {
    let (mut rules, mut problems) = (Vec::new(), Vec::new());
    // Of each rule, which table it is of.
    let mut entries = Vec::new();
    let scanners = config.authorised_scanners.iter().flatten().map(String::as_str);
    match suppress::networks(scanners) {
        Ok(set) if config.authorised_scanners.iter().flatten().next().is_some() => {
            entries.push(None);
            rules.push(Quiet {
                name: SCANNERS.to_owned(),
                sources: Some(set),
                reason: "authorised scanner".to_owned(),
                ..Quiet::default()
            });
        }
        Ok(_) => {}
        Err(mistake) => problems.push(Problem::of(SCANNERS, mistake.to_string())),
    }
    for (entry, suppress) in config.suppress.iter().flatten().enumerate() {
        match suppress.quiet() {
            Ok(quiet) => {
                rules.push(quiet);
                entries.push(Some(entry));
            }
            Err(mistake) => {
                let what = format!("{}: {mistake}", suppress.name);
                problems.push(Problem::of("suppress", what).within(Some(entry)));
            }
        }
    }
    if let Err((rule, mistake)) = suppress::check(&rules) {
        let entry = entries.get(rule).copied().flatten();
        problems.push(Problem::of("suppress", mistake.to_string()).within(entry));
    }
    (rules, problems)
}

/// What the configuration says about detectors.
///
/// # Errors
/// All that is wrong.
pub fn settings(config: &Config) -> Result<Settings, Vec<Problem>> {
    let mut settings = Settings {
        sensitivity: match config.sensitivity {
            Some(config::Sensitivity::Low) => Sensitivity::Low,
            Some(config::Sensitivity::High) => Sensitivity::High,
            Some(config::Sensitivity::Normal) | None => Sensitivity::Normal,
        },
        notifications: config.notifications,
        ..Settings::default()
    };
    let (rules, mut problems) = suppressions(config);
    settings.suppressions = rules;
    for (name, table) in config.detectors.iter().flatten() {
        let Some(kind) = detector(name) else {
            problems.push(Problem::of("detectors", unknown(name)));
            continue;
        };
        for (key, value) in table {
            let set = if key == ENABLED {
                enabled(kind, value, &mut settings)
            } else {
                parameter(kind, key, value, &mut settings)
            };
            let wrong = |what| Problem::of("detectors", format!("{name}.{key}: {what}"));
            problems.extend(set.err().map(wrong));
        }
    }
    if problems.is_empty() { Ok(settings) } else { Err(problems) }
}

/// What to say of a detector that is not there.
pub fn unknown(name: &str) -> String {
    let hint = nearest(name, DETECTORS.iter().map(|kind| kind.name)).map_or_else(
        || "`rivellino explain` lists them".to_owned(),
        |known| format!("did you mean {known}?"),
    );
    format!("no detector is called {name}; {hint}")
}

fn enabled(kind: &Kind, value: &toml::Value, settings: &mut Settings) -> Result<(), String> {
    match value.as_bool() {
        Some(true) => settings.on.insert(kind.name.to_owned()),
        Some(false) => settings.off.insert(kind.name.to_owned()),
        None => return Err(format!("{value} is neither true nor false")),
    };
    Ok(())
}

fn parameter(
    kind: &Kind,
    key: &str,
    value: &toml::Value,
    settings: &mut Settings,
) -> Result<(), String> {
    let names = || kind.parameters.iter().map(|parameter| parameter.name);
    let Some(known) = kind.parameters.iter().find(|known| known.name == key) else {
        let hint = nearest(key, names().chain([ENABLED])).map_or_else(
            || format!("`rivellino explain {}` lists its parameters", kind.name),
            |known| format!("did you mean {known}?"),
        );
        return Err(format!("unknown parameter; {hint}"));
    };
    let may_be_nought = MAY_BE_NOUGHT.contains(&known.name);
    #[allow(clippy::cast_precision_loss, reason = "no parameter is near 2^53")]
    let number = value.as_float().or_else(|| value.as_integer().map(|number| number as f64));
    match number {
        Some(number) if number.is_finite() && (number > 0.0 || may_be_nought && number == 0.0) => {
            let values = settings.values.entry(kind.name.to_owned()).or_default();
            values.insert(key.to_owned(), number);
            Ok(())
        }
        _ if may_be_nought => Err(format!("{value} is no number from 0 on")),
        _ => Err(format!("{value} is no number above 0")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn read(text: &str) -> Result<Config, Vec<String>> {
        Config::parse(text, "rivellino.toml")
    }

    #[test]
    fn tables_of_detectors_become_settings() {
        let config = read(
            "sensitivity = \"high\"\n[detectors.scan]\nenabled = false\n\
             [detectors.bruteforce]\nfailures = 7\n",
        )
        .unwrap();
        let settings = settings(&config).unwrap();
        assert_eq!(settings.sensitivity, Sensitivity::High);
        assert!(!settings.is_on("scan") && settings.is_on("sweep"));
        let bruteforce = detector("bruteforce").unwrap();
        let failures = bruteforce.parameters.iter().find(|known| known.name == "failures").unwrap();
        assert_eq!(settings.of(bruteforce).get(failures), 7.0);
    }

    #[test]
    fn what_is_suppressed_is_read_and_what_is_wrong_with_it_told() {
        let config = read(
            "authorised-scanners = \"10.0.0.5\"\nnotifications = 3\n[[suppress]]\n\
             name = \"copies\"\ndetectors = [\"scan\"]\ndestination = [\"10.1.0.0/16\"]\n\
             hours = \"22:00-06:00\"\nuntil = 2027-01-01\n",
        )
        .unwrap();
        let settings = settings(&config).unwrap();
        assert_eq!(settings.notifications, Some(3));
        let until = settings.suppressions.last().unwrap().until.unwrap();
        assert_eq!(until.to_string(), "2027-01-02T00:00:00.000000+0000");
        let names: Vec<_> = settings.suppressions.iter().map(|rule| &rule.name).collect();
        assert_eq!(names, ["authorised-scanners", "copies"]);
        for (rule, said) in [
            ("name = \"a\"\nhours = \"25:00-1:00\"", "25:00-1:00"),
            ("name = \"a\"\ndetectors = [\"scna\"]", "scna"),
            ("name = \"a\"\nsource = [\"10.0.0.0/99\"]", "10.0.0.0/99"),
            ("name = \"a\"\nuntil = \"tomorrow\"", "tomorrow"),
            ("name = \"a\"\nreason = \"all\"", "neither a detector nor a source"),
            ("name = \"a\"\nsuorce = []", "unknown field"),
        ] {
            let before = "workers = 1\n[[suppress]]\nname = \"b\"\ndetectors = [\"scan\"]\n";
            let wrong = read(&format!("{before}[[suppress]]\n{rule}\n")).unwrap_err();
            assert_eq!(wrong.len(), 1, "{wrong:?}");
            // The line of its table, or a line in it.
            let told = wrong.first().unwrap();
            let (line, told) =
                told.strip_prefix("rivellino.toml:").unwrap().split_once(':').unwrap();
            let line: usize = line.parse().unwrap();
            assert!((5..=7).contains(&line) && told.contains(said), "{line}: {told}");
        }
    }

    #[test]
    fn what_may_be_nought_is_known() {
        for name in MAY_BE_NOUGHT {
            let has = |kind: &&&Kind| kind.parameters.iter().any(|known| known.name == *name);
            let kind = crate::anomaly::DETECTORS.iter().find(has).unwrap();
            assert!(read(&format!("[detectors.{}]\n{name} = 0\n", kind.name)).is_ok(), "{name}");
        }
    }

    #[test]
    fn what_is_wrong_names_the_nearest_right_one() {
        let problems = read(
            "[detectors.scann]\nenabled = true\n[detectors.bruteforce]\nfailurs = 7\n\
             enabled = 3\nfailures = -1\n[detectors.scan]\nmemory = 0\n",
        )
        .unwrap_err();
        let all = problems.join("\n");
        for said in [
            "no detector is called scann; did you mean scan?",
            "bruteforce.failurs: unknown parameter; did you mean failures?",
            "bruteforce.enabled: 3 is neither true nor false",
            "bruteforce.failures: -1 is no number above 0",
            "scan.memory: 0 is no number above 0",
        ] {
            assert!(all.contains(said), "{said} not in {all}");
        }
    }
}
