//! Who takes part in what many may do to one host: counted in constant memory, as the sources of
//! a flood are made up and no two packets need have the same.

use std::net::IpAddr;

use super::Site;
use super::stats::distinct::{mix, mix_address};
use super::stats::{Distinct, Spread};
use crate::record::Context;

/// Flows kept as evidence.
const EVIDENCE_MAX: usize = 8;
/// Sources beyond which the count is no more than "at least": the sketch is full.
pub const SOURCES_MAX: u64 = 50_000;

/// See the module's page.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Crowd {
    sources: Distinct,
    spread: Spread,
    ports: Distinct,
    /// Who may do more than half of it (R. S. Boyer and J S. Moore, "MJRTY: A Fast Majority Vote
    /// Algorithm", 1981), how far ahead, and how much since it is ahead.
    leader: Option<IpAddr>,
    ahead: u64,
    led: u64,
    packets: u64,
    ours: u64,
    evidence: Vec<u64>,
}

impl Crowd {
    /// Takes in some packets of the source of `context`; `port` is that at which they are aimed.
    pub fn add(&mut self, context: &Context, port: u16, packets: u64, site: &Site) {
        self.packets = self.packets.saturating_add(packets);
        self.ports.insert(mix(u64::from(port)));
        if let Some(id) = context.flow_id
            && self.evidence.len() < EVIDENCE_MAX
            && !self.evidence.contains(&id)
        {
            self.evidence.push(id);
        }
        let Some(source) = context.source.map(|end| end.addr) else { return };
        let hash = mix_address(source);
        self.sources.insert(hash);
        self.spread.add(hash, packets);
        if site.is_home(source) {
            self.ours = self.ours.saturating_add(packets);
        }
        if self.leader == Some(source) {
            self.ahead += packets;
            self.led += packets;
        } else if packets > self.ahead {
            (self.leader, self.ahead, self.led) = (Some(source), packets - self.ahead, packets);
        } else {
            self.ahead -= packets;
        }
    }

    /// Whether a source was taken in.
    pub fn knows(&self, source: IpAddr) -> bool {
        self.sources.contains(mix_address(source))
    }

    /// How many sources.
    pub fn sources(&self) -> u64 {
        self.sources.count()
    }

    /// How many ports are aimed at.
    pub fn ports(&self) -> u64 {
        self.ports.count()
    }

    /// How evenly the packets come from the sources: 0 of one, 1 of many alike.
    pub fn evenness(&self) -> f64 {
        self.spread.evenness()
    }

    /// Packets taken in.
    pub const fn packets(&self) -> u64 {
        self.packets
    }

    /// The source that does more than half, if there is one.
    pub fn leader(&self) -> Option<IpAddr> {
        self.leader.filter(|_| self.led.saturating_mul(2) > self.packets)
    }

    /// Whether more than half comes from within.
    pub const fn is_ours(&self) -> bool {
        self.ours.saturating_mul(2) > self.packets
    }

    /// A few flows that show it.
    pub fn evidence(&self) -> Vec<u64> {
        self.evidence.clone()
    }

    /// Bytes that it points to.
    pub fn memory(&self) -> usize {
        self.sources.memory()
            + self.spread.memory()
            + self.ports.memory()
            + self.evidence.capacity() * 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Endpoint;

    fn from(address: u32) -> Context {
        let end = |addr: u32| Some(Endpoint { addr: IpAddr::from(addr.to_be_bytes()), port: 9 });
        Context {
            flow_id: Some(u64::from(address)),
            source: end(address),
            destination: end(0x0a00_0001),
            protocol: 17,
            ip_version: 4,
            vlan: [0; 3],
            icmp: None,
        }
    }

    #[test]
    fn tells_one_talker_from_a_crowd_and_stays_small() {
        let site = Site::default();
        let (mut crowd, mut one) = (Crowd::default(), Crowd::default());
        for n in 0..100_000u32 {
            crowd.add(&from(n.wrapping_mul(2_654_435_761)), 80, 1, &site);
            one.add(&from(if n % 3 == 0 { n } else { 7 }), (n % 500) as u16, 1, &site);
        }
        assert_eq!((crowd.leader(), crowd.ports()), (None, 1));
        assert!(crowd.evenness() > 0.95 && crowd.sources() >= SOURCES_MAX);
        assert_eq!(one.leader(), Some(IpAddr::from([0, 0, 0, 7])));
        assert!(one.evenness() < 0.6 && one.ports().abs_diff(500) < 30);
        assert!(crowd.memory() + size_of::<Crowd>() < 3000, "{}", crowd.memory());
    }
}
