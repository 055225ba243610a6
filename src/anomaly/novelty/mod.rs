//! `novelty`: what was never there before.
//!
//! A plant's machines say the same to each other for years. So of each device that speaks Modbus
//! or DNP3 it is learned who commands it and with which functions. After the time of learning a
//! new master is remarkable, one that writes or stops is grave, and so is a new writing function
//! of a known master. Before that nothing is known of what is normal: writes are only noted, as
//! setting up a plant consists of them. A new machine on the local network is noted too, once it
//! is known which there are.
//!
//! What is not counted: a device's first days, functions that were learned, machines that were
//! heard before. Devices that were forgotten for want of room are learned anew.

mod words;

use std::net::IpAddr;

use super::stats::Recent;
use super::{Damaged, Detector, FieldRef, Found, Kind, Known, Parameter, Site, Tuning, state};
use crate::record::{Arp, Body, Record, Sort, TransactionRecord};
use crate::time::{Duration, Timestamp};
use words::Shape;

static LEARN_SECONDS: Parameter = Parameter::fixed(
    "learning-time",
    604_800.0,
    "seconds",
    "How long it is learned who commands a device and how: a week, so that weekly work is in it.",
);
static LEARN_TRANSACTIONS: Parameter = Parameter::fixed(
    "learning-transactions",
    10_000.0,
    "transactions",
    "After so many transactions with a device it is known what is normal, however little time has \
     passed.",
);
static DEVICE_SECONDS: Parameter = Parameter::fixed(
    "device-learning-time",
    604_800.0,
    "seconds",
    "How long it is learned which machines are on the local network.",
);

/// Devices remembered that are commanded.
const DEVICES_MAX: usize = 1024;
/// Masters remembered of each.
const MASTERS_MAX: usize = 16;
/// Functions remembered of each master.
const FUNCTIONS_MAX: usize = 48;
/// Machines of the local network remembered.
const MACHINES_MAX: usize = 8192;
/// New machines told of in a day, at most: a flood of made-up ones is no news.
const MACHINES_TOLD_MAX: u32 = 10;

/// How the lists know it.
pub static KIND: Kind = Kind {
    name: "novelty",
    gid: 9115,
    help: "What was never there before: a new master of an industrial device, a new command, a new \
           machine on the local network.",
    algorithm: "Per industrial device the masters that command it by Modbus or DNP3 and the \
                functions that each uses (with the unit, for Modbus). They are learned for a week \
                or ten thousand transactions; what comes after that and was not learned is told: a \
                new master that writes as high, a new master that reads as medium, a new function \
                of a known master as low, or as medium where it does more than set values \
                (restarts, firmware, clocks). During learning a master's first write is noted. Hardware addresses that first appear after a week are noted.",
    references: &[
        "MODBUS Application Protocol Specification V1.1b3",
        "IEEE 1815 (DNP3), function codes",
        "MITRE ATT&CK for ICS T0855, T0836, T0816; T1200",
    ],
    parameters: &[&LEARN_SECONDS, &LEARN_TRANSACTIONS, &DEVICE_SECONDS],
    sees: &[Sort::Transaction, Sort::Arp],
    reads: &["modbus", "dnp3"],
    when: super::When::Always,
    build: |site, tuning| Box::new(Novelty::new(site, tuning)),
};

/// The detector.
pub struct Novelty {
    learn_time: Duration,
    learn_transactions: u64,
    machine_time: Duration,
    modbus_function: FieldRef,
    modbus_unit: FieldRef,
    dnp3_function: FieldRef,
    state: State,
}

/// What it has learned.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
struct State {
    /// By the device's address and whether it speaks Modbus.
    devices: Recent<(IpAddr, bool), Device>,
    machines: Recent<[u8; 6], ()>,
    machines_since: Option<Timestamp>,
    /// The day, and how many new machines were told of in it.
    told: (u64, u32),
}

/// What is known of a device.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Device {
    first: Timestamp,
    transactions: u64,
    masters: Vec<Master>,
}

/// Who commands a device, and how.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
struct Master {
    address: IpAddr,
    /// Unit and function.
    functions: Vec<(u8, u8)>,
    writes: bool,
}

/// One command.
#[derive(Clone, Copy, Debug)]
struct Command {
    unit: u8,
    function: u8,
    writes: bool,
    /// It does more than set values: restarts, firmware, clocks, files.
    deep: bool,
}

impl Novelty {
    /// A detector that has seen nothing.
    pub fn new(site: &Site, tuning: &Tuning<'_>) -> Self {
        Self {
            learn_time: tuning.seconds(&LEARN_SECONDS),
            learn_transactions: tuning.count(&LEARN_TRANSACTIONS),
            machine_time: tuning.seconds(&DEVICE_SECONDS),
            modbus_function: site.field("modbus", "modbus.function"),
            modbus_unit: site.field("modbus", "modbus.unit_id"),
            dnp3_function: site.field("dnp3", "dnp3_func"),
            state: State {
                devices: Recent::new(DEVICES_MAX),
                machines: Recent::new(MACHINES_MAX),
                machines_since: None,
                told: (0, 0),
            },
        }
    }

    fn transaction(
        &mut self,
        record: &Record,
        transaction: &TransactionRecord,
        known: &Known,
    ) -> Option<Found> {
        let modbus = match transaction.protocol {
            "modbus" => true,
            "dnp3" => false,
            _ => return None,
        };
        let command = self.command(transaction, modbus)?;
        let context = record.context;
        let (master, device) = (context.source?.addr, context.destination?.addr);
        let (shape, transactions) =
            self.learn(master, device, modbus, command, record.timestamp)?;
        Some(words::command(shape, &context, modbus, command.function, transactions, known))
    }

