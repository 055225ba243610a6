//! The rule language: Suricata's, version 8.
//!
//! Rule files of others load unchanged. The grammar is in [`crate::detect::syntax`]; the keywords
//! are in the tables, and `rivellino rules keywords` prints them.
//!
//! # From text to alert
//!
//! 1. [`crate::detect::syntax::RuleFile`] cuts the text into header and options, each with its place.
//! 2. Each option is a field or an operator. A field of bytes selects a buffer; a field of numbers
//!    takes a test such as `<10`; an operator does what its page says. What cannot be understood is
//!    told with file, line, column, reason and hint, and the next rule is tried.
//! 3. A rule is filed by transport, direction, ports and fast pattern: the content that
//!    `fast_pattern` names, or the one that ordinary traffic holds least.
//! 4. It is evaluated where its pattern was seen: at a packet, in the stream, or when what it reads
//!    of a transaction is final. Rules that alert once for a conversation do so by what they ask
//!    (addresses or the detected protocol alone), not by a keyword.
//! 5. `threshold` and `detection_filter` count at the merge, in the order of packets.
//!
//! # Order
//!
//! `pass` before `drop`, `reject`, `alert`; then rules that set flow bits before those that ask
//! for them; then by severity; then as written.
//!
//! # Differences to know
//!
//! * The sensor is passive: `drop` and `reject` alert, and `action` in EVE is always `allowed`.
//! * Rules over protocols that are not parsed here load and cannot match; `rules explain` says so.
//! * `xbits`, `hostbits`, `dataset` and thresholds are decided at the merge, in the order of packets.
//! * Sets of values with `state FILE` or `save FILE` are kept in the folder of `--data-dir`: `state` is read
//!   when rules are loaded, both are written when a run ends and at a reload, whole or not at all. Those
//!   whose definition stays go on over a reload as they are; those that are only loaded are read anew.
//!   What is written there by hand while a sensor runs is written over.
//!   A replay takes part with the option alone, not by the configuration; one with `--each` begins each
//!   capture with empty sets and writes none. Two runs at once in one folder do not see each other: the
//!   one that ends last is kept.
//! * Options that need a program in the rule (`lua`) are refused.
//! * `alert http any any -> any any` covers every version of HTTP that is parsed.
//! * All others with their reasons: [`super::differences`].
//!
//! # Codes of diagnostics
//!
//! See [`crate::detect::diagnostic`]: `R00x` grammar, `R01x` header, `R02x` variables, `R03x`
//! numbers, `R1xx` operators on buffers, `R2xx` other operators, `R9xx` sound rules that cannot be
//! evaluated here.
//!
//! # What is kept, and what is known of addresses
//!
//! `pcre:"/user=(\w+)/, flow:user"` keeps what the group holds with the conversation, `pkt:` for the
//! packet, `alert:` in the alert alone; a group `(?P<flow_user>...)` does the same. `flowvar` and `pktvar`
//! ask it; EVE shows it as `metadata.flowvars`, `metadata.pktvars` and `alert.context`. At most 32 texts
//! are kept of a flow and of a packet, 1,024 bytes of each and 16 KiB together; `captures_refused` in
//! `summary.json` counts others. What is kept with `flow:` is in every later alert of the conversation and
//! in its record, for all who read them: a password, or whatever else is nobody's business, belongs into
//! `alert:`. Let the expression name what ends the text, as it may come in two pieces.
//!
//! # Messages in Italian
//!
//! `metadata:msg_it Accesso riuscito;` is the message in Italian: what is told in Italian of incidents has
//! it, as has the table of `replay`. Bundled rules have one each; a comma ends it, as any value of `metadata`.
//!
//! # Reputations and countries
//!
//! `iprep` asks reputations, `geoip` countries. Their files are keys of `rivellino.toml`, read anew with the
//! rules, and named as in Suricata's configuration:
//!
//! ```text
//! reputation-categories-file = "iprep/categories.txt"   NUMBER,NAME,DESCRIPTION a line
//! default-reputation-path    = "iprep"
//! reputation-files           = ["bad.list"]             ADDRESS[/PREFIX],CATEGORY,LEVEL a line
//! geoip-database             = "GeoLite2-Country.mmdb"
//! ```
//!
//! The list of public suffixes that `domain` and `tld` go by is compiled in.
//!
//! # What a rule may cost
//!
//! On one packet all tests of one rule's buffers together may cost about 2 ms; then the rule is
//! given up for the packet, and `rivellino_chains_given_up_total` counts it, as does
//! `chains_given_up` in `summary.json`. Expressions are searched in linear time where that means
//! the same; those that look around or back are tried from one place after the other, each within
//! the limits of steps that Suricata has, and so are those that count far (`[^\x22]{2049}`) where
//! a sender makes the automaton forget its states. An expression that reaches a limit matches nothing, and
//! with `!` it does not hold either.
//!
//! `rules profile` tells what rules cost on real traffic: how often each came into question
//! (candidates: its fast pattern was there, or it has none and the packet's header did not rule it
//! out, the time of which is in no rule's), how often its buffers were looked at (evaluations) and it matched, and the time.
//! The search for fast patterns is shared by all rules and in none of these times.
//!
//! # Commands
//!
//! ```text
//! rivellino rules check   FILE           what is wrong; loaded, failed, skipped
//! rivellino rules list    FILE           one rule a line; --json with fast pattern and metadata
//! rivellino rules explain -S FILE SID    one rule in plain words
//! rivellino rules keywords [NAME]        the manual of the language
//! rivellino rules profile -S FILE CAPTURE...  what each rule costs on captures; --json
//! rivellino rules events                 a rule for every malformation that is recognised
//! ```
