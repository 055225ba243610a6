//! All rules of a sensor: loaded once, shared by all workers, never changed.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use foldhash::fast::FixedState;

use super::catalog::Catalog;
use super::compile::{Refusal, compile};
use super::diagnostic::{Diagnostic, LoadSummary, REPLACED, SKIPPED, Severity};
use super::group::Groups;
use super::limits;
use super::operator::Problem;
use super::plan::{Names, Planned};
use super::profile::{Clock, Profile, RuleCost};
use super::rule::{Action, Buffer, BufferTest, Origin, Rule};
use super::syntax::RuleFile;
use super::tags::KeptPackets;
use super::variables::Variables;
use crate::file::Wants;
use crate::record::TagScope;

/// Rules, in the order of evaluation, and how they are filed.
pub struct Ruleset {
    rules: Vec<Planned>,
    bits: Vec<String>,
    integers: Vec<String>,
    names: Names,
    profile: Option<Profile>,
    pub(super) groups: Groups,
    /// Whether a rule waits for texts of the packet.
    pub(super) asks_packet_texts: bool,
}

/// Loads rule files, each a name and a text. Never fails: what cannot be loaded is told, the rest
/// works.
pub fn load(
    files: &[(Arc<str>, String)],
    variables: &mut Variables,
) -> (Ruleset, Vec<Diagnostic>, LoadSummary) {
    let catalog = Catalog::new();
    // A set belongs to one load of rules.
    variables.companions = variables.companions.anew();
    let mut diagnostics = Vec::new();
    let mut summary = LoadSummary::default();
    let mut rules: Vec<Rule> = Vec::new();
    let mut known: HashMap<(u32, u32), usize, FixedState> = HashMap::default();
    for (name, text) in files {
        summary.files += 1;
        let file = RuleFile::new(Arc::clone(name), text.as_str());
        let before = diagnostics.len();
        rules.reserve(memchr::memchr_iter(b'\n', text.as_bytes()).count());
        let mut refused = Vec::new();
        let disabled = file.each(&mut |parsed| match parsed {
            Ok(parsed) => match compile(&parsed, variables, &catalog) {
                Ok(rule) => {
                    let left_out = keep(rule, parsed.text.span(), &mut rules, &mut known).err();
                    refused.extend(
                        left_out.map(|problem| Refusal { problems: vec![problem], keyword: None }),
                    );
                }
                Err(refusal) => refused.push(refusal),
            },
            Err(diagnostic) => {
                count(&mut summary, &diagnostic);
                diagnostics.push(diagnostic);
            }
        });
        summary.skipped += disabled;
        for refusal in refused {
            if let Some(keyword) = refusal.keyword {
                *summary.unsupported.entry(keyword).or_default() += 1;
            }
            let told: Vec<_> =
                refusal.problems.into_iter().map(|problem| file.diagnostic(problem)).collect();
            told.first().into_iter().for_each(|first| count(&mut summary, first));
            diagnostics.extend(told);
        }
        let of_file = diagnostics.get_mut(before..).unwrap_or_default();
        of_file.sort_by_key(|diagnostic| diagnostic.line);
    }
    summary.loaded = rules.len() as u64;
    rules.retain(|rule| !rule.never);
    for rule in &mut rules {
        limits::apply(&variables.limits, rule);
    }
    let ruleset = Ruleset::new(rules, &catalog);
    warn_of_vain(&ruleset, files, &mut diagnostics);
    (ruleset, diagnostics, summary)
}

/// Adds a warning, in its place, of each rule that can match nothing.
fn warn_of_vain(
    ruleset: &Ruleset,
    files: &[(Arc<str>, String)],
    diagnostics: &mut Vec<Diagnostic>,
) {
    let vain = ruleset.rules.iter().filter(|planned| planned.is_vain());
    let vain: Vec<&Origin> = vain.map(|planned| &planned.rule.origin).collect();
    let mut seen = HashSet::new();
    for (name, text) in files.iter().filter(|(name, _)| !vain.is_empty() && seen.insert(name)) {
        let lines: Vec<&str> = text.lines().collect();
        diagnostics.extend(vain.iter().filter(|origin| origin.file == *name).map(|origin| {
            let source = lines.get((origin.line as usize).saturating_sub(1));
            Diagnostic::vain(name, origin.line, source.copied().unwrap_or_default())
        }));
    }
    if !vain.is_empty() {
        let place = |file: &Arc<str>| files.iter().position(|(name, _)| name == file);
        diagnostics.sort_by_cached_key(|diagnostic| (place(&diagnostic.file), diagnostic.line));
    }
}

/// Of two rules of one number the later revision counts; of the same revision the first. That the other
/// does not is told.
fn keep(
    rule: Rule,
    span: Range<usize>,
    rules: &mut Vec<Rule>,
    known: &mut HashMap<(u32, u32), usize, FixedState>,
) -> Result<(), Problem> {
    let key = (rule.signature.gid, rule.signature.sid);
    match known.get(&key).and_then(|index| rules.get_mut(*index)) {
        Some(old) if rule.signature.rev > old.signature.rev => {
            let (sid, rev) = (rule.signature.sid, rule.signature.rev);
            let old = std::mem::replace(old, rule);
            let (Origin { file, line }, before) = (old.origin, old.signature.rev);
            let message =
                format!("revision {rev} of the rule with the sid {sid} takes the place of");
            let message = format!("{message} revision {before}, which is at {file}:{line}");
            return Err(Problem { span, ..Problem::whole(REPLACED, message) });
        }
        Some(old) => {
            let (Origin { file, line }, rev) = (&old.origin, old.signature.rev);
            let message = format!("a rule with the sid {} is there already", rule.signature.sid);
            let mut problem = Problem::whole("R047", message)
                .hint(format!("{file}:{line} has revision {rev}: give this one a sid of its own, or a higher `rev`"));
            problem.span = span;
            return Err(problem);
        }
        None => {
            known.insert(key, rules.len());
            rules.push(rule);
        }
    }
    Ok(())
}