    fn command(&self, transaction: &TransactionRecord, modbus: bool) -> Option<Command> {
        let small = |field: &FieldRef| u8::try_from(field.int(transaction)?).ok();
        if modbus {
            let function = small(&self.modbus_function)?;
            let unit = small(&self.modbus_unit).unwrap_or_default();
            // Writes of coils and registers; 90 is how engineering tools stop controllers.
            let writes = matches!(function, 5 | 6 | 15 | 16 | 21 | 22 | 23 | 90);
            let deep = matches!(function, 21 | 90);
            return Some(Command { unit, function, writes, deep });
        }
        let function = small(&self.dnp3_function)?;
        // Responses (from 129 on) and confirmations command nothing.
        (1..129).contains(&function).then(|| {
            let writes = matches!(function, 2..=6 | 9..=14 | 16..=21 | 27 | 29 | 31);
            // Select and operate: what an operator's hand on the screen does.
            let deep = writes && !matches!(function, 3..=6);
            Command { unit: 0, function, writes, deep }
        })
    }

    /// Learns a command; what is new about it, and of how many transactions the device was known.
    fn learn(
        &mut self,
        master: IpAddr,
        address: IpAddr,
        modbus: bool,
        command: Command,
        at: Timestamp,
    ) -> Option<(Shape, u64)> {
        let device = self
            .state
            .devices
            .touch_or(&(address, modbus), || Device { first: at, ..Device::default() });
        device.transactions = device.transactions.saturating_add(1);
        let transactions = device.transactions;
        let learned =
            at.since(device.first) > self.learn_time || transactions > self.learn_transactions;
        let operation = (command.unit, command.function);
        let known = device.masters.iter_mut().find(|m| m.address == master);
        let is_new = known.is_none();
        let shape = if let Some(known) = known {
            let first_write = command.writes && !known.writes;
            known.writes |= command.writes;
            let new = !known.functions.contains(&operation);
            if new && known.functions.len() < FUNCTIONS_MAX {
                known.functions.push(operation);
            } else if new {
                // A master that has used so many is one that tries all.
                return None;
            }
            match (learned, new) {
                (true, true) if command.deep => Shape::NewDeed,
                (true, true) if command.writes => Shape::NewWrite,
                (true, true) => Shape::NewRead,
                (false, _) if first_write => Shape::Noted,
                _ => return None,
            }
        } else {
            match (learned, command.writes) {
                (true, true) => Shape::NewMasterWrites,
                (true, false) => Shape::NewMaster,
                (false, true) => Shape::Noted,
                (false, false) => Shape::Nothing,
            }
        };
        if is_new {
            if device.masters.len() >= MASTERS_MAX {
                // The newest makes room: those that were learned must not be pushed out by
                // strangers.
                device.masters.pop();
            }
            let (functions, writes) = (vec![operation], command.writes);
            device.masters.push(Master { address: master, functions, writes });
        }
        (shape != Shape::Nothing).then_some((shape, transactions))
    }

    fn machine(&mut self, record: &Record, arp: &Arp) -> Option<Found> {
        const DAY: u64 = 86_400;
        let state = &mut self.state;
        let at = record.timestamp;
        let since = *state.machines_since.get_or_insert(at);
        // Telephones make up their hardware address anew: to remember them would only take the
        // place of others.
        let [first, ..] = arp.sender_mac;
        let made_up = first & 3 != 0;
        if made_up || arp.sender.is_unspecified() {
            return None;
        }
        let known = state.machines.peek(&arp.sender_mac).is_some();
        state.machines.touch(&arp.sender_mac);
        if known || at.since(since) <= self.machine_time {
            return None;
        }
        let day = at.seconds() / DAY;
        let (last, told) = state.told;
        let told = if last == day { told } else { 0 };
        state.told = (day, told.saturating_add(1));
        let machines = state.machines.len() as u64;
        (told < MACHINES_TOLD_MAX).then(|| words::machine(&record.context, arp, machines))
    }
}

impl Detector for Novelty {
    fn record(&mut self, record: &Record, known: &Known, found: &mut Vec<Found>) {
        let one = match &record.body {
            Body::Transaction(transaction) => self.transaction(record, transaction, known),
            Body::Arp(arp) => self.machine(record, arp),
            _ => None,
        };
        if let Some(one) = one {
            found.push(one);
        }
    }

    fn save(&self) -> Vec<u8> {
        state::pack(&self.state)
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), Damaged> {
        self.state = state::unpack(bytes)?;
        Ok(())
    }

    fn memory(&self) -> usize {
        let State { devices, machines, .. } = &self.state;
        let functions = |m: &Master| size_of::<Master>() + m.functions.capacity() * 2;
        let lists = devices.iter().flat_map(|(_, device)| &device.masters).map(functions);
        devices.memory() + machines.memory() + lists.sum::<usize>()
    }

    fn learned(&self) -> Vec<(&'static str, u64)> {
        let State { devices, machines, .. } = &self.state;
        let masters: usize = devices.iter().map(|(_, device)| device.masters.len()).sum();
        vec![
            ("industrial devices", devices.len() as u64),
            ("masters of them", masters as u64),
            ("hardware addresses", machines.len() as u64),
        ]
    }
}

#[cfg(test)]
mod tests;
