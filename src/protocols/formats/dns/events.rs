//! What can be wrong with a message, as rules name it: the same for every protocol that carries
//! such messages.

use super::message::{Message, Section};
use crate::field::Event;

macro_rules! events {
    ($($id:ident $name:literal $help:literal;)*) => {
        $(
            #[doc = $help]
            pub static $id: Event = Event { name: $name, help: $help };
        )*
    };
}

events! {
    MALFORMED "malformed_data" "A message, question or answer cannot be read.";
    NOT_REQUEST "not_request" "The client sent a response.";
    NOT_RESPONSE "not_response" "The server sent a request.";
    Z_FLAG "z_flag_set" "A bit is set that must be zero.";
    INVALID_OPCODE "invalid_opcode" "The operation code is not assigned.";
    NAME_TOO_LONG "name_too_long" "A name is longer than is kept; it was cut.";
    INFINITE_LOOP "infinite_loop" "The pointers of a compressed name lead in a circle.";
    TOO_MANY_LABELS "too_many_labels" "A name has more labels than a name can have.";
    INVALID_ADDITIONALS "invalid_additionals" "The additional records cannot be read.";
    INVALID_AUTHORITIES "invalid_authorities" "The authority records cannot be read.";
    FLOODED "flooded" "More messages wait than are kept.";
}

/// What was wrong with a message that could be read.
pub fn of(message: &Message) -> impl Iterator<Item = &'static Event> + use<> {
    let faults = message.faults;
    let when = |wrong: bool, event| wrong.then_some(event);
    let section = faults.section.map(|section| match section {
        Section::Answer => &MALFORMED,
        Section::Authority => &INVALID_AUTHORITIES,
        Section::Additional => &INVALID_ADDITIONALS,
    });
    let events = [
        when(message.flags & 0x0040 != 0, &Z_FLAG),
        when(message.opcode() >= 7, &INVALID_OPCODE),
        when(faults.names.too_long, &NAME_TOO_LONG),
        when(faults.names.looped, &INFINITE_LOOP),
        when(faults.names.labels, &TOO_MANY_LABELS),
        section,
    ];
    events.into_iter().flatten()
}
