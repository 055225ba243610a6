//! Rivellino: a network sensor for the edge of small public bodies.

pub mod time;

pub mod net;

pub mod reader;

pub mod field;

pub mod record;

pub mod capture;

pub mod decode;

pub mod flow;

pub mod protocols;

pub mod detect;

pub mod anomaly;

pub mod outputs;

pub mod engine;

pub mod control;
