//! What a record shows at a glance: bursts, flows and contacts are many, and most are of no use to
//! most detectors. Each detector says itself what it can use; all are asked once a record, and in
//! place, as to call a detector for nothing costs more than to look.

use super::{amplification, beacon, flood, lateral, long_connection, sweep};
use crate::record::{Body, Context};

/// What a burst, a flow or a contact must show for a detector to be asked about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It may count for a flood, or against one.
    Assault,
    /// It may be an answer that nobody asked for, or tell that one was asked for.
    Answer,
    /// It may be a call, or the rest of one.
    Call,
    /// It begins, or has lasted for a while.
    Lasting,
    /// It may be of someone who moves on within the house.
    Within,
    /// It is a contact by datagrams.
    Datagram,
}

/// Marks, one bit each.
pub(super) type Marks = u8;

impl Mark {
    /// How many sets of marks there are.
    pub(super) const SETS: usize = 1 << 6;

    /// Its bit.
    pub(super) const fn bit(self) -> Marks {
        1 << self as u8
    }

    const fn when(self, holds: bool) -> Marks {
        (holds as Marks) << self as u8
    }
}

/// The marks of a record; of sorts that have none, all.
#[inline]
pub(super) fn of(context: &Context, body: &Body) -> Marks {
    match body {
        Body::Burst(burst) => {
            Mark::Assault.when(flood::may_count(context, burst))
                | Mark::Answer.when(amplification::may_count(context, burst))
                | Mark::Call.when(beacon::is_call(burst))
                | Mark::Lasting.when(long_connection::may_tell(burst))
        }
        Body::Flow(flow) => {
            Mark::Lasting.when(long_connection::is_old(flow.counters.start, flow.counters.end))
                | Mark::Within.when(lateral::may_be_directory(context, flow))
        }
        Body::Contact(contact) => {
            Mark::Within.when(lateral::may_be_work(context, contact))
                | Mark::Datagram.when(sweep::may_be_knock(context))
        }
        _ => Marks::MAX,
    }
}
