//! Rivellino: a network sensor for the edge of small public bodies.
//!
//! This page is the architecture. It says what is where and why; the code says how.
//!
//! # Bird's-eye view
//!
//! Bytes with a timestamp come in, from capture files or an interface. Records come out: alerts of
//! signatures, findings of detectors, flows, transactions of application protocols, malformations.
//! Outside they are EVE JSON, as Suricata names it, so that existing tools read them.
//!
//! One binary does three things. `replay` reads captures to their end and gives the same bytes each
//! time, with any number of workers: that is what makes it evidence (only `--state` makes it depend
//! on what was learned before). `watch` listens to a tap or a mirror port until it is stopped. Both
//! run the same workers; only the source and the clock differ. Where it listens the sensor is passive:
//! it sends nothing and blocks nothing; what it found it gives to a hub only where a policy says so
//! ([`manual::exchange`]). `hub serve` is such a hub, for tests and small centres; no packet comes
//! there ([`manual::operating`]).
//!
//! # Map, in the order in which data flows
//!
//! | room | what is in it |
//! | --- | --- |
//! | [`time`], [`net`], [`reader`], [`field`], [`file`] | the vocabulary: packet time; endpoints, address and port sets, what of a host's name somebody registered; the one checked cursor over untrusted bytes, and what a letter of base64 stands for; what can be read from anything; a file on its way over a flow |
//! | [`record`] | what comes out: [`record::Record`] and its kinds |
//! | [`capture`] | pcap, pcapng (plain, gzip, zstd), many files merged by time, live rings; trait [`capture::Source`] |
//! | [`decode`] | a frame to [`decode::Headers`], stateless, without allocation, one file per layer |
//! | [`flow`] | packets to conversations: a bounded table, timeouts by packet time, defragmentation, TCP reassembly |
//! | [`protocols`] | one folder per application protocol; [`protocols::identify`] finds out which one it is: ports hint, probes prove; [`protocols::formats`] holds what several carry and knows none of them |
//! | [`detect`] | signatures: [`detect::syntax`] (text to parts with their places), compilation, filing by fast pattern, evaluation; [`detect::operators`] |
//! | [`anomaly`] | behaviour over time: one file or folder per detector, from records alone; [`anomaly::homes`] says which end is the site's, [`anomaly::incident`] puts what they and the rules say together, [`anomaly::suppress`] marks what the site wants to hear no more of |
//! | [`outputs`] | records to somewhere: EVE JSON, the summary, metrics, notices, the store of files and certificates, the exchange with a hub |
//! | [`engine`] | the only room that knows every stage: rounds, workers, merge |
//! | [`control`] | command line, configuration, signals, pages; what detectors have learned and sets that rules fill, on disk; the ways to a hub, and the hub (`control/hub`) |
//! | [`manual`] | documentation without code |
//!
//! # The way of a packet
//!
//! ```text
//! capture ─► dispatch ─► worker 0 : decode ► flow ► protocols ► detect ─┐
//!                    └─► worker N : decode ► flow ► protocols ► detect ─┴► merge ► anomaly ► outputs
//! ```
//!
//! [`engine::replay`] is the whole of it, on one page. With one worker all stages run in one thread,
//! in the same rounds and with the same result.
//!
//! 1. A [`capture::Source`] fills a batch. The dispatcher numbers the frames and deals them by a
//!    hash of the address pair (not the ports), so that fragments, side channels and tunnels of two
//!    hosts meet in one worker. Live, the kernel deals, with one socket for each worker, by a number of
//!    its own of the address pair (a program in `capture/live.rs`). What that cannot read as IPv4 or
//!    IPv6 behind at most one tag (ARP, a second tag, MPLS, PPPoE) all goes to the first socket.
//! 2. It deals in rounds of a fixed number of frames ([`engine::ROUND_FRAMES`]), fewer where little goes
//!    on. At the end of a round each worker gets its part, even when empty, with the packet time: so
//!    timeouts happen at the same packets however many workers there are, and the merge waits for
//!    nobody in vain.
//! 3. A worker ([`engine::worker::Worker`]) decodes each frame, and what is within its tunnels;
//!    puts fragments together; looks up the flow; reassembles the stream; identifies and parses the
//!    protocol. What rules have to look at is noted. Nobody else touches its flows: no locks.
//! 4. Then the whole round is inspected at once ([`detect::Inspector`]): packets, streams, and each
//!    stage of a transaction when it becomes final. One pass over the bytes finds the fast patterns
//!    of all rules; only rules whose pattern was there are evaluated. Acknowledgements that no rule can
//!    match are left out before. Only then do finished
//!    transactions and flows leave: inspection borrows, it does not copy.
//! 5. The merge ([`engine::merge::Merge`]) puts the records of a round, of all workers, back into the
//!    order of the packets that caused them (bursts of flows, which detectors alone see, may begin in
//!    one of a few rounds before), applies thresholds, and shows a round to the detectors (up to the next
//!    second or alert each sees all that it asks for before the next one does),
//!    then to the outputs. What detectors find goes to the outputs too, behind the record that made
//!    them find it, and so do the incidents that findings and alerts become.
//!
//! # Who may import whom
//!
//! | room | may import |
//! | --- | --- |
//! | time, reader, field | nothing |
//! | net, file | field |
//! | record | time, net, field, file |
//! | capture | time |
//! | decode | the vocabulary |
//! | flow | time, net, field, record, decode |
//! | protocols | the vocabulary; never another protocol |
//! | detect | the vocabulary, record, decode, flow, protocols |
//! | anomaly | time, net, reader, field, record, flow; never a protocol: it reads fields by name |
//! | outputs | time, net, reader, field, record |
//! | engine | all above |
//! | control | time, net, field, file, capture, decode, flow, protocols, detect, anomaly, outputs, engine |
//!
//! `detect`, `anomaly` and `outputs` never meet. `control` puts a run together: it opens sources, loads
//! rules, seats detectors, makes outputs, and prints the manual of each list, so it knows nearly every
//! room, and no room knows it. It parses no packet and makes no record: it has no use for `reader` and
//! `record`. There is no room for leftovers (`utils`,
//! `common`): what has no room has no meaning yet. `tests/tidy.rs` reads this table and holds it.
//!
//! # Lists
//!
//! What can be added to is a plain static slice, and tests go over the slice, not over its members:
//! [`protocols::PROTOCOLS`], [`detect::operators::OPERATORS`], [`anomaly::DETECTORS`], the rows of each
//! [`field::Fields`], the events of each layer. Outputs are no list: each is made from options of its
//! own, where `control` puts a run together.
//!
//! A rule keyword is either a **field** (one row: the keyword, the EVE key and the manual entry
//! come from it) or an **operator** (one static: `compile`, help, syntax, and examples that run as
//! tests).
//!
//! # Invariants, and what holds them
//!
//! | # | invariant | test |
//! | --- | --- | --- |
//! | 1 | Decode, flow, protocols, detect and anomaly read no clock, environment, file or socket. | `tests/tidy.rs`: `the_core_reads_no_clock_file_or_socket` |
//! | 2 | A packet causes no error and no panic, only a record, an event or a counter. `Result` is for people: rules, configuration, files. | `tests/hostile.rs`; `every_cut_and_many_mutations_are_survived` (decode), `mutations_never_panic` (each protocol), `whatever_comes_nothing_breaks` (reassembly), `hostile_text_is_only_wrong` (rules) |
//! | 3 | Same input, same output, byte for byte, for any number of workers and any run. | `tests/golden.rs`: `cases_give_what_they_gave_with_any_number_of_workers`; `tests/determinism.rs` |
//! | 4 | How a stream is cut, reordered or sent again does not change what is found in it. | `tests/streams.rs`; `any_cut_order_and_overlap_gives_the_same_bytes` (reassembly), `cuts_change_nothing` (protocols), `cuts_and_batches_change_nothing` (detect) |
//! | 5 | Every collection has a named maximum with a unit; reaching it is counted, never fatal. | `tests/limits.rs`; `a_flood_of_syn_is_bounded`, `limits_hold_and_the_oldest_goes` (flow), `a_bomb_stays_small` (HTTP), `a_flood_of_spoofed_sources_is_bounded_and_hides_no_scan` (anomaly) |
//! | 6 | Rule keyword, EVE key and manual entry of one meaning come from one row. | `tests/keywords.rs`: names unique, every example compiles and does what it says |
//! | 7 | A metric has no address, host name, user or payload in a label: label values are closed lists. | `outputs/metrics.rs` declares each value; there is no other way to make one |
//! | 8 | What comes out has the published shape: Suricata's, and our additions. | `tests/schema.rs` |
//! | 9 | Loading rules never fails as a whole: what cannot be loaded is told with its place, the rest works. | `each_wrong_rule_is_shown_and_the_others_read` |
//!
//! # What is deliberately not here
//!
//! * No global state and no locks on the packet path: a worker owns its part of the flow table. In a
//!   replay, where nothing is lost by it, the first worker that searches for a group of rules makes what
//!   that needs; a sensor makes all of it before it starts.
//! * No boxed expression trees: a rule is compiled once into chains of tests, and parsed never again.
//! * No plug-ins loaded at run time: a list that the compiler sees is shorter than a registry.
//! * No blocking: a sensor beside the wire cannot be an outage on it.
//!
//! # How to add
//!
//! **A protocol.** Make `protocols/NAME/` with `mod.rs` (its `PROTOCOL`: carriers, ports, probe,
//! events, samples), `parser.rs` (bytes to transactions, through [`reader::Reader`] alone) and
//! `fields.rs` (its rows). Add `mod NAME;` and one entry of [`protocols::PROTOCOLS`]. Give it
//! samples: tests cut, reorder, mutate and replay them without being edited.
//!
//! **A field.** Add one row to the table of the thing it is read from: `decode/fields.rs`,
//! `flow/stats.rs` or `protocols/NAME/fields.rs`. Its example must compile and use it.
//!
//! **An operator.** Make `detect/operators/NAME.rs` with one static [`detect::operator::Operator`];
//! add `mod NAME;` and one entry of the list. Give it an example that alerts and one that does not.
//!
//! **An event.** Add one line to the event list of its layer and raise it there. `rivellino rules
//! events` has its rule at once.
//!
//! **A detector.** Make `anomaly/NAME.rs` with `KIND` (name, generator number, parameters with
//! their units and where they come from) and an [`anomaly::Detector`]; add it to the list. A finding
//! says what, how sure, against what baseline, with which flows as evidence, in Italian and English.
//! Where it can use few of many bursts, flows or contacts, a mark in `anomaly/marks.rs` (one variant,
//! one line) spares it the others.
//!
//! **An output.** Make `outputs/NAME.rs` with an [`outputs::Output`], and make it where `control`
//! puts the outputs of a run together: `control/replay.rs`, `control/watch.rs`.

pub mod time;

pub mod net;

pub mod reader;

pub mod field;

pub mod file;

pub mod record;

pub mod capture;

pub mod decode;

pub mod flow;

pub mod protocols;

pub mod detect;

pub mod anomaly;

pub mod outputs;

pub mod engine;

pub mod control;

pub mod manual;
