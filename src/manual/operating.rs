//! Operating: a hub of one's own, what it carries, dashboards and alerts, systems that are there
//! already.
//!
//! # A hub of one's own
//!
//! `rivellino hub serve --config hub.toml` is a hub for tests and for small centres: TAXII 2.1 over
//! TLS 1.3, certificates on both sides, one file (redb) on the disk.
//!
//! ```toml
//! listen = "0.0.0.0:8443"
//! metrics = "127.0.0.1:9478"      # for Prometheus; this machine alone
//! folder = "/var/lib/rivellino-hub"
//! root = "hub"                    # the service is https://NAME:8443/hub/
//! title = "COSC Sicilia"
//!
//! [tls]                           # PEM, relative to this file
//! certificate = "server.pem"
//! key = "server.key"
//! clients = "sensors-ca.pem"      # the root of the sensors' certificates
//! # revoked = "revoked.crl.pem"   # read at the start
//!
//! [[collection]]                  # sensors write to it, and read there what they wrote
//! id = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"
//! title = "sightings"
//! kind = "inbox"
//!
//! [[collection]]                  # everybody reads; the hub writes what enough towns saw
//! id = "52892447-4d7e-4f70-b94d-d7f22742ff63"
//! title = "indicators"
//! kind = "indicators"
//!
//! [[party]]                       # who is no sensor: by the URI in its certificate
//! uri = "urn:example:analysts"
//! read = true                     # all that sensors sent
//! publish = true                  # its own indicators, behind the same gate
//!
//! # [quota]                       # of each sensor and party; these are the defaults
//! # requests-per-minute = 600
//! # objects-per-minute = 6000
//! # mib-per-minute = 16
//! # objects-per-day = 100000
//! # indicators-per-day = 1000     # that count towards a quorum
//!
//! # [quorum]
//! # communes = 3
//! # days = 7                      # within which they saw it
//! # valid-days = 30
//!
//! # [gate]
//! # networks = ["198.51.100.0/24"]    # of towns and suppliers: never an indicator
//! # names = ["comune.esempio.it"]
//!
//! # [retention]
//! # days = 30
//! ```
//!
//! Signing certificates is the work of the centre's own authority: EC P-256, for a sensor one URI among
//! the alternative names, the identity that `sharing-policy.toml` says
//! (`urn:rivellino:cosc/13/region/19/comune/082053/sensor/1`), thirty days. The sensor asks for its own
//! with `hub enroll`: [`super::exchange`] says how the request is looked at and signed. With another root, without a
//! certificate or after its end there is no connection; with a name that nobody knows, status 401.
//!
//! ## Whose word counts
//!
//! * A sensor speaks for itself: `created_by_ref` has to be the identity that its certificate says,
//!   object by object; others are failures in the status. What is the same everywhere (observables,
//!   conversations, attack patterns, indicators, marks, `indicates` and `related-to`) must have no
//!   author and no properties but its own, and is taken when its identifier is made of what it says,
//!   so that nobody puts something else in its place.
//! * Observables of inside a site in any spelling, `objects` within `observed-data`, and kinds that
//!   could only hold such (`user-account`, `process`, `email-message`), are refused.
//! * A sensor reads back what it sent first, and the indicators; not what others sent.
//!
//! ## What goes to all
//!
//! An indicator of sensors goes to all when sensors of three towns sent it within a week (two sensors
//! of one town are one town), and once a day from then on. It is made anew of the value alone: nothing
//! that one sensor wrote goes to the others, and it names no town. Before that, and for what parties
//! publish too, stands the gate that sensors have themselves (see [`super::exchange`]), with the
//! networks and names of `[gate]`, and every public address from which a sensor spoke in the last
//! thirty days: a town is never an attacker. What is held is counted by reason.
//!
//! Three sensors of three towns that conspire can bring an address of their choice into the collection
//! if the gate does not know it; where that is a danger, raise `communes`.
//!
//! ## What is promised
//!
//! A status 202 is given when the objects are on the disk (one transaction, many envelopes): a hub that
//! is killed at any moment has what it said it had. The same version of an object sent again is known,
//! not stored, and no failure. Pages go by the moment of adding, each only once, so that a cursor does
//! not lose its place and does not expire. When too much waits (512 envelopes) the answer is 503, over
//! a quota 429, both with `Retry-After`. Envelopes have at most 1 MiB and 2,000 objects, objects 12
//! levels, 4,096 values and 16 KiB a text. Nothing is deleted by request (403); what is older than
//! `retention` goes a little at a time.
//!
//! # What one hub carries
//!
//! Measured in November 2026 with `RIVELLINO_ALL=1 cargo test --test all -- fleet --nocapture`: hub and
//! 7,000 simulated sensors, each with its own certificate and a connection for each request, together on
//! one virtual machine with 2 cores of an Intel Xeon, the hub a release build, the sensors not optimised.
//! No session of TLS is taken up again, so that a certificate that ran out or was taken back lets nobody
//! in: each request is a full handshake. An alert is eight objects, about 4 KB. Times are from the first
//! byte of the envelope to the end of the answer, which is given when it is on the disk.
//!
//! | what | result |
//! | --- | --- |
//! | steady: 16 envelopes and 23 polls a second, one minute | median 4 ms, p99 28 ms |
//! | campaign, its ten minutes within ten seconds: 500 towns see one attacker while all 7,000 sensors poll | median 28 ms, p99 60 ms; all 7,000 hold the indicator after 10 s |
//! | outage: hub killed, 17 alerts wait at each sensor (two hours), all come back within 5 minutes | taken as fast as they come, nobody turned away; median 11 ms, p99 30 ms, slowest 78 ms |
//! | alerts sent, and found by a reader afterwards | 120,460 and 120,460; no object twice |
//! | handshakes before the outage | 9,842 full, none resumed |
//! | memory of the hub at most | 167 MB |
//! | disk | about 9 KB an alert |
//!
//! While much else ran on the machine (load 12 to 20) p99 was 85 ms, 517 ms and 2.5 s, and nothing was
//! lost either: the bound is the processor, which the sensors of the test have a share of.
//!
//! What follows for a plan: 200 alerts a day of 7,000 sensors are about 13 GB a day; keep less than 30 days,
//! or give each regional centre its own hub (about 400 sensors: 0.7 GB a day). One writer thread
//! syncs the disk with each transaction: a slow disk is the first bound, the CPU of TLS the second. At
//! most 9,000 connections are open at one time; set the limit of open files to 16,384.
//!
//! Five hostile sensors (resolvers, addresses and names of towns, a /8, networks of inside, essential
//! services, and as many objects as one can push in 15 seconds): nothing of it went round, 7,000 objects
//! were taken and the rest answered with 429, and the slowest answer to the others took 0.2 s (`poison`
//! in `tests/serve.rs`).
//!
//! # What indicators cost a sensor
//!
//! Measured in November 2026 with `cargo bench --bench indicators` on the same machine while it
//! was busy (the fastest of a hundred runs, and the median): what the detector does for one
//! conversation or name that hits nothing, at the merge, once for each burst of packets.
//!
//! | indicators in force | fastest | median |
//! | --- | --- | --- |
//! | none | 4 ns | 5 ns |
//! | 1,000 | 54 ns | 62 ns |
//! | 200,000, of them a twentieth networks of five lengths | 103 ns | 174 ns |
//! | 200,000, one name of four parts | 52 ns | 57 ns |
//!
//! On a replay of 40,000 packets of mixed captures the look-ups are 148 instructions a packet, 2.6 % (with
//! callgrind, 1,000 indicators; 200,000 take the same ones). In time, with 200,000 on 400,000 packets, it
//! was 0.07 s of 0.6 s, the median of four rounds that differed by more (-0.3 to 0.4 s).
//!
//! What limits it is the memory: each length of prefix that occurs is one look-up in a table that does
//! not fit the caches. 200,000 indicators take 96 MiB, twice that for a moment when others take their
//! place: a new set is made in about 1.5 s beside, put into force by one exchange of pointers, and the old one
//! freed by a thread that has time.
//!
//! # Larger centres
//!
//! Between centres NATS JetStream; behind a hub MISP or OpenCTI, which read TAXII 2.1 with a certificate
//! of a party that may `read`: [`super::centres`] has the working configuration, and says what of it was
//! tried.
//!
//! # Dashboards and alerts
//!
//! In `dashboards/`: `grafana/*.json` (sensor health, detections, plants, exchange, privacy, hub and
//! fleet) with provisioning files, `prometheus/` (an example, recording rules, alerts in Italian and
//! English with their tests), `alertmanager/` (an example). Copy the dashboards to the folder that
//! `provisioning/dashboards/rivellino.yaml` names. Try the rules with `promtool test rules
//! alerts.test.yml`.
//!
//! A sensor that takes part in the exchange has about 190 series, a hub about 80; labels are closed lists and hold no address, no name
//! and no town. Alerts carry what to do, never what was found: that is in the notice of the sensor.
//!
//! # Systems that are there already
//!
//! `rivellino hub preview --format FORMAT eve.json` writes the same events, through the same policy and
//! the same guard, as:
//!
//! | format | for | read here with |
//! | --- | --- | --- |
//! | `misp` | MISP, "Add event from JSON" or a feed; one event for up to a hundred alerts | pymisp 2.5.12 |
//! | `idmef` | IDMEFv2 (draft 08), one message a line | idmefv2 0.8 |
//! | `syslog` | RFC 5424, one line of at most 2048 bytes an event | rsyslog 8.2302 (imtcp, gtls) |
//! | `cef` | CEF version 0, one line an event | |
//!
//! Lines of `syslog` or `cef` go over TLS (RFC 5425: each behind its length) to the collectors that
//! the policy names, with the certificates of `[tls]`: from `watch` by themselves, as they come, or of a
//! file with `rivellino hub forward eve.json`.
//!
//! ```toml
//! [[collector]]
//! name = "SIEM"
//! address = "siem.example.it:6514"
//! format = "syslog"               # or "cef"
//! tlp = "amber"
//! ```
//!
//! Syslog answers nothing. So each batch (a hundred lines, or what came within `policy-batch` seconds,
//! a critical one at once) has a connection of its own, and counts as sent when the collector has read it
//! to its end and closed. Until then `watch` keeps it on the disk, within the bounds of `[retention]`,
//! and tries again; a connection that breaks at its end may bring lines twice. What the collector does
//! with them nobody knows: what has to arrive goes to a hub.
