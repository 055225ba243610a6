//! Writing: envelopes of many senders in one transaction.

use redb::{ReadableTable, Table, WriteTransaction};
use serde_json::{Value as Json, json};

use super::{
    NUMBERS, OBJECTS, ORDER, RELEASED, REPORTS, Record, SPOKE, STATUS, Store, USAGE, VERSIONS,
    sender_key,
};
use crate::control::hub::serve::admit::Admitted;
use crate::control::hub::serve::config::{Quorum, Quota};
use crate::control::hub::serve::gate::{Gate, Held, Value};
use crate::outputs::hub::policy::Tlp;
use crate::outputs::hub::stix::{id, marking_id};
use crate::outputs::hub::time::{day, millis};
use crate::time::{Duration, Timestamp};

const DAY_MICROS: u64 = 86_400_000_000;
/// Bytes of a status that are kept: what was refused is named only within it.
const STATUS_BYTES_MAX: usize = 16 * 1024;
/// How sure an indicator is that just enough towns saw, percent, and for each town more.
const CONFIDENCE: [u64; 3] = [60, 5, 95];

/// What somebody sends, looked at.
pub(in super::super) struct Envelope {
    /// Who sends it.
    pub(in super::super) sender: String,
    /// Its town, when it is a sensor.
    pub(in super::super) town: Option<String>,
    /// The collection, as [`Store::view`] knows it.
    pub(in super::super) collection: String,
    pub(in super::super) objects: Vec<Admitted>,
    /// What was refused before: identifier, version, why.
    pub(in super::super) refused: Vec<(String, String, &'static str)>,
    /// It comes from another hub, which has counted it against the sender's share.
    pub(in super::super) is_relayed: bool,
}

/// What became of it.
pub(in super::super) enum Put {
    /// The status, and what is counted.
    Done(Json, Report),
    /// The sender has had its day's share.
    Share,
}

/// Counts of one envelope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Report {
    pub(in super::super) stored: u64,
    pub(in super::super) known: u64,
    /// Indicators that went to all because of it.
    pub(in super::super) released: u64,
    /// Indicators that wait for more towns.
    pub(in super::super) waiting: u64,
    /// Indicators beyond the sender's share of a day: they do not count.
    pub(in super::super) ignored: u64,
    /// Indicators that the gate held, in the order of [`Held::ALL`].
    pub(in super::super) held: [u64; Held::ALL.len()],
}

/// Writes envelopes into the store.
pub(in super::super) struct Writer<'a> {
    pub(in super::super) store: &'a Store,
    pub(in super::super) gate: &'a Gate,
    pub(in super::super) quorum: Quorum,
    pub(in super::super) quota: Quota,
    /// The collection of indicators, if there is one.
    pub(in super::super) indicators: Option<String>,
}

