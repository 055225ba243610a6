//! Counters of the packet path. Each means the same in every capture mode.

/// What the merge counted since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MergeStats {
    /// Alerts that thresholds held back.
    pub suppressed: u64,
    /// What rules keep of all hosts together and for which there was no room: counts of thresholds,
    /// marks of hosts, values of sets, tags.
    pub rule_state_dropped: u64,
}

/// What one worker counted since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct WorkerStats {
    /// Frames taken from the source.
    pub packets: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
    /// Packets that raised a decode event.
    pub malformed: u64,
    /// Packets that the capture cut short: what they carry is not looked at.
    pub packets_cut: u64,
    /// Packets left out because a checksum was wrong.
    pub bad_checksums: u64,
    /// IP fragments seen.
    pub fragments: u64,
    /// Datagrams put together from fragments.
    pub reassembled: u64,
    /// Flows begun.
    pub flows: u64,
    /// Flows in the table now.
    pub flows_active: u64,
    /// Flows ended before their time because the table was full.
    pub flows_evicted: u64,
    /// Flows ended because they were silent for too long.
    pub flows_ended_timeout: u64,
    /// Flows ended because a new connection took the same addresses and ports.
    pub flows_ended_reuse: u64,
    /// Flows ended because the input was over.
    pub flows_ended_shutdown: u64,
    /// Memory of the flow table and all that flows carry now, bytes.
    pub flow_memory: u64,
    /// Stream bytes given up as lost.
    pub stream_gap_bytes: u64,
    /// Segments dropped because reassembly memory was full.
    pub segments_dropped: u64,
    /// Directions of streams of which no more is looked at, as they are longer than that.
    pub streams_cut: u64,
    /// Packets that belong to no flow and make none.
    pub homeless: u64,
    /// Datagrams in fragments that never became whole, and fragments that were not taken.
    pub fragments_dropped: u64,
    /// Announced flows, and files in parts, that were forgotten for want of room.
    pub awaited_dropped: u64,
    /// Transactions completed.
    pub transactions: u64,
    /// Transactions that nobody looked at, as too many ended at once.
    pub transactions_dropped: u64,
    /// Alerts raised, before thresholds.
    pub alerts: u64,
    /// Alerts, bits and numbers of flows, stretches of streams and finds of patterns in them, for
    /// which a packet or a flow had no room.
    pub alerts_dropped: u64,
    /// Chains of a rule's tests given up because they cost too much.
    pub chains_given_up: u64,
    /// Texts that rules would capture, for which there was no room or that cost too much.
    pub captures_refused: u64,
    /// Records dropped because the merge could not keep up (live only).
    pub records_dropped: u64,
}

impl WorkerStats {
    /// Adds another worker's counters.
    pub fn add(&mut self, other: &Self) {
        let pairs = [
            (&mut self.packets, other.packets),
            (&mut self.bytes, other.bytes),
            (&mut self.malformed, other.malformed),
            (&mut self.packets_cut, other.packets_cut),
            (&mut self.bad_checksums, other.bad_checksums),
            (&mut self.fragments, other.fragments),
            (&mut self.reassembled, other.reassembled),
            (&mut self.flows, other.flows),
            (&mut self.flows_active, other.flows_active),
            (&mut self.flows_evicted, other.flows_evicted),
            (&mut self.flows_ended_timeout, other.flows_ended_timeout),
            (&mut self.flows_ended_reuse, other.flows_ended_reuse),
            (&mut self.flows_ended_shutdown, other.flows_ended_shutdown),
            (&mut self.flow_memory, other.flow_memory),
            (&mut self.stream_gap_bytes, other.stream_gap_bytes),
            (&mut self.segments_dropped, other.segments_dropped),
            (&mut self.streams_cut, other.streams_cut),
            (&mut self.homeless, other.homeless),
            (&mut self.fragments_dropped, other.fragments_dropped),
            (&mut self.awaited_dropped, other.awaited_dropped),
            (&mut self.transactions, other.transactions),
            (&mut self.transactions_dropped, other.transactions_dropped),
            (&mut self.alerts, other.alerts),
            (&mut self.alerts_dropped, other.alerts_dropped),
            (&mut self.chains_given_up, other.chains_given_up),
            (&mut self.captures_refused, other.captures_refused),
            (&mut self.records_dropped, other.records_dropped),
        ];
        for (sum, more) in pairs {
            *sum = sum.saturating_add(more);
        }
    }
}