fn count(summary: &mut LoadSummary, diagnostic: &Diagnostic) {
    match diagnostic.severity {
        Severity::Warning => summary.skipped += u64::from(diagnostic.code == SKIPPED),
        _ => summary.failed += 1,
    }
}

/// Loads any bytes as a rule file: what a fuzzer calls.
pub fn fuzz_rules(bytes: &[u8]) {
    let texts = [(Arc::from("fuzz.rules"), String::from_utf8_lossy(bytes).into_owned())];
    let (ruleset, _, summary) = load(&texts, &mut Variables::default());
    debug_assert!(ruleset.len() <= summary.loaded as usize);
}

impl Ruleset {
    /// Of compiled rules.
    pub fn new(rules: Vec<Rule>, catalog: &Catalog) -> Self {
        let mut names = Names::default();
        let plan = |rule| Planned::new(rule, catalog, &mut names);
        let mut rules: Vec<Planned> = rules.into_iter().map(plan).collect();
        // Stable: what is equal otherwise stays in the order of definition.
        rules.sort_by_cached_key(|planned| {
            let action = match planned.rule.action {
                Action::Pass => 0,
                Action::Drop => 1,
                Action::Reject => 2,
                Action::Alert => 3,
                Action::Config => 4,
            };
            let texts = planned.text_rank();
            let ranks = (planned.bit_rank(), planned.integer_rank(), texts, planned.host_rank());
            (action, ranks, planned.rule.signature.severity)
        });
        let groups = Groups::new(&rules);
        let asks_packet_texts = rules.iter().any(Planned::awaits_texts);
        let (bits, integers) = (by_number(&names.bits), by_number(&names.integers));
        Self { rules, bits, integers, names, profile: None, groups, asks_packet_texts }
    }

    /// Makes all that searches for fast patterns need now, on so many threads; else each is made when it
    /// is first needed, which is less work for a capture, but work while packets wait for a sensor.
    pub fn prepare(&self, threads: usize) {
        self.groups.prepare(threads);
    }

    /// What the rules want to be learned of files and frames.
    pub fn file_wants(&self) -> Wants {
        let frames = self.groups.wants_frames();
        let mut wants = Wants { frames, ..Wants::NOTHING };
        for rule in self.rules() {
            rule.files.iter().for_each(|test| wants = wants.or(test.wants()));
            let asks_magic = |test: &BufferTest| test.buffer == Buffer::Field("file.magic");
            wants.magic |= rule.buffers.iter().any(asks_magic);
        }
        wants
    }

    /// Of whom rules may want packets kept (`tag`): of no flow, of flows that alerted, of all.
    pub fn kept_packets(&self) -> KeptPackets {
        let tags = self.rules().flat_map(|rule| &rule.signature.tags);
        let kept = tags.map(|tag| match tag.scope {
            TagScope::Session => KeptPackets::Flows,
            TagScope::Source | TagScope::Destination => KeptPackets::All,
        });
        kept.max().unwrap_or_default()
    }

    /// Whether a rule may want files stored.
    pub fn stores_files(&self) -> bool {
        self.rules().any(|rule| rule.store.is_some())
    }

    /// Has the cost of each rule measured from now on, with this clock.
    pub fn measure(&mut self, clock: Clock) {
        self.profile = Some(Profile::new(clock, self.rules.len()));
    }

    /// What each rule has cost since [`Ruleset::measure`]; none without it.
    pub fn costs(&self) -> impl Iterator<Item = (&Rule, RuleCost)> {
        let costs = self.profile.iter().flat_map(Profile::costs);
        self.rules().zip(costs)
    }

    /// Where costs are measured, if they are.
    pub(super) const fn profile(&self) -> Option<&Profile> {
        self.profile.as_ref()
    }

    /// How many rules.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rules, in the order of evaluation.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().map(|planned| &planned.rule)
    }

    pub(super) fn planned(&self) -> impl Iterator<Item = &Planned> {
        self.rules.iter()
    }

    pub(super) fn rule(&self, number: u32) -> Option<&Planned> {
        self.rules.get(number as usize)
    }

    /// The name of a flow bit.
    pub(super) fn bit_name(&self, bit: u32) -> Option<&str> {
        self.bits.get(bit as usize).map(String::as_str)
    }

    /// The number of a flow bit.
    pub(super) fn bit(&self, name: &str) -> Option<u32> {
        self.names.bits.get(name).copied()
    }

    /// The name of a number of flows.
    pub(super) fn integer_name(&self, number: u32) -> Option<&str> {
        self.integers.get(number as usize).map(String::as_str)
    }

    /// The number of a number of flows.
    pub(super) fn integer(&self, name: &str) -> Option<u32> {
        self.names.integers.get(name).copied()
    }
}

/// Names in the order of their numbers.
fn by_number(numbers: &HashMap<String, u32>) -> Vec<String> {
    let mut names = vec![String::new(); numbers.len()];
    for (name, number) in numbers {
        let place = names.get_mut(*number as usize);
        place.into_iter().for_each(|place| place.clone_from(name));
    }
    names
}
