//! The end of a round: inspection, then records in packet order.

use super::gather::{App, Effect};
use super::kept;
use super::worker::{Pending, Place, Worker, emptied};
use crate::decode::Transport;
use crate::detect::{EARLIER_MAX, FrameView, Inspector, Item, Ready};
use crate::field::{Event, Side, Stage};
use crate::file::{File, State};
use crate::flow::{Flow, Slot, Table};
use crate::net::Direction;
use crate::protocols::identify::Session;
use crate::protocols::{PROTOCOLS, Signal};
use crate::record::{
    Alert, Anomaly, Application, Body, Contact, Context, FileRecord, FlowRecord, Record,
    TransactionRecord,
};
use crate::time::Timestamp;

pub(super) fn settle(worker: &mut Worker, pending: &[Pending<'_>], now: Timestamp) {
    let mut alerts = Vec::new();
    let (table, effects) = (&worker.table, &worker.gather.effects);
    worker.activity.tell(now, table, effects, &mut worker.records);
    if let Some(inspector) = &mut worker.inspector {
        let views = &mut worker.views;
        inspect(inspector, &worker.table, &worker.gather.effects, pending, views, &mut alerts);
        for slot in inspector.chains() {
            let flow = worker.table.get_mut(Slot(slot));
            flow.into_iter().for_each(|flow| flow.app.keeps_certificates = true);
        }
        let keeps_files = worker.gather.files.content > 0;
        for mark in inspector.marks().filter(|_| keeps_files) {
            let flow = worker.table.get_mut(Slot(mark.slot));
            let session = flow.and_then(|flow| flow.app.session.as_mut());
            let file = session.and_then(|s| s.file_mut(mark.transaction, mark.index));
            file.into_iter().for_each(|file| file.store(Some(mark.sid)));
        }
    }
    worker.stats.alerts += alerts.len() as u64;
    let mut alerts = alerts.into_iter().peekable();
    for (index, packet) in pending.iter().enumerate() {
        anomalies(worker, packet);
        while let Some((_, alert)) = alerts.next_if(|(item, _)| *item <= index) {
            let Alert { signature, queries, silent, .. } = &alert;
            let sure = queries.is_empty() && signature.host_bits.is_empty() && !silent;
            if let Some(flow) = packet.slot.and_then(|slot| worker.table.get_mut(slot)) {
                flow.alerted |= sure;
                kept::matched(flow, &signature.tags);
            }
            record(worker, packet, Body::Alert(Box::new(alert)));
        }
        endings(worker, packet);
    }
    for effect in worker.gather.effects.drain(..) {
        if let (Effect::Ended(slot, _), Some(inspector)) = (effect, &mut worker.inspector) {
            inspector.release(slot.0);
        }
    }
    worker.weigh();
}

/// What a round shows to rules; empty between rounds, kept for its memory: to give so much back and
/// to take it again costs the system a page at a time.
#[derive(Default)]
pub(super) struct Views {
    ready: Vec<Ready<'static>>,
    events: Vec<&'static Event>,
    app_events: Vec<(Option<u64>, Side, &'static Event)>,
    frames: Vec<FrameView<'static>>,
    /// Of each entry where its part of each of the above ends; it begins where that of the one before
    /// does.
    ends: Vec<[u32; 4]>,
    items: Vec<Item<'static>>,
}

/// Collects what each entry shows to rules, all of it borrowed, and has it inspected at once.
fn inspect(
    inspector: &mut Inspector,
    table: &Table<App>,
    effects: &[Effect],
    pending: &[Pending<'_>],
    views: &mut Views,
    alerts: &mut Vec<(usize, Alert)>,
) {
    let Views { ready, events, app_events, frames, ends, items } = std::mem::take(views);
    let mut ready: Vec<Ready<'_>> = emptied(ready);
    let mut frames: Vec<FrameView<'_>> = emptied(frames);
    let mut items: Vec<Item<'_>> = emptied(items);
    let (mut events, mut app_events, mut ends) = (events, app_events, ends);
    for packet in pending {
        for effect in effects.get(packet.effects.clone()).unwrap_or_default() {
            match effect {
                Effect::Decode(event) | Effect::Stream(event) => events.push(event),
                Effect::Signal { signal: Signal::Event { transaction, side, event }, .. } => {
                    app_events.push((*transaction, *side, event));
                }
                Effect::Signal { protocol, signal: Signal::Frame(frame), .. } => {
                    frames.push(FrameView { protocol: *protocol, frame });
                }
                effect => ready.extend(shown(table, effect)),
            }
        }
        let lengths = [ready.len(), events.len(), app_events.len(), frames.len()];
        ends.push(lengths.map(|length| u32::try_from(length).unwrap_or(u32::MAX)));
    }
    let mut starts = [0; 4];
    items.extend(pending.iter().zip(ends.drain(..)).map(|(packet, ends)| {
        let [r, e, a, f] = std::mem::replace(&mut starts, ends);
        let [r_end, e_end, a_end, f_end] = ends;
        Item {
            streamed: packet.streamed,
            ready: part(&ready, r, r_end),
            events: part(&events, e, e_end),
            app_events: part(&app_events, a, a_end),
            frames: part(&frames, f, f_end),
            pseudo: packet.headers.ip.is_none() && packet.slot.is_some(),
            ..Item::bare(&packet.headers, packet.bytes.get(), packet.view.as_ref())
        }
    }));
    inspector.inspect(&items, alerts);
    let items = emptied(items);
    let (ready, frames) = (emptied(ready), emptied(frames));
    events.clear();
    app_events.clear();
    *views = Views { ready, events, app_events, frames, ends, items };
}

fn part<T>(all: &[T], start: u32, end: u32) -> &[T] {
    all.get(start as usize..end as usize).unwrap_or_default()
}

/// What a parser's word shows to rules: a side of a transaction, or a file in it.
fn shown<'a>(table: &'a Table<App>, effect: &Effect) -> Option<Ready<'a>> {
    let Effect::Signal { slot, protocol, signal, .. } = effect else { return None };
    let session = table.get(*slot).and_then(|flow| flow.app.session.as_ref())?;
    let protocol = *protocol;
    match signal {
        Signal::Ready { transaction: id, side, stage } => {
            let (id, side, stage) = (*id, *side, *stage);
            let (index, file, earlier) = (0, None, [None; EARLIER_MAX]);
            let transaction = session.transaction(id)?;
            Some(Ready { id, side, stage, protocol, transaction, index, file, earlier })
        }
        Signal::File { transaction: id, side, index } => {
            let (id, side, index, stage) = (*id, *side, *index, Stage::File);
            let file = session.file(id, index);
            let earlier = earlier_files(session, id, side, index);
            let transaction = session.transaction(id)?;
            Some(Ready { id, side, stage, protocol, transaction, index, file, earlier })
        }
        _ => None,
    }
}

/// The last files of a side of a transaction that ended before file `index`.
fn earlier_files(
    session: &Session,
    id: u64,
    side: Side,
    index: u32,
) -> [Option<&File>; EARLIER_MAX] {
    let mut earlier = [None; EARLIER_MAX];
    let before = (0..index).rev().filter_map(|index| session.file(id, index));
    let ended = before.filter(|file| file.side == Some(side) && file.state() != State::Open);
    earlier.iter_mut().zip(ended).for_each(|(place, file)| *place = Some(file));
    earlier
}

/// Malformed packets, streams and messages.
fn anomalies(worker: &mut Worker, packet: &Pending<'_>) {
    for index in packet.effects.clone() {
        let anomaly = match worker.gather.effects.get(index) {
            Some(Effect::Decode(event)) => Anomaly { kind: "decode", event, app_protocol: None },
            Some(Effect::Stream(event)) => Anomaly { kind: "stream", event, app_protocol: None },
            Some(Effect::Signal { protocol, signal: Signal::Event { event, .. }, .. }) => {
                let app_protocol = PROTOCOLS.get(*protocol).map(|protocol| protocol.name);
                Anomaly { kind: "applayer", event, app_protocol }
            }
            _ => continue,
        };
        record(worker, packet, Body::Anomaly(Box::new(anomaly)));
    }
}

/// Transactions that are complete, first contacts that had an outcome, flows that are over.
fn endings(worker: &mut Worker, packet: &Pending<'_>) {
    let mut shown = None;
    for index in packet.effects.clone() {
        let Some(effect) = worker.gather.effects.get_mut(index) else { continue };
        match effect {
            Effect::Signal { slot, protocol, way, signal: Signal::Done { transaction } } => {
                let (slot, protocol, way, id) = (*slot, *protocol, *way, *transaction);
                transaction_done(worker, packet.place, slot, protocol, way, id);
            }
            Effect::Signal {
                slot,
                protocol,
                signal: Signal::File { transaction, side, index },
                ..
            } => {
                let (slot, protocol, side) = (*slot, *protocol, *side);
                let (id, index) = (*transaction, *index);
                let held = shown.take();
                file_ended(worker, packet.place, slot, (protocol, side), (id, index), held);
            }
            Effect::Shown(_, application) => shown = application.take(),
            Effect::Contact(slot, contact) => {
                let (slot, contact) = (*slot, *contact);
                contact_made(worker, packet.place, slot, contact);
            }
            Effect::Ended(slot, over) => {
                let (slot, over) = (*slot, over.clone());
                flow_ended(worker, packet.place, slot, over);
            }
            _ => {}
        }
    }
}

fn transaction_done(
    worker: &mut Worker,
    place: Place,
    slot: Slot,
    protocol: usize,
    direction: Direction,
    id: u64,
) {
    let Some(flow) = worker.table.get_mut(slot) else { return };
    let Some(transaction) = flow.app.session.as_mut().and_then(|session| session.take(id)) else {
        worker.stats.transactions_dropped += 1;
        return;
    };
    flow.app.transactions += 1;
    worker.stats.transactions += 1;
    worker.changed.push(slot);
    if worker.inspector.as_ref().is_some_and(|inspector| inspector.is_muted(slot.0, id)) {
        return;
    }
    let context = flow_context(flow);
    let tie = tie(place, flow);
    let protocol = PROTOCOLS.get(protocol).map_or("", |protocol| protocol.eve);
    let keeps_certificates = flow.app.keeps_certificates;
    let body = TransactionRecord { protocol, id, direction, transaction, keeps_certificates };
    push(worker, place, tie, context, Body::Transaction(Box::new(body)));
}

/// A record of a file: from the one who sends it to the one who gets it.
fn file_ended(
    worker: &mut Worker,
    place: Place,
    slot: Slot,
    (protocol, side): (usize, Side),
    (id, index): (u64, u32),
    application: Option<Box<Application>>,
) {
    let Some(flow) = worker.table.get(slot) else { return };
    let Some(session) = &flow.app.session else { return };
    let Some(file) = session.file(id, index) else { return };
    let Some(protocol) = PROTOCOLS.get(protocol) else { return };
    let application = application.map(|held| *held);
    let body = FileRecord {
        app_protocol: protocol.name,
        transaction_id: id,
        application,
        name: file.name.clone(),
        size: file.size(),
        start: file.start(),
        state: file.state(),
        gap: file.has_gap(),
        stored: file.stored,
        sids: file.sids().to_vec(),
        magic: file.told_magic(),
        md5: file.md5().map(<[u8]>::to_vec),
        sha1: file.sha1().map(<[u8]>::to_vec),
        sha256: file.sha256().map(<[u8]>::to_vec),
        content: file.stored.then(|| file.content().to_vec()),
    };
    let whole = worker.joins.add(flow.shard, (flow.client.addr, flow.server.addr), file);
    let (mut context, tie) = (flow_context(flow), tie(place, flow));
    if side == Side::Response {
        std::mem::swap(&mut context.source, &mut context.destination);
    }
    let whole = whole.map(|size| whole_file(&body, size));
    push(worker, place, tie, context, Body::File(Box::new(body)));
    if let Some(whole) = whole {
        push(worker, place, tie, context, Body::File(Box::new(whole)));
    }
}

/// The record of a file whose last part had the record `part`.
fn whole_file(part: &FileRecord, size: u64) -> FileRecord {
    let application = part.application.clone();
    let (name, state) = (part.name.clone(), State::Closed);
    FileRecord {
        app_protocol: part.app_protocol,
        transaction_id: part.transaction_id,
        application,
        name,
        size,
        start: 0,
        state,
        gap: false,
        stored: false,
        sids: Vec::new(),
        magic: None,
        md5: None,
        sha1: None,
        sha256: None,
        content: None,
    }
}

fn contact_made(worker: &mut Worker, place: Place, slot: Slot, contact: Contact) {
    let Some(flow) = worker.table.get(slot) else { return };
    let (context, tie) = (flow_context(flow), tie(place, flow));
    push(worker, place, tie, context, Body::Contact(contact));
}

fn flow_ended(worker: &mut Worker, place: Place, slot: Slot, mut over: Box<FlowRecord>) {
    let Some(flow) = worker.table.get(slot) else { return };
    over.alerted = flow.alerted;
    over.transactions = flow.app.transactions;
    if let Some(inspector) = &worker.inspector {
        over.texts = inspector.texts(slot.0);
    }
    over.app_protocol = flow.app.session.as_ref().and_then(|session| session.name());
    let (context, tie) = (flow_context(flow), tie(place, flow));
    push(worker, place, tie, context, Body::Flow(over));
}

fn record(worker: &mut Worker, packet: &Pending<'_>, body: Body) {
    let flow = packet.slot.and_then(|slot| worker.table.get(slot));
    let tie = flow.map_or(0, |flow| tie(packet.place, flow));
    push(worker, packet.place, tie, alert_context(packet, flow), body);
}

/// What time made happen is put in the order of the flows' first packets.
fn tie(place: Place, flow: &Flow<App>) -> u64 {
    if place.timed { flow.first.0 } else { 0 }
}

fn push(worker: &mut Worker, place: Place, tie: u64, context: Context, body: Body) {
    let Place { sequence, timestamp, .. } = place;
    worker.records.push(Record { sequence, tie, timestamp, context, body });
}

/// Client to server, as flows and transactions are shown.
pub(super) fn flow_context(flow: &Flow<App>) -> Context {
    Context {
        flow_id: Some(flow.id),
        source: Some(flow.client),
        destination: Some(flow.server),
        protocol: flow.protocol,
        ip_version: flow.ip_version(),
        vlan: flow.vlan,
        icmp: flow.icmp,
    }
}

/// Source to destination of the packet; for the end of a flow, client to server.
fn alert_context(packet: &Pending<'_>, flow: Option<&Flow<App>>) -> Context {
    let headers = &packet.headers;
    let of_flow = flow.map(flow_context);
    let Some(ip) = headers.ip else {
        return of_flow.unwrap_or(Context {
            flow_id: None,
            source: None,
            destination: None,
            protocol: 0,
            ip_version: 0,
            vlan: headers.vlan,
            icmp: None,
        });
    };
    let (source, destination) = headers.endpoints().unzip();
    let icmp = match headers.transport {
        Transport::Icmp4(icmp) | Transport::Icmp6(icmp) => Some((icmp.kind, icmp.code)),
        _ => None,
    };
    Context {
        flow_id: flow.map(|flow| flow.id),
        source,
        destination,
        protocol: ip.protocol,
        ip_version: ip.version,
        vlan: headers.vlan,
        icmp,
    }
}
