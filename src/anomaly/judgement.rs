//! How a finding is put together: every one says, in Italian and English and in this order, what
//! was seen, what is normal, how sure and why, what it may mean, what to do now.

use super::words::percent;
use super::{Found, Kind, Said};
use crate::field::Node;
use crate::record::{Context, Finding, Level};
use crate::time::Duration;

/// What comes before the advice, in Italian and English.
const ADVICE: [&str; 2] = ["Che cosa fare ora: ", "What to do now: "];

/// What a finding advises to do, in Italian and English.
pub(super) fn advice(finding: &Finding) -> [&str; 2] {
    let [it, en] = ADVICE;
    let after = |text, mark| str::rsplit_once(text, mark).map_or("", |(_, advice)| advice);
    [after(&finding.explain_it, it), after(&finding.explain_en, en)]
}

/// All that a detector has to say when it judges something remarkable.
pub struct Judgement {
    /// The detector.
    pub kind: &'static Kind,
    /// Signature number, fixed per shape of the finding.
    pub sid: u32,
    /// One line in English: `Vertical TCP scan of 192.0.2.7 by 198.51.100.9`.
    pub title: String,
    /// Who did it, and to whom.
    pub context: Context,
    /// How grave.
    pub level: Level,
    /// The number that was judged.
    pub score: f64,
    /// What it was judged against.
    pub threshold: f64,
    /// How sure, 0 to 1.
    pub confidence: f64,
    /// The numbers behind it.
    pub numbers: Vec<(&'static str, Node)>,
    /// What is normal, in the same terms.
    pub baseline: Vec<(&'static str, Node)>,
    /// Flows that show it.
    pub evidence: Vec<u64>,
    /// ATT&CK technique.
    pub technique: &'static str,
    /// Tags of the `acn` taxonomy.
    pub acn: &'static [&'static str],
    /// From the first thing seen to the judgement.
    pub took: Duration,
    /// What was seen, with its numbers. A whole sentence, as are the next.
    pub seen: Said,
    /// What is normal here.
    pub normal: Said,
    /// Why it is as sure as it is; put in brackets behind the number: no full stop.
    pub why: Said,
    /// What it may mean.
    pub meaning: Said,
    /// What to do now; comes after "What to do now: ".
    pub advice: Said,
}

impl Judgement {
    /// The finding.
    pub fn found(self) -> Found {
        let sure = percent(self.confidence);
        let [do_it, do_en] = ADVICE;
        let explain_it = format!(
            "{} {} Sicurezza del giudizio: {} ({}). {} {do_it}{}",
            self.seen.it, self.normal.it, sure.it, self.why.it, self.meaning.it, self.advice.it
        );
        let explain_en = format!(
            "{} {} Confidence: {} ({}). {} {do_en}{}",
            self.seen.en, self.normal.en, sure.en, self.why.en, self.meaning.en, self.advice.en
        );
        let finding = Finding {
            detector: self.kind.name,
            gid: self.kind.gid,
            sid: self.sid,
            title: self.title,
            level: self.level,
            score: self.score,
            threshold: self.threshold,
            confidence: self.confidence,
            numbers: self.numbers,
            baseline: self.baseline,
            evidence: self.evidence,
            hosts: [self.context.source, self.context.destination].map(|end| end.is_some().into()),
            technique: self.technique,
            acn: self.acn,
            explain_it,
            explain_en,
            took: self.took,
            suppressed: None,
        };
        Found { context: self.context, finding }
    }
}
