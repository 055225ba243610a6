//! How detectors are set: from the configuration to [`Settings`].

use std::collections::BTreeMap;

use super::config::{self, Config};
use crate::anomaly::{DETECTORS, Kind, Sensitivity, Settings, detector};
use crate::detect::diagnostic::nearest;

/// The key of a detector's table that turns it on or off.
pub const ENABLED: &str = "enabled";

/// `[detectors.NAME]`: by detector its keys and their values.
pub type Tables = BTreeMap<String, BTreeMap<String, toml::Value>>;

/// What the configuration says about detectors.
///
/// # Errors
/// All that is wrong: the key, and what about it.
pub fn settings(config: &Config) -> Result<Settings, Vec<(&'static str, String)>> {
    let mut settings = Settings {
        sensitivity: match config.sensitivity {
            Some(config::Sensitivity::Low) => Sensitivity::Low,
            Some(config::Sensitivity::High) => Sensitivity::High,
            Some(config::Sensitivity::Normal) | None => Sensitivity::Normal,
        },
        ..Settings::default()
    };
    let mut problems = Vec::new();
    for (name, table) in config.detectors.iter().flatten() {
        let Some(kind) = detector(name) else {
            problems.push(("detectors", unknown(name)));
            continue;
        };
        for (key, value) in table {
            let set = if key == ENABLED {
                enabled(kind, value, &mut settings)
            } else {
                parameter(kind, key, value, &mut settings)
            };
            problems.extend(set.err().map(|what| ("detectors", format!("{name}.{key}: {what}"))));
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
        Some(true) => settings.off.remove(kind.name),
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
    if !names().any(|name| name == key) {
        let hint = nearest(key, names().chain([ENABLED])).map_or_else(
            || format!("`rivellino explain {}` lists its parameters", kind.name),
            |known| format!("did you mean {known}?"),
        );
        return Err(format!("unknown parameter; {hint}"));
    }
    #[allow(clippy::cast_precision_loss, reason = "no parameter is near 2^53")]
    let number = value.as_float().or_else(|| value.as_integer().map(|number| number as f64));
    match number {
        Some(number) if number.is_finite() && number >= 0.0 => {
            let values = settings.values.entry(kind.name.to_owned()).or_default();
            values.insert(key.to_owned(), number);
            Ok(())
        }
        _ => Err(format!("{value} is no number from 0 on")),
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
    fn what_is_wrong_names_the_nearest_right_one() {
        let problems = read(
            "[detectors.scann]\nenabled = true\n[detectors.bruteforce]\nfailurs = 7\n\
             enabled = 3\nfailures = -1\n",
        )
        .unwrap_err();
        let all = problems.join("\n");
        for said in [
            "no detector is called scann; did you mean scan?",
            "bruteforce.failurs: unknown parameter; did you mean failures?",
            "bruteforce.enabled: 3 is neither true nor false",
            "bruteforce.failures: -1 is no number from 0 on",
        ] {
            assert!(all.contains(said), "{said} not in {all}");
        }
    }
}
