//! Notices: of each incident that somebody is to be told of, one line in the log of the sensor,
//! where whoever runs it looks anyway (journald, syslog). What is folded gets no line: `eve.json`
//! and the metrics have it.

use super::Output;
use crate::record::{Body, Level, Notice, Record};
use crate::time::Timestamp;

/// Writes the lines.
#[derive(Clone, Copy, Debug, Default)]
pub struct Notices;

impl Output for Notices {
    fn record(&mut self, record: &Record) {
        let Body::Incident(incident) = &record.body else { return };
        if incident.notice != Notice::Sent {
            return;
        }
        let (id, level) = (incident.id.as_str(), incident.level.name());
        // Titles hold text of rules and names from the wire.
        let title: String =
            incident.title_it.chars().map(|c| if c.is_control() { '.' } else { c }).collect();
        if incident.level >= Level::High {
            tracing::error!(id, level, "incident: {title}");
        } else {
            tracing::warn!(id, level, "incident: {title}");
        }
    }

    fn round(&mut self, _: Timestamp, _: bool) {}

    fn finish(&mut self, _: Timestamp) -> Vec<String> {
        Vec::new()
    }
}
