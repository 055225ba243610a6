//! The second step of inspection: candidates of one packet, evaluated in the rules' order.

use std::sync::Arc;

use super::buffer::Scratch;
use super::captured::{self, Capture, Keeper, Texts};
use super::evaluate::Subject;
use super::files::{Mark, Order, Scope};
use super::gather::{Candidate, Cause};
use super::item::{FlowView, Item};
use super::places::LastPlaces;
use super::plan::{Kind, Planned};
use super::rule::{Action, BitCommand, IntegerCommand};
use super::ruleset::Ruleset;
use super::state::{FlowState, WINDOW_CUT};
use crate::field::Side;
use crate::net::ip_protocol;
use crate::protocols::PROTOCOLS;
use crate::record::{Alert, Application, Captured};

/// Alerts of one packet; further ones are counted, as Suricata's `packet-alert-max`.
pub const ALERTS_MAX: usize = 15;

/// Evaluates the candidates of one item.
pub struct Judge<'a> {
    /// The rules.
    pub ruleset: &'a Ruleset,
    /// The packet.
    pub item: &'a Item<'a>,
    /// Detection's state of its flow.
    pub state: &'a mut FlowState,
    /// Up to which position of its stream rules were evaluated before.
    pub judged: u64,
    /// Countries that were asked for before.
    pub places: &'a LastPlaces,
    /// What chains of tests work with.
    pub scratch: &'a mut Scratch,
    /// Files to be stored.
    pub marks: &'a mut Vec<Mark>,
    /// Flows whose certificates are to be kept, by slot.
    pub chains: &'a mut Vec<u32>,
    /// Alerts and bits for which there was no room.
    pub dropped: u64,
}

