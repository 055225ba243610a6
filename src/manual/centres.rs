//! Larger centres: many hubs, and what analysts work with behind them.
//!
//! A hub of ours is for a regional centre (what it carries: [`super::operating`]). Larger ones are made
//! of parts that each stand on an open standard:
//!
//! ```text
//! sensors ─TAXII─► hub ══ NATS JetStream ══ hub ─TAXII─► OpenCTI, MISP, or what the centre has
//!                region                    nation
//! ```
//!
//! * Between hubs NATS JetStream, with rights for each hub and each leaf node: the working
//!   configuration is in [`super::relaying`], and a test runs it as it stands there.
//! * Behind a hub OpenCTI or MISP. They read TAXII 2.1, as a party whose certificate may `read`; with
//!   `publish` they may also put indicators into the collection that all sensors read, behind the gate:
//!
//! ```toml
//! # at the end of hub.toml
//! [[party]]
//! uri = "urn:example:analysts"
//! read = true
//! # publish = true
//! ```
//!
//! # OpenCTI
//!
//! Its own connector for TAXII 2 (`connector-taxii2`, external import) reads the hub. The certificate and
//! its key are in one file; the root of the hub's certificate is what `REQUESTS_CA_BUNDLE` names. The
//! connector wants a user and a password beside the certificate; the hub passes over them.
//!
//! ```text
//! # opencti-connector.env
//! OPENCTI_URL=https://opencti.example.it
//! OPENCTI_TOKEN=...
//! CONNECTOR_DURATION_PERIOD=PT5M
//! TAXII2_DISCOVERY_URL=https://hub.example.it:8443/taxii2/
//! TAXII2_V21=true
//! TAXII2_USE_CERT=true
//! TAXII2_CERT_PATH=/certificates/analysts.pem
//! TAXII2_VERIFY_SSL=true
//! TAXII2_COLLECTIONS=hub.sightings,hub.indicators
//! TAXII2_ENABLE_URL_QUERY_LIMIT=true
//! TAXII2_URL_QUERY_LIMIT=1000
//! TAXII2_USERNAME=none
//! TAXII2_PASSWORD=none
//! REQUESTS_CA_BUNDLE=/certificates/hub-ca.pem
//! ```
//!
//! The names before the dot are the API root and the titles of the collections, as `hub.toml` has them.
//!
//! # MISP
//!
//! MISP pushes to TAXII servers and does not read from them; a script on a timer does, with the
//! converter that MISP itself uses (`pip install misp-stix taxii2-client`):
//!
//! ```text
//! # hub-to-misp.py
//! import datetime, os, sys, uuid
//! import stix2
//! from misp_stix_converter import ExternalSTIX2toMISPParser
//! from taxii2client.v21 import Collection, as_pages
//!
//! url, certificate, root = sys.argv[1:4]
//! since = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1)
//! collection = Collection(url, verify=root, cert=certificate)
//! objects = {}
//! for page in as_pages(collection.get_objects, per_request=1000, type='indicator', added_after=since):
//!     for found in page.get('objects', []):
//!         objects[found['id']] = found
//! if objects:
//!     bundle = {'type': 'bundle', 'id': f'bundle--{uuid.uuid4()}', 'objects': list(objects.values())}
//!     bundle = stix2.parse(bundle, allow_custom=True)
//!     parser = ExternalSTIX2toMISPParser()
//!     parser.load_stix_bundle(bundle)
//!     parser.parse_stix_bundle(single_event=True)
//!     event = parser.misp_event
//!     event.info = 'Indicators of the sharing hub'
//!     if 'MISP_URL' in os.environ:
//!         from pymisp import PyMISP
//!         PyMISP(os.environ['MISP_URL'], os.environ['MISP_KEY']).add_event(event, pythonify=True)
//!     else:
//!         print(event.to_json())
//! ```
//!
//! It asks for indicators alone: of a bundle that holds observed data too, this converter (2026.10.12)
//! makes objects of the traffic and drops the indicators. With nothing said of a server it prints the
//! event, which MISP takes with "Add event from JSON". A site without a hub writes events for MISP itself:
//! `rivellino hub preview --format misp`.
//!
//! # What of this was tried
//!
//! | part | tried |
//! | --- | --- |
//! | hubs over NATS: region and nation, with the configuration and the rights of the manual | yes, against nats-server 2.9.10 of Debian 12: `tests/relay.rs` |
//! | what the connector of OpenCTI asks the hub: discovery, API root by name, collection by title, pages with `limit` and `next`, a certificate beside a password | yes, the same calls of the same library (taxii2-client 2.3.0): `tests/exchange/centres.rs`. Its variables are named as in its own documentation |
//! | OpenCTI itself, and what it makes of the objects | no: it needs a stack of servers that was not at hand |
//! | the script for MISP, up to the event that it makes | yes, with misp-stix 2026.10.12: the same test |
//! | MISP itself, and `add_event` | no |
//! | events of `preview --format misp` | read by pymisp with the templates of its objects: `tests/formats.rs` |
//! | another TAXII server in place of ours | medallion 3.0.0 behind gunicorn: `tests/conformance.rs`, `tests/exchange.rs` |
