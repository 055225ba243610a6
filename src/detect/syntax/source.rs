//! A rule file: lines, continuations, disabled rules, and places in it.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use memchr::{memchr_iter, memmem};

use super::rule::{ACTIONS, parse_rule};
use super::{ParsedRule, Spanned};
use crate::detect::diagnostic::{Diagnostic, REPLACED, SKIPPED, Severity};
use crate::detect::operator::Problem;
use crate::detect::rule::Origin;

/// The text of a rule file.
pub struct RuleFile<'t> {
    name: Arc<str>,
    /// Continuations (`\` and the line's end) are blanked, so that offsets stay what they were.
    text: Cow<'t, str>,
    /// Where each line begins, bytes.
    lines: Vec<usize>,
}

/// What a file holds.
#[derive(Debug, Default)]
pub struct Rules<'a> {
    /// Rules, in order.
    pub rules: Vec<ParsedRule<'a>>,
    /// How many rules are commented out.
    pub disabled: u64,
    /// One for each rule that could not be read.
    pub diagnostics: Vec<Diagnostic>,
}

impl<'t> RuleFile<'t> {
    /// A file of this name and text.
    pub fn new(name: impl Into<Arc<str>>, text: impl Into<Cow<'t, str>>) -> Self {
        let text = text.into();
        let mut lines = vec![0];
        lines.extend(memchr_iter(b'\n', text.as_bytes()).map(|end| end + 1));
        let text = ["\\\r\n", "\\\n"].iter().fold(text, |text, end| {
            // Only a rule goes on over a line's end: a comment with a backslash does not.
            if memmem::find(text.as_bytes(), end.as_bytes()).is_none() {
                text
            } else {
                Cow::Owned(join(&text, end))
            }
        });
        Self { name: name.into(), text, lines }
    }

    /// The file's name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Reads all rules; one that cannot be read gives a diagnostic, and the next is tried.
    pub fn rules(&self) -> Rules<'_> {
        let mut found = Rules::default();
        found.disabled = self.each(&mut |rule| match rule {
            Ok(rule) => found.rules.push(rule),
            Err(diagnostic) => found.diagnostics.push(diagnostic),
        });
        found
    }

    /// Reads rule by rule, so that of a large file not all are there at once: calls `use_it` with
    /// each, or with why it cannot be read. Returns how many are commented out.
    pub fn each<'f>(&'f self, use_it: &mut dyn FnMut(Result<ParsedRule<'f>, Diagnostic>)) -> u64 {
        let mut disabled = 0;
        let mut start = 0;
        let ends = memchr_iter(b'\n', self.text.as_bytes()).chain([self.text.len()]);
        for end in ends {
            let line = self.text.get(start..end).unwrap_or_default();
            let trimmed = line.trim_ascii_start();
            let at = start + (line.len() - trimmed.len());
            start = end + 1;
            let trimmed = trimmed.trim_ascii_end();
            match trimmed.as_bytes().first() {
                None => {}
                Some(b'#' | b';') => disabled += u64::from(is_disabled_rule(trimmed)),
                Some(_) => {
                    let origin = Origin { file: Arc::clone(&self.name), line: self.position(at).0 };
                    let parsed = parse_rule(Spanned { text: trimmed, at }, origin);
                    use_it(parsed.map_err(|problem| self.diagnostic(problem)));
                }
            }
        }
        disabled
    }

    /// Line and column, both from 1, of a byte of the file; the column in characters.
    pub fn position(&self, at: usize) -> (u32, u32) {
        let line = self.lines.partition_point(|start| *start <= at).max(1);
        let start = self.lines.get(line - 1).copied().unwrap_or(0);
        let before = self.text.as_bytes().get(start..at).unwrap_or_default();
        let column = before.iter().filter(|byte| **byte & 0xC0 != 0x80).count() + 1;
        let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        (narrow(line), narrow(column))
    }

    /// Shows a problem whose span is in bytes of the file as grave as its code is.
    pub fn diagnostic(&self, problem: Problem) -> Diagnostic {
        let severity = match problem.code {
            SKIPPED | REPLACED => Severity::Warning,
            code if code.starts_with("R9") => Severity::Unsupported,
            _ => Severity::Error,
        };
        self.diagnose(severity, problem)
    }

    /// Shows a problem whose span is in bytes of the file, as grave as said.
    pub fn diagnose(&self, severity: Severity, problem: Problem) -> Diagnostic {
        let Range { start, end } = problem.span;
        let (line, column) = self.position(start);
        let meant = self.text.get(start..end).unwrap_or_default();
        let begin = self.lines.get(line as usize - 1).copied().unwrap_or(0);
        let finish = self.lines.get(line as usize).copied().unwrap_or(self.text.len());
        let source = self.text.get(begin..finish).unwrap_or_default().trim_ascii_end();
        Diagnostic {
            code: problem.code,
            severity,
            file: Arc::clone(&self.name),
            line,
            column,
            width: u32::try_from(meant.chars().count()).unwrap_or(u32::MAX).max(1),
            message: problem.message,
            help: problem.help,
            source: source.to_owned(),
        }
    }
}

