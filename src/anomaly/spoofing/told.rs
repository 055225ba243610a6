//! How many findings of a kind were told on a segment: whoever makes up many servers must not make as many
//! findings.

use crate::anomaly::known::Vlan;
use crate::anomaly::stats::Recent;

/// Segments remembered.
const SEGMENTS_MAX: usize = 64;
/// So many are told; then the tenth, the hundredth and so on.
const FIRST: u64 = 4;

/// See the module's page.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Told(Recent<Vlan, u64>);

impl Told {
    pub(super) const fn new() -> Self {
        Self(Recent::new(SEGMENTS_MAX))
    }

    /// Counts a finding on a segment; whether it is to be told.
    pub(super) fn is_due(&mut self, vlan: Vlan) -> bool {
        let count = self.0.touch(&vlan);
        *count = count.saturating_add(1);
        *count <= FIRST || count.checked_ilog10().is_some_and(|power| 10u64.pow(power) == *count)
    }

    pub(super) fn memory(&self) -> usize {
        self.0.memory()
    }
}
