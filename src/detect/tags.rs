//! Which packets rules with `tag` want kept. Decided at the merge, in the order of packets: whether
//! a match is an alert is known only there, and a host's packets come from all workers.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use crate::record::{Alert, Context, Packet, Record, Tag, TagMetric, TagScope};
use crate::time::{Duration, Timestamp};

/// Flows and hosts of which packets are kept at once; for a further one the tags put on first go.
pub const TAGGED_MAX: usize = 8192;

/// Tags on one flow or host at once; no further one is put on.
pub const TAGS_MAX: usize = 16;

/// How often a rule that alerts again while its tag lasts has the count begin anew; then the tag comes to
/// its end, and the next alert puts on another.
pub const RENEWALS_MAX: u8 = 10;

/// Packet time after which a tag that kept nothing is over, as Suricata has it for hosts.
const IDLE: Duration = Duration::from_secs(600);

/// Of whom a set of rules may want packets kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeptPackets {
    /// Of nobody.
    #[default]
    Nothing,
    /// Of flows that alerted.
    Flows,
    /// Of hosts: of everybody, as who that is shows only at the merge.
    All,
}

/// Tags in force.
#[derive(Default)]
pub struct Tags {
    tagged: HashMap<Whose, Marked>,
    /// Who was tagged when.
    ages: BTreeMap<u64, Whose>,
    made: u64,
    refused: u64,
}

/// The tags on one flow or host.
struct Marked {
    age: u64,
    tags: Vec<Active>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Whose {
    Flow(u64),
    Host(IpAddr),
}

/// One tag on a flow or host.
struct Active {
    rule: (u32, u32),
    tag: Tag,
    /// Number of the packet that alerted: the alert tells of it.
    alerted: u64,
    since: Timestamp,
    last: Timestamp,
    packets: u64,
    bytes: u64,
    renewals: u8,
}

impl Active {
    /// Whether it has kept all that it is to keep.
    fn done(&self, now: Timestamp) -> bool {
        let count = u64::from(self.tag.count);
        match self.tag.metric {
            TagMetric::Packets => self.packets > count,
            TagMetric::Bytes => self.bytes > count,
            TagMetric::Seconds => now.since(self.since) > Duration::from_secs(count),
        }
    }

    fn over(&self, now: Timestamp) -> bool {
        let counts = self.tag.metric != TagMetric::Seconds;
        self.done(now) || counts && now.since(self.last) > IDLE
    }
}

impl Tags {
    /// Puts on what the rule of an alert asks for.
    pub fn alert(&mut self, record: &Record, alert: &Alert) {
        for tag in &alert.signature.tags {
            let Some(whose) = whose(tag.scope, &record.context) else { continue };
            let rule = (alert.signature.gid, alert.signature.sid);
            let now = record.timestamp;
            let new = Active {
                rule,
                tag: *tag,
                alerted: record.sequence,
                since: now,
                last: now,
                packets: 0,
                bytes: 0,
                renewals: 0,
            };
            self.put(whose, new);
        }
    }

    /// Whether a packet is to be told of.
    pub fn keeps(&mut self, record: &Record, packet: &Packet) -> bool {
        if self.tagged.is_empty() {
            return false;
        }
        let ends = [record.context.source, record.context.destination];
        let hosts = ends.into_iter().flatten().map(|end| Whose::Host(end.addr));
        let flow = record.context.flow_id.map(Whose::Flow);
        let mut kept = false;
        for whose in flow.into_iter().chain(hosts) {
            let Some(marked) = self.tagged.get_mut(&whose) else { continue };
            marked.tags.retain_mut(|active| {
                active.packets += 1;
                active.bytes += packet.bytes.len() as u64;
                let now = record.timestamp;
                let over = active.over(now);
                active.last = now;
                kept |= !over && active.alerted != record.sequence;
                !over
            });
            if marked.tags.is_empty() {
                self.forget(&whose);
            }
        }
        kept
    }

    /// A flow has ended.
    pub fn ended(&mut self, flow: Option<u64>) {
        if !self.tagged.is_empty() {
            flow.into_iter().for_each(|id| self.forget(&Whose::Flow(id)));
        }
    }

    /// Tags for which there was no room.
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    fn put(&mut self, whose: Whose, new: Active) {
        if self.tagged.len() >= TAGGED_MAX
            && !self.tagged.contains_key(&whose)
            && let Some((_, first)) = self.ages.pop_first()
        {
            self.tagged.remove(&first);
            self.refused += 1;
        }
        let (ages, made) = (&mut self.ages, &mut self.made);
        let marked = self.tagged.entry(whose).or_insert_with(|| {
            *made += 1;
            ages.insert(*made, whose);
            Marked { age: *made, tags: Vec::new() }
        });
        let same = |active: &&mut Active| active.rule == new.rule && active.tag == new.tag;
        if let Some(old) = marked.tags.iter_mut().find(same) {
            if old.over(new.since) {
                *old = new;
            } else if old.renewals < RENEWALS_MAX {
                *old = Active { renewals: old.renewals + 1, ..new };
            }
        } else if marked.tags.len() < TAGS_MAX {
            marked.tags.push(new);
        } else {
            self.refused += 1;
        }
    }

