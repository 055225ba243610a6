//! What is wrong with a rule, shown where it is wrong; and what a load came to.
//!
//! Codes are stable. `R00x` the grammar of a file, `R01x` a rule's header, `R02x` variables,
//! addresses and ports, `R03x` numbers, `R1xx` operators on buffers, `R2xx` other operators,
//! `R9xx` rules that are sound but that this sensor cannot evaluate, `R930` those that can match nothing.

use std::fmt;
use std::sync::Arc;

use super::operator::Problem;

/// The code of a rule that asks to be skipped here (`requires`): not loaded, and no failure.
pub const SKIPPED: &str = "R920";

/// The code of a rule that is loaded in place of an earlier one.
pub const REPLACED: &str = "R048";

/// The code of a rule that is loaded and can match nothing.
const VAIN: &str = "R930";

/// What a diagnostic means for the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The rule is loaded; something in it has no effect or is probably not meant so.
    Warning,
    /// The rule is sound, or may be, but is not loaded: it asks for what is not there.
    Unsupported,
    /// The rule is wrong and not loaded.
    Error,
}

/// One thing to say of one place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable code: `R012`.
    pub code: &'static str,
    /// What it means for the rule.
    pub severity: Severity,
    /// File, as it was named.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// How many characters are meant, at least 1.
    pub width: u32,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub help: Option<String>,
    /// The line, as it stands in the file.
    pub source: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Warning => "warning",
            Severity::Unsupported => "unsupported",
            Severity::Error => "error",
        };
        writeln!(f, "{severity}[{}]: {}", self.code, self.message)?;
        writeln!(f, " --> {}:{}:{}", self.file, self.line, self.column)?;
        let (excerpt, before) = self.excerpt();
        let margin = self.line.to_string().len();
        writeln!(f, "{:margin$} |", "")?;
        writeln!(f, "{} | {excerpt}", self.line)?;
        let left = excerpt.chars().count().saturating_sub(before).max(1);
        let carets = "^".repeat((self.width as usize).clamp(1, left));
        write!(f, "{:margin$} | {:before$}{carets}", "", "")?;
        match &self.help {
            Some(help) => write!(f, "\n{:margin$} = help: {help}", ""),
            None => Ok(()),
        }
    }
}

/// How many characters of a line are shown: rules are long, terminals are not.
const EXCERPT_CHARS: usize = 110;

impl Diagnostic {
    /// In one line: place, code, what is wrong.
    pub fn brief(&self) -> String {
        let Self { file, line, column, code, message, .. } = self;
        format!("{file}:{line}:{column}: {message} [{code}]")
    }

    /// The part of the line around the place, tabs as spaces, and where in it the place begins.
    fn excerpt(&self) -> (String, usize) {
        let start = self.column.saturating_sub(1) as usize;
        let total = self.source.chars().count();
        let skip = if total <= EXCERPT_CHARS { 0 } else { start.saturating_sub(EXCERPT_CHARS / 3) };
        let shown = self.source.chars().skip(skip).take(EXCERPT_CHARS);
        let mut excerpt = String::from(if skip > 0 { "... " } else { "" });
        let shift = excerpt.len();
        excerpt.extend(shown.map(|c| if c.is_control() { ' ' } else { c }));
        if skip + EXCERPT_CHARS < total {
            excerpt.push_str(" ...");
        }
        (excerpt, start.saturating_sub(skip) + shift)
    }
}

impl Diagnostic {
    /// Of a rule that can match nothing, with its line as it stands in the file.
    pub(super) fn vain(file: &Arc<str>, line: u32, source: &str) -> Self {
        Self {
            code: VAIN,
            severity: Severity::Warning,
            file: Arc::clone(file),
            line,
            column: 1,
            width: 1,
            message: "this rule can never match: no protocol that it is for has all that it tests"
                .to_owned(),
            help: Some(
                "look at the protocol word, the direction in `flow`, and whether its buffers belong \
                 together"
                    .to_owned(),
            ),
            source: source.to_owned(),
        }
    }
}

impl Problem {
    /// A problem with the bytes `span` of what was given.
    pub fn spanned(
        code: &'static str,
        span: std::ops::Range<usize>,
        message: impl Into<String>,
    ) -> Self {
        Self { code, message: message.into(), span, help: None }
    }

    /// With how to mend it.
    #[must_use]
    pub fn hint(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same problem where the text it speaks of begins `bytes` later.
    #[must_use]
    pub fn shifted(mut self, bytes: usize) -> Self {
        self.span = self.span.start + bytes..self.span.end + bytes;
        self
    }
}

/// What loading rules came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadSummary {
    /// Files read.
    pub files: u64,
    /// Rules that are evaluated.
    pub loaded: u64,
    /// Rules that are not, each with a diagnostic.
    pub failed: u64,
    /// Rules that their author switched off (`#alert ...`), or that ask to be skipped
    /// (`requires`).
    pub skipped: u64,
    /// Keywords that are not known here, and how many rules each cost.
    pub unsupported: std::collections::BTreeMap<String, u64>,
}

impl LoadSummary {
    /// Adds the figures of another load.
    pub fn add(&mut self, other: &Self) {
        self.files += other.files;
        self.loaded += other.loaded;
        self.failed += other.failed;
        self.skipped += other.skipped;
        for (keyword, count) in &other.unsupported {
            *self.unsupported.entry(keyword.clone()).or_default() += count;
        }
    }
}

impl fmt::Display for LoadSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { files, loaded, failed, skipped, .. } = self;
        write!(f, "{files} files: {loaded} rules loaded, {failed} failed, {skipped} skipped")
    }
}

/// The name among `known` that is nearest to `name`, when it is near enough to be a slip.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (name.len() / 3).clamp(1, 4);
    known
        .into_iter()
        .filter(|other| other.len().abs_diff(name.len()) <= allowed)
        .map(|other| (distance(name, other), other))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, other)| other)
}

/// How many letters must be changed, added or taken away (Levenshtein), in bytes.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, y) in row.iter_mut().skip(1).zip(b.bytes()) {
            let changed = diagonal + usize::from(x != y);
            diagonal = *cell;
            left = changed.min(diagonal + 1).min(left + 1);
            *cell = left;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnostic_points_at_the_place() {
        let diagnostic = Diagnostic {
            code: "R010",
            severity: Severity::Error,
            file: "local.rules".into(),
            line: 12,
            column: 7,
            width: 3,
            message: "`tpc` is not a protocol".into(),
            help: Some("did you mean `tcp`?".into()),
            source: "alert tpc any any -> any any (sid:1;)".into(),
        };
        let expected = "\
error[R010]: `tpc` is not a protocol
 --> local.rules:12:7
   |
12 | alert tpc any any -> any any (sid:1;)
   |       ^^^
   = help: did you mean `tcp`?";
        assert_eq!(diagnostic.to_string(), expected);
    }

    #[test]
    fn slips_find_their_name() {
        assert_eq!(nearest("tpc", ["udp", "tcp", "icmp"]), None);
        assert_eq!(nearest("contnet", ["content", "context"]), Some("content"));
        assert_eq!(nearest("http.ur", ["http.uri", "http.host"]), Some("http.uri"));
        assert_eq!(nearest("zzzz", ["http.uri"]), None);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
