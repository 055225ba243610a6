//! Hubs that have something for each other: section, region and nation over NATS JetStream.
//!
//! A hub ([`super::operating`]) takes what sensors send over TAXII. Between hubs it goes on over
//! JetStream of NATS: each hub publishes what was added to a collection to a stream of its own server,
//! and takes what comes in streams into its own collections. Servers are joined as *leaf nodes*: the
//! lower one connects to the upper one, so that only the upper one has an open port, and each goes on
//! by itself while the other is away.
//!
//! ```text
//! sensors ─TAXII─► hub ─► nats-server ══ leaf node ══► nats-server ─► hub ─► analysts, MISP, OpenCTI
//!                  region   domain cosc13                 domain national
//!                  hub ◄────────────── indicators ◄───────────────────── hub
//! ```
//!
//! It is for the hundred centres, not for sensors: the program is built for it with `cargo build
//! --release --features nats`, and needs a server from 2.9 on (`apt install nats-server` of Debian 12
//! gives 2.9.10). The configuration below is the one that `tests/relay.rs` runs, with other ports.
//!
//! # The region
//!
//! ```text
//! # region/nats.conf
//! server_name: cosc13
//! listen: "127.0.0.1:4222"            # the hub is on the same machine
//! max_payload: 1MB
//! jetstream {
//!   store_dir: "nats"
//!   domain: "cosc13"                  # each server has a domain of its own
//!   max_memory_store: 64MB
//!   max_file_store: 24GB              # what the streams may reserve together
//! }
//! tls {
//!   cert_file: "nats.pem"
//!   key_file: "nats.key"
//!   ca_file: "relay-ca.pem"
//!   verify_and_map: true              # nobody without a certificate; its URI is the user
//! }
//! authorization {
//!   users: [ {
//!     user: "urn:example:hub/region"  # the hub on this machine, and what it needs
//!     permissions: {
//!       publish: [
//!         "rivellino.cosc13.sightings"
//!         "$JS.API.INFO"
//!         "$JS.API.STREAM.INFO.COSC13", "$JS.API.STREAM.CREATE.COSC13"
//!         "$JS.API.STREAM.INFO.FROM_NATIONAL", "$JS.API.STREAM.CREATE.FROM_NATIONAL"
//!         "$JS.API.CONSUMER.INFO.FROM_NATIONAL.hub"
//!         "$JS.API.CONSUMER.CREATE.FROM_NATIONAL.hub"
//!         "$JS.API.CONSUMER.MSG.NEXT.FROM_NATIONAL.hub"
//!         "$JS.ACK.FROM_NATIONAL.hub.>"
//!       ]
//!       subscribe: ["_INBOX.>"]
//!     }
//!   } ]
//! }
//! leafnodes {
//!   reconnect: 2
//!   remotes [ {
//!     url: "tls://nats.example.it:7422"
//!     tls { cert_file: "leaf.pem", key_file: "leaf.key", ca_file: "relay-ca.pem" }
//!   } ]
//! }
//! ```
//!
//! At the end of the `hub.toml` of [`super::operating`]:
//!
//! ```toml
//! # region/hub.toml
//! [relay]
//! servers = ["tls://localhost:4222"]
//!
//! [relay.tls]                     # PEM, relative to this file
//! certificate = "relay.pem"
//! key = "relay.key"
//! authority = "relay-ca.pem"
//!
//! [[relay.publish]]               # up: what sensors sent
//! collection = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"
//! stream = "COSC13"
//! subject = "rivellino.cosc13.sightings"
//! tlp = "amber"                   # what is marked more strictly stays here
//! limits = { days = 7, mib = 8192 }
//!
//! [[relay.take]]                  # down: what goes to all
//! stream = "FROM_NATIONAL"
//! consumer = "hub"
//! collection = "52892447-4d7e-4f70-b94d-d7f22742ff63"
//! source = [{ stream = "INDICATORS", domain = "national" }]
//! limits = { days = 7, mib = 1024 }
//! ```
//!
//! # The nation
//!
//! ```text
//! # nation/nats.conf
//! server_name: national
//! listen: "127.0.0.1:4222"
//! max_payload: 1MB
//! jetstream {
//!   store_dir: "nats"
//!   domain: "national"
//!   max_memory_store: 64MB
//!   max_file_store: 24GB
//! }
//! tls {
//!   cert_file: "nats.pem"
//!   key_file: "nats.key"
//!   ca_file: "relay-ca.pem"
//!   verify_and_map: true
//! }
//! authorization {
//!   users: [
//!     {
//!       user: "urn:example:hub/nation"
//!       permissions: {
//!         publish: [
//!           "rivellino.national.indicators"
//!           "$JS.API.INFO"
//!           "$JS.API.STREAM.INFO.INDICATORS", "$JS.API.STREAM.CREATE.INDICATORS"
//!           "$JS.API.STREAM.INFO.REGIONS", "$JS.API.STREAM.CREATE.REGIONS"
//!           "$JS.API.CONSUMER.INFO.REGIONS.hub"
//!           "$JS.API.CONSUMER.CREATE.REGIONS.hub"
//!           "$JS.API.CONSUMER.MSG.NEXT.REGIONS.hub"
//!           "$JS.ACK.REGIONS.hub.>"
//!         ]
//!         subscribe: ["_INBOX.>"]
//!       }
//!     }
//!     {                               # one such for each region: its server, as a leaf node
//!       user: "urn:example:leaf/cosc13"
//!       permissions: {
//!         publish: [                  # it may ask for the nation's indicators ...
//!           "$JS.national.API.CONSUMER.CREATE.INDICATORS"
//!           "$JS.FC.INDICATORS.>", "$JS.ACK.INDICATORS.>"
//!           "$JS.S.>", "$JSC.R.>"
//!         ]
//!         subscribe: [                # ... and hear that the nation asks for its sightings
//!           "$JS.cosc13.API.CONSUMER.CREATE.COSC13"
//!           "$JS.FC.COSC13.>", "$JS.ACK.COSC13.>"
//!           "$JS.S.>", "$JSC.R.>"
//!         ]
//!       }
//!     }
//!   ]
//! }
//! leafnodes {
//!   listen: "0.0.0.0:7422"            # where the regions connect
//!   tls { cert_file: "nats.pem", key_file: "nats.key", ca_file: "relay-ca.pem", verify_and_map: true }
//! }
//! ```
//!
//! ```toml
//! # nation/hub.toml
//! [relay]
//! servers = ["tls://localhost:4222"]
//!
//! [relay.tls]
//! certificate = "relay.pem"
//! key = "relay.key"
//! authority = "relay-ca.pem"
//!
//! [[relay.publish]]
//! collection = "52892447-4d7e-4f70-b94d-d7f22742ff63"
//! stream = "INDICATORS"
//! subject = "rivellino.national.indicators"
//! limits = { days = 7, mib = 1024 }
//!
//! [[relay.take]]
//! stream = "REGIONS"              # one stream of those of all regions
//! consumer = "hub"
//! collection = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"
//! source = [
//!     { stream = "COSC13", domain = "cosc13" },
//!     # { stream = "COSC14", domain = "cosc14" },
//! ]
//! limits = { days = 7, mib = 8192 }
//! ```
//!
//! A section below a region is to it what the region is to the nation: its server is a leaf node of
//! the region's (which then has `leafnodes { listen ... }` beside `remotes`), with a domain of its own,
//! and the region takes from it. What the region took it publishes upwards with its own, under the name
//! of the sensor that sent it first.
//!
//! Certificates for servers and hubs come from an authority for the relay alone (`relay-ca.pem`). A
//! server's certificate has its name among the alternative names; that of a hub, and the one with which
//! a region's server turns to the nation's (`leaf.pem`), have one URI, by which the server finds the
//! user and its rights: without a user of this name there is no connection. So a region that fell into
//! wrong hands cannot put indicators into the nation's stream, nor hear or delete what others sent; a hub
//! can delete no stream. The rights are those of section names and subjects above: for other ones write
//! other ones, `nats-server -c nats.conf -D` tells what is refused. `tls://` is the only way, TLS 1.3
//! between hub and server.
//!
//! # What is promised
//!
//! * One object is one message. `Nats-Msg-Id` is made of sender, identifier and version, so that a
//!   repetition within an hour is not kept by the server; the hub that takes it knows the version for
//!   as long as it keeps objects. Nothing has an effect twice.
//! * The place in the collection moves on when the server has acknowledged all of a page (128 objects);
//!   a message is acknowledged when the object is on the disk of the hub that takes it. Hubs and
//!   servers may be killed at any moment.
//! * The header `Rivellino-Sender` says which sensor sent it. The hub that takes it looks at each object
//!   as if that sensor had brought it (`created_by_ref`, kinds, bounds), and counts its town for the
//!   quorum; it believes the other hub that the sensor is that one. Indicators that a hub itself released
//!   have no sender, and pass the gate of whoever takes them.
//! * A stream that is full takes nothing new, and what is added waits in the hub. So `days` and `mib`
//!   have to fit: a region of 400 sensors adds about 0.5 GB a day to its stream.
//! * Without a connection it is tried again after a wait by chance that grows to 15 seconds.
//!
//! Measured in November 2026 with `RIVELLINO_ALL=1 cargo test --features nats --test all -- relay
//! --nocapture`, on a busy virtual machine with 2 cores, this crate compiled without
//! optimisation: hub and server of the nation killed for 2 minutes while 4 sensors send about 190
//! objects a second to the region, whose server and hub are killed meanwhile: 26,290 objects sent, all
//! there 24 s after the last, none lost, none twice; when the region then forgets where it was, 4,240
//! messages are published again and not kept by the server. Memory of the hubs 77 and 85 MB. An indicator
//! of the nation was at the region after 0.5 s.
//!
//! # Limits
//!
//! | what | limit |
//! | --- | --- |
//! | object | 128 KiB, and what `max_payload` of the server leaves; a larger one stays, counted as `withheld` |
//! | on the way at one time | 128 messages a section of `publish` or `take` |
//! | sections, sources, servers | 16 of each kind, 128 a stream, 8 |
//! | outage of the upper server | `days` of the lower stream: what is older is gone before it is fetched |
//! | outage of the own server | `[retention] days` of the hub |
//! | streams | one copy on one server, which writes to the disk at once and syncs it now and then: of a power failure, other than of a kill, the last minutes may be gone; where that is too much, a cluster of three |
//!
//! A stream that is there is left as it is: for other bounds, copies in a cluster, or another source,
//! change it with the tools of NATS. The metrics are `rivellino_hub_relay_connected` and
//! `rivellino_hub_relay_total` by outcome: `published`, `repeated` (the stream had it), `withheld`,
//! `taken`, `unreadable`, `failed` (attempts; made again).