impl Writer<'_> {
    /// Takes envelopes; when it returns they are on the disk.
    pub(in super::super) fn put(
        &self,
        envelopes: &[Envelope],
        spoke: &[(std::net::IpAddr, u64)],
        now: Timestamp,
    ) -> anyhow::Result<Vec<Put>> {
        let transaction = self.store.database.begin_write()?;
        let puts = {
            let mut tables = Tables::open(&transaction, now)?;
            let mut addresses = transaction.open_table(SPOKE)?;
            for (address, at) in spoke {
                addresses.insert(address.to_string().as_str(), *at)?;
            }
            let puts = envelopes.iter().map(|envelope| self.envelope(&mut tables, envelope, now));
            puts.collect::<anyhow::Result<Vec<_>>>()?
        };
        transaction.commit()?;
        Ok(puts)
    }

    fn envelope(
        &self,
        tables: &mut Tables<'_>,
        of: &Envelope,
        now: Timestamp,
    ) -> anyhow::Result<Put> {
        let sender = number(&mut tables.numbers, &sender_key(&of.sender))?;
        let today = micros(now) / DAY_MICROS;
        let used = tables.usage.get((sender, today))?.map(|used| used.value());
        let (objects, mut indicators) = used.unwrap_or_default();
        let whole = self.store.view(&of.collection, None);
        // What is there already costs nothing: it may be sent again after an outage.
        let mut wanted = objects;
        for object in &of.objects {
            wanted += u64::from(!tables.has(whole, object)?);
        }
        if !of.is_relayed && wanted > self.quota.objects_per_day {
            return Ok(Put::Share);
        }
        let own = self.store.view(&of.collection, of.town.as_ref().map(|_| sender));
        let mut report = Report::default();
        for object in &of.objects {
            let is_new = tables.add(own, whole, object)?;
            report.stored += u64::from(is_new);
            report.known += u64::from(!is_new);
            let (Some(pattern), Some(town)) = (&object.pattern, &of.town) else { continue };
            if indicators < self.quota.indicators_per_day {
                let counts = self.reported(tables, pattern, town, now, &mut report)?;
                indicators += u64::from(counts);
            } else {
                report.ignored += 1;
            }
        }
        let objects = objects + report.stored;
        tables.usage.insert((sender, today), (objects, indicators))?;
        let status = status(tables, sender, of, now)?;
        Ok(Put::Done(status, report))
    }

    /// A town saw what a pattern looks for: it goes to all when enough towns did. False when the town
    /// has said so today.
    fn reported(
        &self,
        tables: &mut Tables<'_>,
        pattern: &str,
        town: &str,
        now: Timestamp,
        report: &mut Report,
    ) -> anyhow::Result<bool> {
        let value = match self.gate.value(pattern, micros(now)) {
            Ok(value) => value,
            Err(held) => {
                let at = Held::ALL.iter().position(|of| *of == held);
                if let Some(count) = at.and_then(|at| report.held.get_mut(at)) {
                    *count += 1;
                }
                return Ok(true);
            }
        };
        let text = value.text.as_str();
        let today = micros(now) / DAY_MICROS;
        let before = tables.reports.get((text, town))?.map(|at| at.value() / DAY_MICROS);
        if before == Some(today) {
            return Ok(false);
        }
        tables.reports.insert((text, town), micros(now))?;
        let window = u64::from(self.quorum.days) * DAY_MICROS;
        let mut towns = 0;
        for entry in tables.reports.range((text, "")..=(text, "\u{7f}"))? {
            towns += usize::from(micros(now).saturating_sub(entry?.1.value()) <= window);
        }
        let Some(indicators) = self.indicators.as_ref().filter(|_| towns >= self.quorum.communes)
        else {
            report.waiting += 1;
            return Ok(true);
        };
        if tables.released.get(text)?.is_some_and(|day| day.value() == today) {
            return Ok(true);
        }
        tables.released.insert(text, today)?;
        let view = self.store.view(indicators, None);
        let object = self.indicator(&value, towns, now);
        if tables.add(view, view, &object)? {
            report.released += 1;
        }
        Ok(true)
    }

    /// The indicator as it goes to all. It is made of the value alone: nothing that one sensor wrote
    /// goes to the others, and it names no town.
    fn indicator(&self, value: &Value, towns: usize, now: Timestamp) -> Admitted {
        let from = day(now);
        let until = from.after(Duration::from_secs(u64::from(self.quorum.valid_days) * 86_400));
        let [least, each, most] = CONFIDENCE;
        let more = towns.saturating_sub(self.quorum.communes) as u64;
        let confidence = (least + each * more.min(100)).min(most);
        let id = id::object("indicator", &format!("quorum|{}", value.text));
        let version = millis(now);
        let body = json!({
            "type": "indicator",
            "spec_version": "2.1",
            "id": id,
            "created": "2000-01-01T00:00:00.000Z",
            "modified": version,
            "name": format!("{} (quorum)", value.text),
            "indicator_types": ["malicious-activity"],
            "pattern": value.pattern(),
            "pattern_type": "stix",
            "pattern_version": "2.1",
            "valid_from": millis(from),
            "valid_until": millis(until),
            "confidence": confidence,
            "object_marking_refs": [marking_id(Tlp::Amber)],
        });
        Admitted {
            id,
            version,
            at: now.nanos() / 1_000_000 * 1_000,
            kind: "indicator".to_owned(),
            spec: "2.1".to_owned(),
            body: body.to_string().into_bytes(),
            pattern: None,
        }
    }
}

/// The status of a request (TAXII 2.1, 4.3.1), kept for who asks later.
fn status(
    tables: &mut Tables<'_>,
    sender: u64,
    of: &Envelope,
    now: Timestamp,
) -> anyhow::Result<Json> {
    let request = tables.moment();
    let failures: Vec<Json> = of
        .refused
        .iter()
        .map(|(id, version, why)| json!({ "id": id, "version": version, "message": why }))
        .collect();
    let successes: Vec<Json> = of
        .objects
        .iter()
        .map(|object| {
            let version =
                if object.version.is_empty() { millis(now) } else { object.version.clone() };
            json!({ "id": object.id, "version": version })
        })
        .collect();
    let mut status = json!({
        "id": request_id(request),
        "status": "complete",
        "request_timestamp": millis(now),
        "total_count": of.objects.len() + of.refused.len(),
        "success_count": of.objects.len(),
        "failure_count": of.refused.len(),
        "pending_count": 0,
    });
    let mut more = |key: &str, list: Vec<Json>| {
        if let (false, Some(object)) = (list.is_empty(), status.as_object_mut()) {
            object.insert(key.to_owned(), Json::Array(list));
        }
    };
    more("failures", failures);
    let kept = status.to_string();
    if kept.len() <= STATUS_BYTES_MAX {
        tables.status.insert(request, (sender, kept.as_bytes()))?;
    }
    let mut more = |key: &str, list: Vec<Json>| {
        if let (false, Some(object)) = (list.is_empty(), status.as_object_mut()) {
            object.insert(key.to_owned(), Json::Array(list));
        }
    };
    more("successes", successes);
    Ok(status)
}

