//! Filters in the language of tcpdump, compiled by libpcap for each link type met.

use pcap::{BpfProgram, Capture, Linktype};

use super::{CaptureError, dlt_of_link};

/// Link types with a program of their own; frames of further ones do not match.
const MAX_PROGRAMS: usize = 64;

/// Link types on which an expression is tried when the filter is made: Ethernet, raw IP, Linux
/// cooked and 802.11. An expression good for none of them is taken as wrong.
const TRIED: [u16; 4] = [1, 101, 113, 105];

/// A filter expression and its programs.
pub(super) struct Filter {
    expression: String,
    /// By link type; none where the expression makes no sense for it.
    programs: Vec<(u16, Option<BpfProgram>)>,
    warnings: Vec<String>,
}

impl Filter {
    /// Checks the expression.
    ///
    /// # Errors
    /// When libpcap does not understand it; says what libpcap says.
    pub(super) fn new(expression: &str) -> Result<Self, CaptureError> {
        let mut first = None;
        for link in TRIED {
            match compile(link, expression) {
                Ok(_) => {
                    let (programs, warnings) = (Vec::new(), Vec::new());
                    return Ok(Self { expression: expression.to_owned(), programs, warnings });
                }
                Err(error) => first = first.or(Some(error)),
            }
        }
        let input = format!("filter \"{expression}\"");
        let said = first.unwrap_or_default();
        let reason = format!("{said}; the language is that of tcpdump, see pcap-filter(7)");
        Err(CaptureError { input, reason })
    }

    /// Whether a frame passes.
    pub(super) fn matches(&mut self, link: u16, bytes: &[u8]) -> bool {
        if let Some((_, program)) = self.programs.iter().find(|(known, _)| *known == link) {
            return program.as_ref().is_some_and(|program| program.filter(bytes));
        }
        if self.programs.len() >= MAX_PROGRAMS {
            return false;
        }
        let program = match compile(link, &self.expression) {
            Ok(program) => Some(program),
            Err(error) => {
                self.warnings.push(format!("frames of link type {link} left out: {error}"));
                None
            }
        };
        let matches = program.as_ref().is_some_and(|program| program.filter(bytes));
        self.programs.push((link, program));
        matches
    }

    /// Hands on what was found wrong since the last call.
    ///
    /// # Errors
    /// When the expression suits no link type of the input at all.
    pub(super) fn complaint(
        &mut self,
        input: &str,
        warnings: &mut Vec<String>,
    ) -> Result<(), CaptureError> {
        if self.warnings.is_empty() {
            return Ok(());
        }
        if self.programs.iter().all(|(_, program)| program.is_none()) {
            let reason = format!("filter \"{}\": {}", self.expression, self.warnings.join("; "));
            return Err(CaptureError { input: input.to_owned(), reason });
        }
        warnings.extend(self.warnings.drain(..).map(|warning| format!("{input}: {warning}")));
        Ok(())
    }
}

fn compile(link: u16, expression: &str) -> Result<BpfProgram, String> {
    Capture::dead(Linktype(dlt_of_link(link)))
        .and_then(|capture| capture.compile(expression, true))
        .map_err(|error| match error {
            pcap::Error::PcapError(said) => said,
            other => other.to_string(),
        })
}