    fn forget(&mut self, whose: &Whose) {
        if let Some(marked) = self.tagged.remove(whose) {
            self.ages.remove(&marked.age);
        }
    }
}

fn whose(scope: TagScope, context: &Context) -> Option<Whose> {
    match scope {
        TagScope::Session => context.flow_id.map(Whose::Flow),
        TagScope::Source => context.source.map(|end| Whose::Host(end.addr)),
        TagScope::Destination => context.destination.map(|end| Whose::Host(end.addr)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::net::Endpoint;
    use crate::record::{Body, Signature};

    const TEN_BYTES: [u8; 10] = [0; 10];

    fn record(number: u64, second: u64, flow: u64, body: Body) -> Record {
        let end = |last| Endpoint { addr: IpAddr::from([10, 0, 0, last]), port: 1 };
        let context = Context {
            flow_id: Some(flow),
            source: Some(end(1)),
            destination: Some(end(2)),
            ..Context::default()
        };
        let timestamp = Timestamp::new(second, 0);
        Record { sequence: number, tie: 0, timestamp, context, body }
    }

    fn alert(tags: &mut Tags, sid: u32, number: u64, flow: u64, tag: Tag) {
        let signature = Signature { sid, tags: vec![tag], ..Signature::default() };
        let alert = Alert { signature: Arc::new(signature), ..Alert::default() };
        let record = record(number, 0, flow, Body::Fragment(0));
        tags.alert(&record, &alert);
    }

    fn keeps(tags: &mut Tags, number: u64, second: u64, flow: u64) -> bool {
        let packet = Packet { link: 1, bytes: TEN_BYTES.into() };
        let record = record(number, second, flow, Body::Fragment(0));
        tags.keeps(&record, &packet)
    }

    fn told(tag: Tag, packets: impl Iterator<Item = (u64, u64)>) -> usize {
        let mut tags = Tags::default();
        alert(&mut tags, 1, 1, 7, tag);
        packets.filter(|(number, second)| keeps(&mut tags, *number, *second, 7)).count()
    }

    /// The alert's own packet is counted, and not told again.
    #[test]
    fn what_is_counted() {
        let tag = |metric, count| Tag { scope: TagScope::Session, metric, count };
        let all = || (1..40).zip(0u64..);
        assert_eq!(told(tag(TagMetric::Packets, 9), all()), 8);
        assert_eq!(told(tag(TagMetric::Bytes, 50), all()), 4);
        assert_eq!(told(tag(TagMetric::Seconds, 5), all()), 5);
        // Nothing came for longer than a tag lasts.
        let pause = [(1, 0), (2, 1), (3, 700), (4, 701)].into_iter();
        assert_eq!(told(tag(TagMetric::Packets, 9), pause.clone()), 1);
        assert_eq!(told(tag(TagMetric::Seconds, 9_000), pause), 3);
    }

    #[test]
    fn flows_and_hosts_are_told_apart() {
        for (scope, expected) in [(TagScope::Session, [true, false]), (TagScope::Source, [true; 2])]
        {
            let mut tags = Tags::default();
            alert(&mut tags, 1, 1, 7, Tag { scope, metric: TagMetric::Packets, count: 9 });
            assert_eq!([7, 8].map(|flow| keeps(&mut tags, 2, 0, flow)), expected);
        }
    }

    /// However often a rule alerts, its tag comes to an end, and another is put on by the next alert.
    #[test]
    fn a_tag_ends_and_is_put_on_again() {
        let mut tags = Tags::default();
        let tag = Tag { scope: TagScope::Session, metric: TagMetric::Seconds, count: 10 };
        let kept = (0..30u64).filter(|round| {
            let (number, second) = (round * 10 + 1, round * 100);
            let signature = Signature { sid: 1, tags: vec![tag], ..Signature::default() };
            let alert = Alert { signature: Arc::new(signature), ..Alert::default() };
            tags.alert(&record(number, second, 7, Body::Fragment(0)), &alert);
            keeps(&mut tags, number + 1, second + 1, 7)
        });
        assert_eq!(kept.count(), 30);
    }

    #[test]
    fn limits_hold_and_are_counted() {
        let mut tags = Tags::default();
        let tag = Tag { scope: TagScope::Session, metric: TagMetric::Packets, count: 3 };
        (0..TAGGED_MAX as u64 + 5).for_each(|flow| alert(&mut tags, 1, 1, flow, tag));
        assert_eq!(
            (tags.tagged.len(), tags.ages.len(), tags.refused()),
            (TAGGED_MAX, TAGGED_MAX, 5)
        );
        assert!(!keeps(&mut tags, 2, 0, 0) && keeps(&mut tags, 2, 0, 9), "the first went");
        (0..TAGS_MAX as u32 + 2).for_each(|sid| alert(&mut tags, sid, 1, 0, tag));
        assert_eq!(tags.refused(), 5 + 1 + 2, "one went for it, two had no room");
    }
}
