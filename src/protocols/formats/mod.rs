//! Wire formats that more than one protocol carries. A format knows no protocol; protocols, which
//! never know each other, share what they share here.

pub mod ber;
pub mod coding;
pub mod dns;
pub mod hello;
