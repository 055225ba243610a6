//! An incident as an EVE object: our own addition.

use crate::field::Tree;
use crate::outputs::json::Json;
use crate::record::{Cause, Incident, Notice, TimelineEntry};

/// Writes the object `incident`.
pub fn write(incident: &Incident, json: &mut Json<'_>) {
    json.object("incident", &mut |object| write_content(incident, object));
}

fn write_content(incident: &Incident, object: &mut dyn Tree) {
    let (status, reason) = incident.turn.names();
    object.text("id", incident.id.as_bytes());
    object.text("status", status.as_bytes());
    object.text("reason", reason.as_bytes());
    object.text("level", incident.level.name().as_bytes());
    object.float("score", incident.score);
    object.float("threshold", incident.threshold);
    object.float("confidence", incident.confidence);
    object.bool("notified", incident.notice == Notice::Sent);
    object.bool("folded", incident.notice == Notice::Folded);
    object.object("title", &mut |object| {
        object.text("it", incident.title_it.as_bytes());
        object.text("en", incident.title_en.as_bytes());
    });
    for (key, addresses, total_key, total) in [
        ("sources", &incident.sources, "sources_total", incident.sources_total),
        ("targets", &incident.targets, "targets_total", incident.targets_total),
    ] {
        object.list(key, &mut |list| {
            addresses.iter().for_each(|addr| list.text("", addr.to_string().as_bytes()));
        });
        object.int(total_key, total);
    }
    object.list("stages", &mut |list| {
        incident.stages.iter().for_each(|stage| list.text("", stage.as_bytes()));
    });
    object.text("first", incident.first.to_string().as_bytes());
    object.text("last", incident.last.to_string().as_bytes());
    object.list("timeline", &mut |list| {
        for entry in &incident.timeline {
            list.object("", &mut |object| write_entry(entry, object));
        }
    });
    object.int("timeline_omitted", incident.timeline_omitted);
    object.list("causes", &mut |list| {
        for cause in &incident.causes {
            list.object("", &mut |object| write_cause(cause, object));
        }
    });
    object.int("causes_omitted", incident.causes_omitted);
    object.list("evidence", &mut |list| {
        incident.evidence.iter().for_each(|id| list.int("", *id));
    });
    for (key, names) in [("techniques", &incident.techniques), ("acn", &incident.acn)] {
        object.list(key, &mut |list| {
            names.iter().for_each(|name| list.text("", name.as_bytes()));
        });
    }
    object.object("explain", &mut |object| {
        object.text("it", incident.explain_it.as_bytes());
        object.text("en", incident.explain_en.as_bytes());
    });
}

fn write_entry(entry: &TimelineEntry, object: &mut dyn Tree) {
    object.text("time", entry.at.to_string().as_bytes());
    if entry.count > 1 {
        object.text("last", entry.last.to_string().as_bytes());
    }
    object.int("count", entry.count);
    object.int("gid", entry.gid.into());
    object.int("signature_id", entry.sid.into());
    object.text("title", entry.title.as_bytes());
    object.text("level", entry.level.name().as_bytes());
    for (key, address) in [("source", entry.source), ("target", entry.target)] {
        if let Some(address) = address {
            object.text(key, address.to_string().as_bytes());
        }
    }
}

fn write_cause(cause: &Cause, object: &mut dyn Tree) {
    object.int("gid", cause.gid.into());
    object.int("signature_id", cause.sid.into());
    object.text("name", cause.name.as_bytes());
    object.int("count", cause.count);
    object.text("level", cause.level.name().as_bytes());
    object.float("confidence", cause.confidence);
    object.text("first", cause.first.to_string().as_bytes());
}
