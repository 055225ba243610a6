//! `explain`: what a detector of behaviour does, with the parameters in force.

use std::io::Write;

use anyhow::bail;

use super::behaviour;
use super::cli::Explain;
use super::config::Config;
use super::run::{DONE, configuration};
use super::terminal::Terminal;
use crate::anomaly::{DETECTORS, Kind, Settings, detector};

/// Columns of a line of prose.
const COLUMNS: usize = 96;

/// Explains a detector, or lists them all; gives the exit code.
///
/// # Errors
/// When none is of that name, or the configuration is wrong.
pub fn explain(line: &Explain, out: &mut Terminal) -> anyhow::Result<u8> {
    let over = Config { sensitivity: line.sensitivity, ..Config::default() };
    let config = configuration(over, line.config.as_deref())?;
    // The configuration has been found right above.
    let settings = behaviour::settings(&config).unwrap_or_default();
    let Some(name) = &line.detector else {
        for kind in DETECTORS {
            let off = if settings.is_on(kind.name) { "" } else { " (off)" };
            writeln!(out, "{:16} {}{off}", kind.name, kind.help)?;
        }
        return Ok(DONE);
    };
    let Some(kind) = detector(name) else { bail!("{}", behaviour::unknown(name)) };
    write!(out, "{}", text(kind, &settings))?;
    Ok(DONE)
}

/// The page of a detector.
fn text(kind: &Kind, settings: &Settings) -> String {
    let off = if settings.is_on(kind.name) { "" } else { ", off" };
    let mut page = format!("{} (generator {}{off})\n", kind.name, kind.gid);
    page.push_str(&wrapped(kind.help, ""));
    page.push_str("\nHow it works\n");
    page.push_str(&wrapped(kind.algorithm, "  "));
    page.push_str("\nParameters in force\n");
    let set = settings.values.get(kind.name);
    let tuning = settings.of(kind);
    for parameter in kind.parameters {
        let whose = match set.and_then(|values| values.get(parameter.name)) {
            Some(_) => format!("set; {} otherwise", parameter.at(settings.sensitivity)),
            None if parameter
                .values
                .iter()
                .all(|value| *value == parameter.at(settings.sensitivity)) =>
            {
                "at any sensitivity".to_owned()
            }
            None => {
                let [low, normal, high] = parameter.values;
                format!("low {low}, normal {normal}, high {high}")
            }
        };
        let value = tuning.get(parameter);
        let unit = if parameter.unit.is_empty() { "" } else { " " };
        page.push_str(&format!(
            "  {} = {value}{unit}{} ({whose})\n",
            parameter.name, parameter.unit
        ));
        page.push_str(&wrapped(parameter.help, "      "));
    }
    page.push_str("\nLearned from\n");
    for reference in kind.references {
        page.push_str(&wrapped(reference, "  "));
    }
    page.push_str(&format!(
        "\nTo change it, in rivellino.toml:\n  [detectors.{}]\n  enabled = false\n",
        kind.name
    ));
    page
}

/// Words in lines of at most [`COLUMNS`], each behind `indent`.
fn wrapped(words: &str, indent: &str) -> String {
    let (mut text, mut column) = (String::new(), 0);
    for word in words.split_whitespace() {
        let width = word.chars().count() + 1;
        if column == 0 || column + width > COLUMNS {
            text.push_str(if column == 0 { indent } else { "\n" });
            if column != 0 {
                text.push_str(indent);
            }
            column = indent.len();
        } else {
            text.push(' ');
        }
        text.push_str(word);
        column += width;
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::anomaly::Sensitivity;
    use crate::protocols::PROTOCOLS;

    #[test]
    fn every_page_tells_all_there_is_within_the_width() {
        for kind in DETECTORS {
            let page = text(kind, &Settings::default());
            let flat = page.split_whitespace().collect::<Vec<_>>().join(" ");
            let whole = |words: &str| words.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(flat.contains(&whole(kind.algorithm)), "{page}");
            for reference in kind.references {
                assert!(flat.contains(&whole(reference)), "{page}");
            }
            for parameter in kind.parameters {
                let value = parameter.at(Sensitivity::Normal);
                assert!(page.contains(&format!("  {} = {value}", parameter.name)), "{page}");
            }
            assert!(page.lines().all(|line| line.chars().count() <= 130), "{page}");
        }
    }

    #[test]
    fn what_a_detector_reads_is_a_protocol_that_there_is() {
        for protocol in DETECTORS.iter().flat_map(|kind| kind.reads) {
            assert!(PROTOCOLS.iter().any(|known| known.eve == *protocol), "{protocol}");
        }
    }

    #[test]
    fn a_value_of_the_site_is_shown_as_such() {
        let kind = detector("bruteforce").unwrap();
        let mut settings = Settings::default();
        let parameter = kind.parameters.first().unwrap();
        let values = [(parameter.name.to_owned(), 7.5)].into();
        settings.values.insert(kind.name.to_owned(), values);
        let page = text(kind, &settings);
        assert!(page.contains(&format!("{} = 7.5 ", parameter.name)), "{page}");
        assert!(page.contains("(set; "), "{page}");
    }
}