/// Blanks each `end` (a backslash and a line's end) that is not within a comment.
fn join(text: &str, end: &str) -> String {
    let blanks = " ".repeat(end.len());
    let mut out = String::with_capacity(text.len());
    // Whether the line that goes on, over however many ends, is a comment; none when nothing of it has
    // come yet.
    let mut comment = None;
    for part in text.split_inclusive(end) {
        let body = part.strip_suffix(end);
        // What goes on is the last line of the part, or the one that went on before.
        let (before, last) = body.unwrap_or(part).rsplit_once('\n').unzip();
        if before.is_some() {
            comment = None;
        }
        let last = last.unwrap_or(body.unwrap_or(part)).trim_ascii_start();
        if comment.is_none() && !last.is_empty() {
            comment = Some(last.starts_with(['#', ';']));
        }
        match body {
            Some(body) if comment != Some(true) => {
                out.push_str(body);
                out.push_str(&blanks);
            }
            Some(_) => {
                out.push_str(part);
                comment = None;
            }
            None => out.push_str(part),
        }
    }
    out
}

/// Whether a comment is a rule that someone switched off.
fn is_disabled_rule(comment: &str) -> bool {
    let body = comment.trim_start_matches(['#', ' ', '\t']);
    let action = body.split_ascii_whitespace().next().unwrap_or_default();
    ACTIONS.iter().any(|(name, _)| *name == action)
        && body.ends_with(')')
        && body.contains('(')
        && body.contains("sid:")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, reason = "tests")]
    use super::super::Arrow;
    use super::*;
    use crate::detect::rule::Action;

    #[test]
    fn a_rule_is_read_with_its_places() {
        let text = "\n  alert tcp [10.0.0.0/8, !10.1.0.0/16] any <> $HOME_NET 80:90 \
            (msg:\"a\\;b\"; nocase ; content : !\"x)\" ;sid:5;)  \n";
        let file = RuleFile::new("x.rules", text);
        let found = file.rules();
        assert_eq!(found.diagnostics, []);
        let rule = &found.rules[0];
        assert_eq!(
            (rule.action, rule.arrow, rule.origin.line),
            (Action::Alert, Arrow::BothWays, 2)
        );
        assert_eq!(rule.source.text, "[10.0.0.0/8, !10.1.0.0/16]");
        assert_eq!(rule.destination_ports.text, "80:90");
        let options: Vec<_> =
            rule.options.iter().map(|o| (o.name.text, o.value.map(|v| v.text))).collect();
        let expected = [
            ("msg", Some("\"a\\;b\"")),
            ("nocase", None),
            ("content", Some("!\"x)\"")),
            ("sid", Some("5")),
        ];
        assert_eq!(options, expected);
        for option in &rule.options {
            assert_eq!(text.get(option.name.span()), Some(option.name.text));
        }
        assert_eq!(file.position(rule.protocol.at), (2, 9));
    }

    #[test]
    fn comments_continuations_and_disabled_rules() {
        let text = "# a comment \\\n#alert ip any any -> any any (sid:1;)\n\n; old \n\
            alert ip any any \\\r\n  -> any any ( \\\n  msg:\"m\"; \\\n sid:2;)\r\n\
            ## drop tcp any any -> any any (sid:9;)\nalert ip any any -> any any (sid:3;)";
        let file = RuleFile::new("x.rules", text);
        let found = file.rules();
        assert_eq!((found.rules.len(), found.disabled), (2, 2));
        assert_eq!(found.rules[0].origin.line, 5);
        assert_eq!(file.position(found.rules[0].options[1].name.at), (8, 2));
        assert_eq!(found.rules[1].origin.line, 10);
    }

    #[test]
    fn a_rule_over_many_lines_takes_no_more_time_for_each() {
        let lines = " \\\n".repeat(200_000);
        let text = format!(
            "# c \\\nalert ip any any -> any any ( \\\n{lines} # no comment \\\nsid:1;)\n\
            {lines}# a comment \\\nalert ip any any -> any any (sid:2;)\n"
        );
        let file = RuleFile::new("x.rules", text);
        let found = file.rules();
        assert_eq!((found.rules.len(), found.diagnostics.len()), (1, 1));
        assert!(found.rules[0].text.text.contains("sid:2"));
    }

    #[test]
    fn each_wrong_rule_is_shown_and_the_others_read() {
        let cases = [
            ("alrt ip any any -> any any (sid:1;)", "R001", 1),
            ("alert ip any any <- any any (sid:1;)", "R002", 18),
            ("alert ip any any -> any (sid:1;)", "R003", 25),
            ("alert ip [1.2.3.4 any -> any any (sid:1;)", "R004", 10),
            ("alert ip any any -> any any sid:1;", "R005", 29),
            ("alert ip any any -> any any (sid:1;", "R006", 29),
            ("alert ip any any -> any any (sid:1;) x", "R008", 38),
            ("alert ip any any -> any any (msg:\"a;b\"; sid:1;)", "R009", 37),
            ("alert ip any any -> any any (sid:1)", "R009", 30),
            ("accept ip any any -> any any (sid:1;)", "R901", 1),
            ("alert", "R003", 6),
        ];
        let text: String = cases.iter().map(|(rule, ..)| format!("{rule}\n")).collect();
        let file = RuleFile::new("x.rules", format!("{text}alert ip any any -> any any (sid:7;)"));
        let found = file.rules();
        let told: Vec<_> = found.diagnostics.iter().map(|d| (d.code, d.column)).collect();
        let expected: Vec<_> = cases.iter().map(|(_, code, column)| (*code, *column)).collect();
        assert_eq!(told, expected);
        assert_eq!(found.rules.len(), 1);
        assert!(found.diagnostics.iter().zip(1..).all(|(d, line)| d.line == line));
    }

    #[test]
    fn hostile_text_is_only_wrong() {
        for text in [
            "(",
            "alert ip any any -> any any (",
            "alert ip any any -> any any (a:\\",
            "\\\n\\\n",
            "\u{e9} [ (;",
        ] {
            assert!(RuleFile::new("x", text).rules().rules.is_empty());
        }
    }

    #[test]
    fn a_whole_ruleset_is_read() {
        let Some(path) = std::env::var_os("RIVELLINO_RULES") else {
            println!("skipped: RIVELLINO_RULES names no rule file");
            return;
        };
        let text = std::fs::read_to_string(path).unwrap();
        let lines = text.lines().filter(|line| line.starts_with("alert")).count();
        let start = std::time::Instant::now();
        let file = RuleFile::new("ruleset", text);
        let found = file.rules();
        let took = start.elapsed();
        let start = std::time::Instant::now();
        let mut variables = crate::detect::variables::Variables::default();
        let resolved = found
            .rules
            .iter()
            .filter(|rule| crate::detect::syntax::resolve_header(rule, &mut variables).is_ok());
        let resolved = resolved.count();
        println!(
            "{} rules read in {took:?}, {resolved} headers in {:?}",
            found.rules.len(),
            start.elapsed()
        );
        assert_eq!((found.rules.len(), found.diagnostics.len()), (lines, 0));
        assert_eq!(resolved, lines);
    }
}