/// The tables that writing needs.
struct Tables<'a> {
    objects: Table<'a, u64, &'static [u8]>,
    order: Table<'a, (u64, u64), ()>,
    versions: Table<'a, (u64, &'static str, u64), u64>,
    numbers: Table<'a, &'static str, u64>,
    usage: Table<'a, (u64, u64), (u64, u64)>,
    status: Table<'a, u64, (u64, &'static [u8])>,
    reports: Table<'a, (&'static str, &'static str), u64>,
    released: Table<'a, &'static str, u64>,
    /// The moment given out last.
    last: u64,
}

impl<'a> Tables<'a> {
    fn open(of: &'a WriteTransaction, now: Timestamp) -> anyhow::Result<Self> {
        let objects = of.open_table(OBJECTS)?;
        let status = of.open_table(STATUS)?;
        // The clock may have gone back: moments never do.
        let added = objects.last()?.map_or(0, |(key, _)| key.value());
        let asked = status.last()?.map_or(0, |(key, _)| key.value());
        let last = micros(now).saturating_sub(1).max(added).max(asked);
        Ok(Self {
            objects,
            order: of.open_table(ORDER)?,
            versions: of.open_table(VERSIONS)?,
            numbers: of.open_table(NUMBERS)?,
            usage: of.open_table(USAGE)?,
            status,
            reports: of.open_table(REPORTS)?,
            released: of.open_table(RELEASED)?,
            last,
        })
    }

    /// A moment that nothing else has.
    fn moment(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Whether the whole has this version of an object.
    fn has(&self, whole: u64, object: &Admitted) -> anyhow::Result<bool> {
        Ok(self.versions.get((whole, object.id.as_str(), object.at))?.is_some())
    }

    /// Adds an object to the whole and to the view of its sender; false when the whole has this
    /// version.
    fn add(&mut self, own: u64, whole: u64, object: &Admitted) -> anyhow::Result<bool> {
        let id = object.id.as_str();
        if self.has(whole, object)? {
            return Ok(false);
        }
        let added = self.moment();
        let record = Record {
            id,
            version: &object.version,
            at: object.at,
            whole,
            own,
            kind: &object.kind,
            spec: &object.spec,
            body: &object.body,
        };
        self.objects.insert(added, postcard::to_allocvec(&record)?.as_slice())?;
        self.order.insert((whole, added), ())?;
        self.order.insert((own, added), ())?;
        self.versions.insert((whole, id, object.at), added)?;
        Ok(true)
    }
}

/// The number of a name; a new one when it has none.
pub(super) fn number(
    numbers: &mut Table<'_, &'static str, u64>,
    name: &str,
) -> anyhow::Result<u64> {
    if let Some(number) = numbers.get(name)? {
        return Ok(number.value());
    }
    let number = numbers.get("")?.map_or(0, |last| last.value()) + 1;
    numbers.insert("", number)?;
    numbers.insert(name, number)?;
    Ok(number)
}

pub(in super::super) fn micros(at: Timestamp) -> u64 {
    at.nanos() / 1_000
}

/// The identifier of a request: a UUID (version 8) that carries its moment.
pub(in super::super) fn request_id(moment: u64) -> String {
    let (high, low) = (moment >> 12 & 0xffff_ffff_ffff, moment & 0xfff);
    format!("{:08x}-{:04x}-8{low:03x}-8000-000000000000", high >> 16, high & 0xffff)
}

/// The moment that an identifier of a request carries.
pub(in super::super) fn request_moment(id: &str) -> Option<u64> {
    let hex = |from, to| u64::from_str_radix(id.get(from..to)?, 16).ok();
    let moment = hex(0, 8)? << 28 | hex(9, 13)? << 12 | hex(15, 18)?;
    (request_id(moment) == id).then_some(moment)
}
