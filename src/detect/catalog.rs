//! Every field by its name: which protocols have it, and where.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use crate::decode::Headers;
use crate::field::{Fields, Kind, Row, Side, Stage};
use crate::file::File;
use crate::flow::FlowView;
use crate::protocols::PROTOCOLS;

use super::item::Row as Read;

/// All rows by name and alias.
pub struct Catalog {
    rows: Vec<Vec<Row>>,
    packet: Vec<Row>,
    flow: Vec<Row>,
    file: Vec<Row>,
    names: HashMap<&'static str, Vec<Place>, FixedState>,
}

/// Where a field is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A row of packet headers.
    Packet(usize),
    /// A row of a flow's counters.
    Flow(usize),
    /// A row of a protocol's transaction.
    Protocol(usize, usize),
    /// A row of a file, in whichever protocol carries it.
    File(usize),
}

impl Catalog {
    /// Of all that the house can read.
    pub fn new() -> Self {
        let rows: Vec<Vec<Row>> = PROTOCOLS.iter().map(|protocol| (protocol.rows)()).collect();
        let packet = rows_of::<Headers>();
        let flow = rows_of::<FlowView>();
        let file = rows_of::<File>();
        let mut names: HashMap<&'static str, Vec<Place>, FixedState> = HashMap::default();
        let mut add = |row: &Row, place: Place| {
            for name in std::iter::once(&row.name).chain(row.aliases) {
                let places = names.entry(name).or_default();
                if !places.contains(&place) {
                    places.push(place);
                }
            }
        };
        packet.iter().enumerate().for_each(|(index, row)| add(row, Place::Packet(index)));
        flow.iter().enumerate().for_each(|(index, row)| add(row, Place::Flow(index)));
        file.iter().enumerate().for_each(|(index, row)| add(row, Place::File(index)));
        for (protocol, rows) in rows.iter().enumerate() {
            let place = |index| Place::Protocol(protocol, index);
            rows.iter().enumerate().for_each(|(index, row)| add(row, place(index)));
        }
        Self { rows, packet, flow, file, names }
    }

    /// Where a name can be read.
    pub fn places(&self, name: &str) -> &[Place] {
        self.names.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// The row at a place.
    pub fn row(&self, place: Place) -> Option<&Row> {
        match place {
            Place::Packet(index) => self.packet.get(index),
            Place::Flow(index) => self.flow.get(index),
            Place::File(index) => self.file.get(index),
            Place::Protocol(protocol, index) => self.rows.get(protocol)?.get(index),
        }
    }

    /// The first row of a name: its name proper and its kind.
    pub fn first(&self, name: &str) -> Option<&Row> {
        self.places(name).first().and_then(|place| self.row(*place))
    }

    /// Every name that a rule may write, for hints.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.names.keys().copied()
    }

    /// The row of `name` in `protocol` that is read when `side` is inspected: that side's own, or
    /// one without side, or else the other side's.
    pub fn pick(&self, name: &str, protocol: usize, side: Side) -> Option<(Read, Side, Stage)> {
        let rank = |row: &Row| match row.side {
            own if own == side => 0,
            Side::Either => 1,
            _ => 2,
        };
        self.places(name)
            .iter()
            .filter_map(|place| match place {
                Place::Protocol(of, index) if *of == protocol => {
                    self.row(*place).map(|row| (Read::Transaction(*index), row))
                }
                Place::File(index) if carries_files(protocol) => {
                    self.row(*place).map(|row| (Read::File(*index), row))
                }
                _ => None,
            })
            .min_by_key(|(_, row)| rank(row))
            .map(|(read, row)| (read, row.side, row.stage))
    }

    /// The last stage that rows of a side have, files aside.
    pub fn last_stage(&self, protocol: usize, side: Side) -> Stage {
        let rows = self.rows.get(protocol).map(Vec::as_slice).unwrap_or_default();
        let of_side = rows.iter().filter(|row| row.side == side && row.stage != Stage::File);
        of_side.map(|row| row.stage).max().unwrap_or(Stage::Head)
    }

    /// The row of packet headers of that name.
    pub fn packet(&self, name: &str) -> Option<usize> {
        self.places(name).iter().find_map(|place| match place {
            Place::Packet(index) => Some(*index),
            _ => None,
        })
    }

    /// The row of a flow's counters of that name.
    pub fn flow(&self, name: &str) -> Option<usize> {
        self.places(name).iter().find_map(|place| match place {
            Place::Flow(index) => Some(*index),
            _ => None,
        })
    }

    /// The protocols that have the name.
    pub fn protocols(&self, name: &str) -> Vec<usize> {
        let mut found: Vec<usize> = self
            .places(name)
            .iter()
            .flat_map(|place| {
                (0..PROTOCOLS.len()).filter(|protocol| match place {
                    Place::Protocol(of, _) => of == protocol,
                    Place::File(_) => carries_files(*protocol),
                    Place::Packet(_) | Place::Flow(_) => false,
                })
            })
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The protocols that carry files.
    pub fn file_protocols(&self) -> Vec<usize> {
        (0..PROTOCOLS.len()).filter(|protocol| carries_files(*protocol)).collect()
    }

    /// Whether the name is a number.
    pub fn is_number(&self, name: &str) -> bool {
        self.first(name).is_some_and(|row| matches!(row.kind, Kind::Int { .. }))
    }
}

impl Default for Catalog {
    fn default() -> Self {
        Self::new()
    }
}

fn carries_files(protocol: usize) -> bool {
    PROTOCOLS.get(protocol).is_some_and(|protocol| protocol.files)
}

fn rows_of<T: Fields>() -> Vec<Row> {
    crate::field::rows::<T>()
}
