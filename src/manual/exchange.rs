//! The exchange with a sharing hub: what leaves, what never does, and how to run it.
//!
//! Sharing is off until `sharing-policy.toml` is there. A connection is opened only by `watch` when
//! it is given the policy (`--policy`, or the key `policy`), and by the commands of `hub`. Sharing with a hub is no notification to CSIRT Italia (D.Lgs. 138/2024, art. 25).
//!
//! # Set up
//!
//! ```toml
//! [identity]                  # who the sensor is; its certificate carries the same as a URI
//! istat = "082053"            # the town
//! region = 19                 # 1 to 20, as ISTAT numbers them
//! cosc = 13                   # the regional cyber centre, 1 to 18
//! sensor = 1
//! # office = "16A24"          # the POLIS post office, where it stands in one
//!
//! [basis]
//! law = "D.Lgs. 138/2024, art. 17"
//! agreement = "ProC2Si 2026/42"
//! valid-until = "2027-12-31"  # after this day nothing leaves
//!
//! [sharing]
//! tlp-ceiling = "amber"       # what would need a stricter mark stays; plants need amber+strict
//! level = "medium"            # the least grave that leaves
//! detectors = ["all"]         # or the names of detectors
//! signatures = true           # alerts of rules too
//! incidents = false           # drafts of incidents: true once people look at them first
//! own-names = ["comune.esempio.it"]   # the town's domains: they never leave; ["none"] for none
//!
//! [[recipient]]               # up to eight
//! name = "COSC Sicilia"
//! api-root = "https://hub.example.org/cosc/"
//! collection = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"
//! # indicators = "..."        # a collection to read indicators from; not the one that is written to,
//!                             # or what this sensor alone has said comes back as the word of others
//! tlp = "amber"               # the strictest mark it is cleared for
//!
//! # [[collector]]             # up to four: syslog over TLS, to a system that is there already
//! # name = "SIEM"
//! # address = "siem.example.it:6514"
//! # format = "syslog"         # or "cef"
//! # tlp = "amber"
//!
//! [tls]                       # PEM, relative to this file; no root of the system is trusted
//! certificate = "sensor.pem"
//! key = "sensor.key"
//! authority = "hub-ca.pem"
//!
//! # [indicators]
//! # allow = ["198.51.100.0/24", "fornitore.example.org"]   # never an indicator: suppliers, own addresses
//!
//! # [rules]                   # rules that the centre signs
//! # keys = ["64 hexadecimal digits"]       # its public keys, up to four: the one in use, the next
//! # source = "https://hub.example.org/rules/rules.bundle"
//! # fetch-seconds = 3600      # `watch` looks there by itself, about so often; without it, it does not
//! # canary = "canary.pcap"    # a capture of the site's own; without it, the program's
//! # failed-percent = 5        # of a hundred rules so many may not load
//! # alerts-factor = 5         # on the canary so many times the alerts of the old rules, and 20
//!
//! # [metrics]                 # where nobody can come in to read them
//! # url = "https://prometheus.example.org/api/v1/write"
//! # seconds = 60
//!
//! # [retention]
//! # spool-days = 7            # what waits to be sent
//! # spool-mib = 256
//! # audit-months = 24         # the log of what left
//! ```
//!
//! The certificate's URI is the identity: `urn:rivellino:cosc/13/region/19/comune/082053/sensor/1`.
//!
//! # The sensor's certificate
//!
//! ```text
//! rivellino hub enroll                                                at the site: key and request
//! openssl x509 -req -in sensor.csr -CA sensors-ca.pem -CAkey sensors-ca.key -CAcreateserial \
//!     -days 30 -copy_extensions copy -out sensor-signed.pem           at the centre (OpenSSL 3)
//! rivellino hub enroll --certificate sensor-signed.pem --ca hub-ca.pem    at the site
//! ```
//!
//! The key (EC P-256) is made at the site, readable by its owner alone, and never leaves; the request
//! beside it holds the identity of the policy as a URI. What is printed with it, the SHA-256 of the
//! public key, is to be confirmed by telephone before the centre signs: with `openssl req -in
//! sensor.csr -noout -text -verify` it looks whether the URI is that of the town that asks, and with
//! `openssl req -in sensor.csr -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum` at the
//! fingerprint. The certificate that comes back is refused, with the reason, when it was made for
//! another key, when it has not this one URI, when it does not hold today, when it may sign others or
//! is not for clients; else it is put where `[tls]` says, and `--ca`, the roots of the hub's
//! certificate, too. To renew it, do the same again: until the new one is installed the old one is
//! used. `watch` reads it at its start. `hub status` and a metric say until when it holds.
//!
//! # Commands
//!
//! ```text
//! rivellino hub preview eve.json    exactly what would leave, one envelope a line; nothing is sent
//! rivellino hub send eve.json       takes the events, sends all that waits
//! rivellino hub enroll              the sensor's certificate: asks for it, installs it
//! rivellino hub status              what waits, what was given up and why, whether the log is whole
//! rivellino hub pull                reads what is new in the collections of indicators
//! rivellino hub forward eve.json    sends lines of syslog or CEF to the collectors of the policy, once
//! rivellino hub rules install       puts the centre's newest rules into force, if they hold what they promise
//! rivellino hub rules rollback      goes back to those before; `show` says which are in force
//! rivellino hub bundle make, check  signs rules at the centre; says whether sites would take them
//! rivellino hub serve               is a hub for others: see the page on operating
//! rivellino watch -i eth0 --policy sharing-policy.toml    sends and reads by itself
//! rivellino replay --indicators FILE capture.pcap         looks for indicators in what was captured
//! ```
//!
//! `preview --format misp`, `idmef`, `syslog` or `cef` shows the same events for systems that are there
//! already. `preview`, `send` and `forward` exit with 1 when lines of the file are no events of EVE.
//!
//! `--folder` (default `hub`) holds what waits, the key of pseudonyms and the log. Exit code 1 when
//! something still waits or the log's chain is broken. `--home-net` (or the key of `rivellino.toml`)
//! has to name the site's public addresses too, so that they count as its own.
//!
//! # While it watches
//!
//! In `rivellino.toml`, or with the options of the same names:
//!
//! ```toml
//! policy = "/etc/rivellino/sharing-policy.toml"
//! policy-folder = "/var/lib/rivellino/hub"
//! policy-batch = 60           # seconds that events wait for others; a hundred, or a critical one, go at once
//! policy-poll = 30            # seconds between two readings of indicators
//! ```
//!
//! Alerts, findings and incidents are handed over as lines of EVE, over a channel that never holds up
//! the merge (8192 lines, 32 MiB; what does not fit is lost to the exchange, counted, and still in
//! `eve.json`), cleared, and put on the disk within a second. One thread a recipient or collector
//! sends; one reads indicators; one fetches rules, if the policy says so. When the sensor ends what waits stays on the disk and goes at the next start. While it
//! runs, `hub send`, `forward` and `pull` on its folder are refused: two that work on one spool would
//! lose count; `hub status` only looks, and tells how it stands at this moment. SIGHUP has the rules and
//! the file of `--indicators` read anew. How it stands is on the page of metrics:
//!
//! | metric `rivellino_exchange_` | says |
//! | --- | --- |
//! | `queue_events`, `queue_bytes`, `queue_age_seconds` | what waits |
//! | `events_total`, `withheld_total{reason}`, `privacy_hits_total{kind}` | what was looked at, and what stays because of the policy or the guard, or because no end of it is known to be the site's (`unplaced`) |
//! | `sent_total`, `rejected_total`, `attempts_total{outcome}`, `last_sent_timestamp_seconds` | what arrived, what was refused for good |
//! | `syslog_lines_total`, `syslog_attempts_total{outcome}` | lines that collectors have read |
//! | `rules_version`, `rules_total{outcome}` | the centre's rules in force; what looks for newer ones came to |
//! | `certificate_expiry_timestamp_seconds` | when the sensor's certificate ends |
//! | `lost_total`, `dropped_total{reason}` | what was given up before, and while, it waited |
//! | `indicators`, `indicators_refused{reason}`, `indicator_hits_total{kind}` | what is looked for, what is not, what was seen |
//! | `polls_total{outcome}`, `last_poll_timestamp_seconds` | readings of indicators |
//! | `broken_threads{task}` | what is not done until a restart, as its thread broke: 0 |
//!
//! # What comes in
//!
//! Indicators of STIX 2.1 whose pattern asks for what a sensor can see: `ipv4-addr:value` and
//! `ipv6-addr:value` (an address, CIDR, or `ISSUBSET`), `domain-name:value` (with all below it), the
//! host of `url:value`, JA3 and JA4 (the last step of a path of `network-traffic` or of an object of
//! others' own, such as `network-traffic:extensions.'x'.ja3_hash`), `x509-certificate:hashes.'SHA-256'`;
//! joined by `AND`, `OR`, `IN` and brackets. All else is *unsupported*, counted, and the first twenty
//! are named in the log. Parts joined by `AND` have to be shown by one machine within an hour.
//!
//! An indicator needs `valid_until` (it holds at most 90 days from when its author last said it, and
//! not at all while that is more than a day in the future), a
//! `confidence` of 50 or more, and its author's word: a newer version counts only from the same
//! `created_by_ref`, `revoked` takes it back. At most 200,000 are held of one collection.
//!
//! Whoever says it, these are never looked for, and counted by reason: private and reserved networks,
//! the site's own networks and names, what `[indicators] allow` names, the hub, resolvers (those that
//! everybody uses, the root servers, those of this machine), services that everybody or the state
//! depends on, networks wider than /16 (IPv6: /32), tops of the DNS. Of alternatives joined by `OR`
//! those that pass are looked for.
//!
//! Looked up are the external ends of conversations, names and addresses in questions and answers of
//! DNS, server names, JA3, JA4 and certificates of TLS and QUIC, and hosts of HTTP. A hit is a finding
//! of the detector `indicator` (`rivellino explain indicator`): which indicator, from whom, how sure,
//! in Italian and English; high when a machine of ours turned to it and its author is at least 75 %
//! sure, low when it only turned to us. A machine that goes on is told once an hour. What is sent of a
//! hit is a sighting of the indicator that came, never an indicator anew: else each hit would keep it
//! alive for ever.
//!
//! What it costs is in [`super::operating`].
//!
//! With `replay --indicators` their dates are not looked at: captures are older than what is known of
//! them. A file may be a bundle, an envelope, a list, or one object a line, as `indicators-*.jsonl` of
//! the folder is; of at most 64 MiB.
//!
//! # Rules of the centre
//!
//! ```text
//! openssl genpkey -algorithm ed25519 -out rules.key           at the centre, once; the key stays there
//! rivellino hub bundle make --key rules.key --version 12 -o rules.bundle signatures/
//! rivellino hub bundle check --public KEY rules.bundle
//! rivellino hub rules install [rules.bundle]                  at the site, by hand or by a timer
//! rivellino watch -i eth0 -S hub/rules/current                loads them anew within a second
//! rivellino watch -i eth0 --policy sharing-policy.toml        with fetch-seconds: fetches them itself
//! ```
//!
//! A bundle is one file that people can read: the line `rivellino-rules 1`; `signature` and 128
//! hexadecimal digits; `version`, a number that rises with each bundle; `requires`, the oldest
//! program that understands the rules; a line `file NAME BYTES` for each file; an empty line; the
//! files. The signature is Ed25519 over the first line and all behind the second. `make` prints the
//! public key for `[rules] keys`. Any server of files behind the hub's certificates can give it out.
//!
//! `install` refuses, changes nothing, says why and exits with 1 when the signature is of no trusted
//! key, the version is below one that was in force here, or the same with other rules, the program is
//! too old, there is nothing in it, no rule or too few load, the canary takes more than two minutes or gives too many alerts. When
//! there is nothing newer, it says so and exits with 0. What passes is written beside what is in
//! force, and `hub/rules/current`, a link, is put over to it in one step: whenever the power fails, the old rules or the new are there whole.
//! `watch` notices the link (or SIGHUP) and loads the rules beside those that it uses. The version
//! before stays; after `rollback` what was taken back does not come again, only a higher number.
//!
//! With `fetch-seconds`, `watch` does the same by itself, with the same checks: it asks `source` about
//! that often (each time up to a quarter sooner or later), with the tag of what it has (`ETag`), so
//! that nothing is sent when nothing is new. Without `-S` it uses the bundled rules until the first
//! bundle is in force, and the centre's from then on. What is refused is told and counted, and not tried
//! again until there is something else.
//!
//! # Metrics where nobody can come in
//!
//! With `[metrics]`, `watch` sends some of its metrics every minute: Prometheus remote-write 1.0 (to
//! Prometheus with `--web.enable-remote-write-receiver`), over TLS 1.3 with the sensor's certificate. 60
//! series and never more; findings by detector, and what the policy and the guard kept, only as
//! sums. Labels are those of the page, `job="rivellino"`, `cosc` and `instance`, which is the identity
//! of the certificate; no address, no name. 429, 5xx and silence: again after a wait by chance that
//! grows to 15 minutes, at least what `Retry-After` says; the last 60 requests wait, older ones are
//! shed. Anything else is refused for good. `rivellino_push_requests_total{outcome}` counts each. They
//! hold nothing of the site's data, so the log of what left does not name them.
//!
//! # What leaves
//!
//! STIX 2.1 over TAXII 2.1 with certificates on both sides. For each alert or finding that the
//! policy allows:
//!
//! | object | says |
//! | --- | --- |
//! | `sighting` | the unit: of the indicator if there is one, else of the attack pattern; where (the town), when, how sure. In an extension of ours: detector, score, threshold, numbers, tags of `acn` |
//! | `observed-data`, `network-traffic`, `ipv4-addr`, `ipv6-addr`, `domain-name` | the external end and the conversation with it |
//! | `indicator` | the external end of grave events, for 30 days. The same bytes at every sensor, without author: one that goes round names no town. Never resolvers that everybody uses, never services of the state |
//! | `attack-pattern`, `relationship` | the ATT&CK technique |
//! | `note` | the explanation in Italian, rewritten |
//! | `incident` | a draft (`determination` suspected), each record of it a newer version; for people to confirm |
//! | `identity`, `marking-definition` | who speaks, TLP 2.0: in the first envelope of each run |
//!
//! The definition of our extension is not sent, as a server exists that answers nothing but errors once
//! it holds one: [`crate::outputs::hub::stix::Stix::definition`] gives it, with its schema, to whoever
//! runs a hub.
//!
//! Identifiers are made of what a thing is (UUIDv5), so that sending twice is sending once.
//!
//! # What never leaves
//!
//! * Internal addresses, in any form: an internal host is a pseudonym, HMAC-SHA-256 of its address
//!   under a key that is made here, readable by its owner alone, and destroyed eight days after its
//!   week began. The same host can be followed for a week, never from one site to another.
//! * Payload, paths, files, users, mail addresses, hardware addresses, names of the site's hosts. Of
//!   a name that a host of the site asked for, only the domain that was registered, and only in
//!   events about it.
//! * Ports that clients of the site spoke from. The port of an external end leaves, as many share one
//!   address there. Numbers above a hundred thousand keep three digits.
//! * Anything in which the guard finds an internal address (dotted, hexadecimal, as a number, in
//!   either order, with dashes, in names, behind percent signs, base 64 or hexadecimal), a hardware
//!   address, a codice fiscale, a mail address, an IBAN, a name of the site, or characters in which
//!   something could hide: it stays and is counted. Titles and explanations are looked at as they
//!   came too, where characters that are not seen, wide ones or digits of other writings stand in
//!   them.
//!
//! # What waits
//!
//! One queue a level in files of 4 MiB with checksums, on disk before the command goes on; let go
//! when the hub has it. When 256 MiB or seven days are reached the oldest of the lowest level goes,
//! and `hub status` says how many of which level, when and why. A process that is killed at any
//! moment loses nothing that it took.
//!
//! # The log
//!
//! `hub/audit/audit-YYYY-MM.jsonl`: before and after each envelope, to whom, how many objects of
//! which kind, the hash of the bytes that were sent, and the hash of the line before. `hub status`
//! follows the chain. It holds no addresses.
//!
//! # With a hub
//!
//! | what it answers | what is done |
//! | --- | --- |
//! | 202 pending | the status is asked for until it is complete |
//! | failures | twenty objects are asked for at once; one that is there in this version has not failed |
//! | nothing, in the middle of an envelope | what is known to have arrived is not sent or asked for again |
//! | 413, 422, 400 | the envelope is halved; one object that is not taken costs only itself |
//! | 429, 503, 5xx, nothing | again after a wait by chance that grows to 15 minutes, at least what `Retry-After` says |
//! | 401, 403, 404, 406, 415 | stop, and say what to look at; `watch` tries again after 15 minutes |
//! | anything older than TLS 1.3 | no connection |
