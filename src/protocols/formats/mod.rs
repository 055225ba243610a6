//! Wire formats that more than one protocol carries. A format knows no protocol; protocols, which
//! never know each other, share what they share here.

pub mod announced;
pub mod ber;
pub mod coding;
pub mod dcerpc;
pub mod digits;
pub mod dns;
pub mod hello;
pub mod kerberos;
pub mod lines;
pub mod mime;
pub mod ntlmssp;
pub mod parameter;
pub mod partial;
pub mod pieces;
pub mod recent;
pub mod rpc;
pub mod sdp;
pub mod spnego;
pub mod transfer;