impl Judge<'_> {
    /// Evaluates candidates in their order; each alert with `index`. A rule that is tied to
    /// places in packets and in the stream alerts on each, as Suricata does: on the packet when
    /// it comes, on the stream once it is acknowledged. So what a TCP packet is by itself is judged
    /// before what it completes in stream and transactions, and neither is let pass by the other,
    /// unless the whole flow is. A rule over no payload that asks for texts of the packet comes with the
    /// second: whatever was captured is there by then.
    pub fn all(
        &mut self,
        candidates: &[Candidate],
        index: usize,
        alerts: &mut Vec<(usize, Alert)>,
    ) {
        self.scratch.texts.clear();
        let tcp = |flow: &FlowView| flow.protocol_number == ip_protocol::TCP;
        if !self.item.flow.is_some_and(tcp) {
            return self.one_step(candidates.iter(), index, alerts);
        }
        let ruleset = self.ruleset;
        let waits = |rule| {
            ruleset.asks_packet_texts && ruleset.rule(rule).is_some_and(Planned::awaits_texts)
        };
        let of_packet =
            |candidate: &&Candidate| candidate.cause == Cause::Packet && !waits(candidate.rule);
        self.one_step(candidates.iter().filter(of_packet), index, alerts);
        if !self.state.passed {
            let later = candidates.iter().filter(|candidate| !of_packet(candidate));
            self.one_step(later, index, alerts);
        }
    }

    fn one_step<'c>(
        &mut self,
        candidates: impl Iterator<Item = &'c Candidate>,
        index: usize,
        alerts: &mut Vec<(usize, Alert)>,
    ) {
        let mut raised = 0;
        let mut before = None;
        for candidate in candidates {
            let Some(planned) = self.ruleset.rule(candidate.rule) else { continue };
            self.scratch.forget();
            if before.replace(candidate.rule) != Some(candidate.rule) {
                self.scratch.begin();
            }
            if !self.measured(planned, candidate) {
                self.scratch.forget();
                continue;
            }
            // Only the merge knows whether it is a match: it is told even of silent rules.
            let signature = &planned.rule.signature;
            if !signature.host_bits.is_empty() || !self.scratch.queries.is_empty() {
                self.apply_bits(planned);
                self.apply_integers(planned);
                self.keep_texts();
                alerts.push((index, self.alert(planned, candidate)));
                continue;
            }
            self.apply_bits(planned);
            self.apply_integers(planned);
            self.keep_texts();
            self.mute(planned, candidate);
            self.store(planned, candidate);
            if signature.keeps_certificates {
                self.chains.extend(self.item.flow.map(|flow| flow.slot));
            }
            let passes = planned.rule.action == Action::Pass;
            let speaks = if passes { planned.rule.outspoken } else { !planned.rule.silent };
            // What is kept is the merge's business, too.
            let keeps = planned.rule.silent && !passes && !signature.tags.is_empty();
            if speaks && raised >= ALERTS_MAX {
                self.dropped += 1;
            } else if speaks || keeps {
                raised += usize::from(speaks);
                alerts.push((index, self.alert(planned, candidate)));
            }
            if passes {
                self.state.passed |= ends_flow(planned, candidate.cause);
                break;
            }
        }
        self.state.passed &= self.item.flow.is_some();
    }

    /// Whether the rule matches; what that took is noted if somebody asked for it.
    fn measured(&mut self, planned: &Planned, candidate: &Candidate) -> bool {
        let Some(profile) = self.ruleset.profile() else {
            return self.matches(planned, candidate);
        };
        let (start, before) = (profile.now(), self.scratch.evaluated);
        let matched = self.matches(planned, candidate);
        profile.add(candidate.rule, start, self.scratch.evaluated > before, matched);
        matched
    }

    fn matches(&mut self, planned: &Planned, candidate: &Candidate) -> bool {
        let item = self.item;
        let way = item.flow.map(|flow| flow.direction);
        let flow = item.flow.map(|_| &*self.state);
        let mut subject = Subject { flow, ..Subject::of_packet(item, self.places) };
        let mut stream = None;
        subject.bare &= candidate.cause == Cause::Packet;
        match candidate.cause {
            Cause::Packet => {}
            Cause::Stream(_) => stream = way.zip(item.flow),
            Cause::Ready(index, side) => {
                subject.ready = item.ready.get(index as usize);
                stream = subject.turn(side);
            }
            Cause::Frame(index) => {
                subject.frame = item.frames.get(index as usize).copied();
                let side = subject.frame.map_or(Side::Request, |view| view.frame.side);
                stream = subject.turn(side);
            }
            Cause::Event(index) => {
                let event = item.app_events.get(index as usize);
                let id = event.and_then(|(transaction, ..)| *transaction);
                subject.ready = id.and_then(|id| item.ready.iter().find(|ready| ready.id == id));
            }
        }
        if let Some((way, flow)) = stream
            && let Some(window) = self.state.windows.get(way.index())
        {
            let to = flow.stream.get(way.index()).copied().unwrap_or(0);
            let from = match candidate.cause {
                Cause::Stream(_) => window.alerted(candidate.rule).unwrap_or(0),
                _ => 0,
            };
            subject.base = from.max(window.base(to));
            if matches!(candidate.cause, Cause::Stream(_)) {
                // Places are counted from the start of the stream, which is gone.
                if planned.placed && subject.base > 0 {
                    return false;
                }
                if !planned.placed {
                    let reach_back = self.judged.saturating_sub(WINDOW_CUT as u64);
                    subject.base = subject.base.max(reach_back);
                }
            }
            subject.payload = window.view(subject.base, to);
            subject.streamed = true;
        }
        let matched = subject.matches(planned, self.scratch);
        if matched && matches!(candidate.cause, Cause::Stream(_)) {
            self.note_stream(candidate.rule);
        }
        matched
    }

    /// Notes that a rule has alerted on all of the stream so far.
    fn note_stream(&mut self, rule: u32) {
        let Some(flow) = self.item.flow else { return };
        let at = flow.direction.index();
        let to = flow.stream.get(at).copied().unwrap_or(0);
        if let Some(window) = self.state.windows.get_mut(at) {
            window.alert(rule, to);
        }
    }

    /// Marks the file that a `filestore` rule matched, or notes which are to be stored.
    fn store(&mut self, planned: &Planned, candidate: &Candidate) {
        let (Some(store), Cause::Ready(index, _)) = (planned.rule.store, candidate.cause) else {
            return;
        };
        let (Some(flow), Some(ready)) = (self.item.flow, self.item.ready.get(index as usize))
        else {
            return;
        };
        let sid = planned.rule.signature.sid;
        let transaction = (store.scope == Scope::Transaction).then_some(ready.id);
        let order = Order { transaction, sides: store.sides, sid };
        if store.scope != Scope::File {
            self.dropped += u64::from(!self.state.order(order));
        } else if order.concerns(ready.id, ready.side) {
            let (slot, transaction, index) = (flow.slot, ready.id, ready.index);
            self.marks.push(Mark { slot, transaction, index, sid });
        }
    }

    fn apply_bits(&mut self, planned: &Planned) {
        if self.item.flow.is_none() {
            return;
        }
        for bits in &planned.bits {
            for bit in &bits.bits {
                let on = match bits.command {
                    BitCommand::Set => true,
                    BitCommand::Unset => false,
                    BitCommand::Toggle => !self.state.is_set(*bit),
                    BitCommand::IsSet | BitCommand::IsNotSet => continue,
                };
                self.dropped += u64::from(!self.state.put(*bit, on));
            }
        }
    }

    fn apply_integers(&mut self, planned: &Planned) {
        if self.item.flow.is_none() {
            return;
        }
        for integer in planned.integers.iter().filter(|integer| integer.command.changes()) {
            let (known, by) = (self.state.integer(integer.number), integer.operand(self.state));
            let value = match (integer.command, known) {
                (IntegerCommand::Add, known) => known.unwrap_or(0).wrapping_add(by),
                (IntegerCommand::Subtract, Some(known)) => known.wrapping_sub(by),
                // What is not there has nothing to take from.
                (IntegerCommand::Subtract, None) => continue,
                _ => by,
            };
            self.dropped += u64::from(!self.state.set_integer(integer.number, value));
        }
    }

    /// Keeps what the match captured.
    fn keep_texts(&mut self) {
        self.scratch.refusals += self.scratch.refused;
        self.scratch.refused = 0;
        for capture in &self.scratch.captured {
            let room = match capture.keeper {
                Keeper::Flow => self.item.flow.is_none() || self.state.keep(&capture.text),
                Keeper::Packet => captured::keep(&mut self.scratch.texts, &capture.text),
                Keeper::Alert => true,
            };
            self.scratch.refusals += u64::from(!room);
        }
    }

    /// Texts as they stand now, if there are any.
    fn texts(&mut self) -> Option<Box<Captured>> {
        let mut alert = Texts::default();
        let of_alert = |capture: &&Capture| capture.keeper == Keeper::Alert;
        for own in self.scratch.captured.iter().filter(of_alert) {
            self.scratch.refusals += u64::from(!captured::keep(&mut alert, &own.text));
        }
        let (flow, packet) = (self.state.texts().clone(), self.scratch.texts.clone());
        let captured = Captured { flow, packet, alert };
        (captured != Captured::default()).then(|| Box::new(captured))
    }

    fn mute(&mut self, planned: &Planned, candidate: &Candidate) {
        if let (true, Cause::Ready(index, _)) = (planned.rule.mutes, candidate.cause)
            && let Some(ready) = self.item.ready.get(index as usize)
        {
            self.state.mute(ready.id);
        }
    }

    fn alert(&mut self, planned: &Planned, candidate: &Candidate) -> Alert {
        let mut of_event = None;
        let ready = match candidate.cause {
            Cause::Ready(index, _) => self.item.ready.get(index as usize),
            Cause::Event(index) => {
                of_event = self.item.app_events.get(index as usize).and_then(|event| event.0);
                of_event.and_then(|id| self.item.ready.iter().find(|ready| ready.id == id))
            }
            _ => self.item.ready.first(),
        };
        let application = ready.and_then(|ready| {
            let protocol = PROTOCOLS.get(ready.protocol)?;
            (!protocol.eve.is_empty()).then(|| Application::of(protocol.eve, ready.transaction))
        });
        let queries = std::mem::take(&mut self.scratch.queries);
        let integer = |(number, value): &(u32, u32)| {
            Some((self.ruleset.integer_name(*number)?.to_owned(), *value))
        };
        let bit = |bit: &u32| self.ruleset.bit_name(*bit).map(str::to_owned);
        Alert {
            signature: Arc::clone(&planned.rule.signature),
            transaction_id: ready.map(|ready| ready.id).or(of_event),
            application,
            app_protocol: self.item.flow.and_then(|flow| flow.app_name),
            direction: self.item.flow.map(|flow| flow.direction),
            flow: self.item.flow.map(|flow| flow.counters),
            flowbits: self.state.bits.iter().filter_map(bit).collect(),
            flowints: self.state.integers.iter().filter_map(integer).collect(),
            captured: self.texts(),
            queries,
            silent: planned.rule.silent,
            suppressed: None,
        }
    }
}

/// Whether a `pass` rule means the whole flow, or only the packet: it does when it looks at
/// addresses, the protocol, its transactions or the stream. A `drop` rule means neither: who only
/// listens has dropped nothing, and what goes on is to be seen.
fn ends_flow(planned: &Planned, cause: Cause) -> bool {
    match planned.kind {
        Kind::Addresses | Kind::Detection | Kind::Transaction | Kind::Frame => true,
        Kind::Payload { .. } => matches!(cause, Cause::Stream(_)),
        Kind::Packet => {
            planned.rule.is_header_only()
                || !planned.protocols.is_empty() && planned.rule.packets.is_empty()
        }
        Kind::Event => false,
    }
}
