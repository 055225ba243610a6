//! Words that explanations share, in Italian and English: numbers with their plural forms, spans
//! of time, amounts, hosts.

use crate::net::Endpoint;
use crate::record::Context;
use crate::time::Duration;

use super::{Known, Site};

/// The same said in Italian and in English.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// Italian.
    pub it: String,
    /// English.
    pub en: String,
}

impl Said {
    /// Both at once.
    pub fn new(it: impl Into<String>, en: impl Into<String>) -> Self {
        Self { it: it.into(), en: en.into() }
    }

    /// Both with the same text: names, numbers.
    pub fn same(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { it: text.clone(), en: text }
    }
}

/// `1 tentativo` / `3 tentativi`, `1 attempt` / `3 attempts`.
pub fn count(number: u64, it: [&str; 2], en: [&str; 2]) -> Said {
    let form = usize::from(number != 1);
    let word = |forms: [&str; 2]| forms.get(form).copied().unwrap_or_default().to_owned();
    Said::new(format!("{number} {}", word(it)), format!("{number} {}", word(en)))
}

/// A span of time, rounded to what a person would say.
pub fn span(took: Duration) -> Said {
    match took.as_secs() {
        // Less than a second is still told as one: "0 seconds" reads like a mistake.
        0 | 1 => count(1, ["secondo", "secondi"], ["second", "seconds"]),
        s @ 2..120 => count(s, ["secondo", "secondi"], ["second", "seconds"]),
        s @ 120..7200 => count(s / 60, ["minuto", "minuti"], ["minute", "minutes"]),
        s @ 7200..172_800 => count(s / 3600, ["ora", "ore"], ["hour", "hours"]),
        s => count(s / 86_400, ["giorno", "giorni"], ["day", "days"]),
    }
}

/// An amount of data in decimal units: `1,5 GB` / `1.5 GB`.
pub fn amount(bytes: u64) -> Said {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return Said::new(format!("{bytes} byte"), format!("{bytes} bytes"));
    }
    let mut value = bytes as f64 / 1000.0;
    let mut unit = "kB";
    for next in UNITS.iter().skip(1) {
        if value < 999.5 {
            break;
        }
        value /= 1000.0;
        unit = next;
    }
    let number = number(value);
    Said::new(format!("{} {unit}", number.it), format!("{} {unit}", number.en))
}

/// A number with as many decimals as tell something: none from 10 on.
pub fn number(value: f64) -> Said {
    let text = if value >= 9.95 { format!("{value:.0}") } else { format!("{value:.1}") };
    let text = text.strip_suffix(".0").unwrap_or(&text);
    Said::new(text.replace('.', ","), text)
}

/// A share as percent, never rounded up to all: `97 %` / `97%`.
pub fn percent(share: f64) -> Said {
    let whole = (share * 100.0).clamp(0.0, 100.0);
    let whole = if whole < 100.0 { whole.round().min(99.0) } else { whole };
    Said::new(format!("{whole:.0} %"), format!("{whole:.0}%"))
}

/// A host as a technician knows it: its address, with the name that was asked for if one is known.
pub fn host(end: Option<Endpoint>, known: &Known) -> String {
    let Some(end) = end else { return "?".to_owned() };
    known
        .name(end.addr)
        .map_or_else(|| end.addr.to_string(), |name| format!("{} ({})", end.addr, printable(name)))
}

/// Whether the source of a record is ours.
pub fn from_home(context: &Context, site: &Site) -> bool {
    context.source.is_some_and(|end| site.is_home(end.addr))
}

/// Text of the other side without control characters, and not without end.
pub fn printable(text: &str) -> String {
    const SHOWN_MAX: usize = 80;
    let mut shown: String =
        text.chars().take(SHOWN_MAX).map(|c| if c.is_control() { '.' } else { c }).collect();
    if text.chars().nth(SHOWN_MAX).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plural_forms_and_units_read_well() {
        let said = |it: &str, en: &str| Said::new(it, en);
        let tries = |n| count(n, ["tentativo", "tentativi"], ["attempt", "attempts"]);
        assert_eq!(tries(1), said("1 tentativo", "1 attempt"));
        assert_eq!(tries(0), said("0 tentativi", "0 attempts"));
        assert_eq!(span(Duration::from_secs(0)), said("1 secondo", "1 second"));
        assert_eq!(span(Duration::from_secs(7200)), said("2 ore", "2 hours"));
        assert_eq!(amount(999), said("999 byte", "999 bytes"));
        assert_eq!(amount(1_540_000_000), said("1,5 GB", "1.5 GB"));
        assert_eq!(amount(999_900), said("1 MB", "1 MB"));
        assert_eq!(percent(0.999), said("99 %", "99%"));
    }
}
