//! What comes out: EVE JSON, one object a line.
//!
//! Names and nesting are Suricata's, so that what reads its `eve.json` reads this one. Keys of
//! application protocols come from their rows ([`crate::field::Field::eve`]) or from what their
//! transaction says of itself ([`crate::field::Describe`]).
//!
//! # Kinds
//!
//! | `event_type` | when | object |
//! | --- | --- | --- |
//! | `alert` | a signature matched | `alert`: `action gid signature_id rev signature category severity metadata`; the transaction it matched in; `flow` as it stood |
//! | `alert` | a detector judged (generator 9100 and up) | `alert` and `finding` |
//! | `flow` | a conversation ended | `flow`: packets, bytes, times, state, reason; `tcp` |
//! | `anomaly` | a message broke a rule of its protocol | `anomaly`: `type` and `event`; packets and streams that break theirs can be alerted on with the rules of `rivellino rules events` |
//! | the protocol's name | a transaction is complete | an object of that name: `http`, `dns`, `tls`, `modbus` |
//!
//! Each has `timestamp` (of the packet that caused it), `event_type`, and, where they exist,
//! `flow_id`, `pcap_cnt`, `src_ip`, `src_port`, `dest_ip`, `dest_port`, `proto`, `vlan`.
//!
//! # Our addition: `finding`
//!
//! | key | meaning |
//! | --- | --- |
//! | `detector` | which one |
//! | `level` | `info`, `low`, `medium`, `high`, `critical` |
//! | `score`, `threshold` | the number that was judged, and what it was judged against |
//! | `confidence` | how sure, 0 to 1 |
//! | `numbers`, `baseline` | what is behind it, and what is normal, in the same terms |
//! | `evidence` | `flow_id` of flows that show it |
//! | `technique` | of ATT&CK |
//! | `took` | seconds from the first thing seen to the judgement |
//! | `explain` | `it` and `en`: what happened, how sure, why, what to do |
//!
//! # Its shape
//!
//! `rivellino config schema` prints it, as JSON Schema: Suricata's and our additions. A test holds every
//! record against it.
//!
//! # Promises
//!
//! * In a replay lines come in the order of the packets that caused them.
//! * The same input gives the same bytes, whatever the number of workers. `flow_id` is made of
//!   the number of the flow's first packet, not of chance.
//! * A line is written whole or not at all; what a full disk refuses is kept up to a limit, then
//!   counted.
