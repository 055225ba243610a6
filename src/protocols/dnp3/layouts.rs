//! How the points of each kind of object are laid out (IEEE 1815, annex A, the object library).

/// One part of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A number without sign, of so many bytes.
    Unsigned(&'static str, u8),
    /// A number with sign, of so many bytes.
    Signed(&'static str, u8),
    /// A number with a fraction, of 4 or 8 bytes.
    Float(&'static str, u8),
    /// Text of so many bytes.
    Text(u8),
}

/// How the points of an object are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// So many bits a point, packed into bytes, without prefixes.
    Packed(u8),
    /// A prefix, if the object has one, then these parts.
    Parts(&'static [Part]),
    /// A prefix, then text of as many bytes as the variation says.
    Octets,
}

use Layout::{Octets, Packed, Parts};
use Part::{Float, Signed, Text, Unsigned};

const FLAGS: Part = Unsigned("flags", 1);
const STATUS: Part = Unsigned("status_code", 1);
const TIME: Part = Unsigned("timestamp", 6);
const DELAY: Part = Unsigned("relative_time_ms", 2);
const COUNT32: Part = Unsigned("count", 4);
const COUNT16: Part = Unsigned("count", 2);
const VALUE32: Part = Signed("value", 4);
const VALUE16: Part = Signed("value", 2);
const SINGLE: Part = Float("value", 4);
const DOUBLE: Part = Float("value", 8);

/// Control relay output block and pattern control block: A.8.1, A.8.2.
const CONTROL: &[Part] = &[
    Unsigned("op_code", 1),
    Unsigned("count", 1),
    Unsigned("on_time", 4),
    Unsigned("off_time", 4),
    Unsigned("status_code", 1),
];

/// The layout of the points of a group and a variation; `None` when it is not known.
pub const fn layout(group: u8, variation: u8) -> Option<Layout> {
    Some(match (group, variation) {
        (1 | 10 | 80, 1) | (12, 3) => Packed(1),
        (3, 1) => Packed(2),
        (1 | 3 | 10, 2) | (2 | 4 | 11 | 13, 1) => Parts(&[FLAGS]),
        (2 | 4 | 11 | 13, 2) => Parts(&[FLAGS, TIME]),
        (2 | 4, 3) => Parts(&[FLAGS, DELAY]),
        (12, 1 | 2) => Parts(CONTROL),
        (20..=23, variation) => return counter(group, variation),
        (30 | 31, variation) => return analog(group, variation),
        (32 | 33 | 42, variation) => return analog_event(FLAGS_FIRST, variation),
        (43, variation) => return analog_event(STATUS_FIRST, variation),
        (34, 1) => Parts(&[Unsigned("deadband", 2)]),
        (34, 2) => Parts(&[Unsigned("deadband", 4)]),
        (34, 3) => Parts(&[Float("deadband", 4)]),
        (40, 1) => Parts(&[FLAGS, VALUE32]),
        (40, 2) => Parts(&[FLAGS, VALUE16]),
        (40, 3) => Parts(&[FLAGS, SINGLE]),
        (40, 4) => Parts(&[FLAGS, DOUBLE]),
        (41, 1) => Parts(&[VALUE32, STATUS]),
        (41, 2) => Parts(&[VALUE16, STATUS]),
        (41, 3) => Parts(&[SINGLE, STATUS]),
        (41, 4) => Parts(&[DOUBLE, STATUS]),
        (50, 1 | 3) | (51, 1 | 2) => Parts(&[TIME]),
        (50, 2) => Parts(&[TIME, Unsigned("interval", 4)]),
        (50, 4) => Parts(&[TIME, Unsigned("interval", 4), Unsigned("interval_units", 1)]),
        (52, 1) => Parts(&[Unsigned("delay_secs", 2)]),
        (52, 2) => Parts(&[Unsigned("delay_ms", 2)]),
        (81, 1) => {
            Parts(&[Unsigned("fill_percentage", 1), Unsigned("group", 1), Unsigned("variation", 1)])
        }
        (86, 2) => Parts(&[FLAGS]),
        (101, 1) => Parts(&[Text(2)]),
        (101, 2) => Parts(&[Text(4)]),
        (101, 3) => Parts(&[Text(8)]),
        (102, 1) => Parts(&[Unsigned("value", 1)]),
        (110..=113, _) => Octets,
        (121, 1) => Parts(&[FLAGS, Unsigned("association_id", 2), COUNT32]),
        (122, 1) => Parts(&[FLAGS, Unsigned("association_id", 2), COUNT32]),
        (122, 2) => Parts(&[FLAGS, Unsigned("association_id", 2), COUNT32, TIME]),
        _ => return None,
    })
}

/// Counters and frozen counters, and their events: A.9 to A.12.
const fn counter(group: u8, variation: u8) -> Option<Layout> {
    Some(match variation {
        1 | 3 => Parts(&[FLAGS, COUNT32]),
        2 | 4 => Parts(&[FLAGS, COUNT16]),
        5 | 7 if group >= 21 => Parts(&[FLAGS, COUNT32, TIME]),
        6 | 8 if group >= 21 => Parts(&[FLAGS, COUNT16, TIME]),
        5 | 7 => Parts(&[COUNT32]),
        6 | 8 => Parts(&[COUNT16]),
        9 | 11 if group == 21 => Parts(&[COUNT32]),
        10 | 12 if group == 21 => Parts(&[COUNT16]),
        _ => return None,
    })
}

/// Analog inputs and frozen ones: A.14, A.15.
const fn analog(group: u8, variation: u8) -> Option<Layout> {
    Some(match (group, variation) {
        (_, 1) => Parts(&[FLAGS, VALUE32]),
        (_, 2) => Parts(&[FLAGS, VALUE16]),
        (30, 3) | (31, 5) => Parts(&[VALUE32]),
        (30, 4) | (31, 6) => Parts(&[VALUE16]),
        (30, 5) | (31, 7) => Parts(&[FLAGS, SINGLE]),
        (30, 6) | (31, 8) => Parts(&[FLAGS, DOUBLE]),
        (31, 3) => Parts(&[FLAGS, VALUE32, TIME]),
        (31, 4) => Parts(&[FLAGS, VALUE16, TIME]),
        _ => return None,
    })
}

/// The eight layouts of analog events, with what they begin with.
type Eight = [&'static [Part]; 8];

const FLAGS_FIRST: Eight = [
    &[FLAGS, VALUE32],
    &[FLAGS, VALUE16],
    &[FLAGS, VALUE32, TIME],
    &[FLAGS, VALUE16, TIME],
    &[FLAGS, SINGLE],
    &[FLAGS, DOUBLE],
    &[FLAGS, SINGLE, TIME],
    &[FLAGS, DOUBLE, TIME],
];

const STATUS_FIRST: Eight = [
    &[STATUS, VALUE32],
    &[STATUS, VALUE16],
    &[STATUS, VALUE32, TIME],
    &[STATUS, VALUE16, TIME],
    &[STATUS, SINGLE],
    &[STATUS, DOUBLE],
    &[STATUS, SINGLE, TIME],
    &[STATUS, DOUBLE, TIME],
];

/// Analog events, frozen ones, and those of outputs: A.16, A.17, A.21, A.22.
const fn analog_event(eight: Eight, variation: u8) -> Option<Layout> {
    let [a, b, c, d, e, f, g, h] = eight;
    Some(Parts(match variation {
        1 => a,
        2 => b,
        3 => c,
        4 => d,
        5 => e,
        6 => f,
        7 => g,
        8 => h,
        _ => return None,
    }))
}
