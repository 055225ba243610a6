//! pcapng files (draft-ietf-opsawg-pcapng): sections, interfaces, packet blocks.

use super::file::{Sink, Stop};
use super::input::Input;
use super::{MAX_FRAME, Order};
use crate::time::Timestamp;

/// Blocks that must be held whole in memory, bytes. Others are passed over whatever their length.
const MAX_BLOCK: u32 = 16 * 1024 * 1024;
/// Interfaces in one section.
const MAX_INTERFACES: usize = 65_536;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
/// Obsolete, still found in old files (appendix A of the draft).
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
/// Type and length before the body, length again after it.
const FRAMING: usize = 12;

const OPTION_END: u16 = 0;
const OPTION_TSRESOL: u16 = 9;
const OPTION_TSOFFSET: u16 = 14;

/// Reads the packets of a pcapng file.
pub(super) struct Pcapng {
    order: Order,
    interfaces: Vec<Interface>,
    /// Of the last packet; a simple packet has no time of its own and takes this one.
    last: Timestamp,
}

/// What packets need to know of the interface that saw them.
#[derive(Clone, Copy)]
struct Interface {
    link: u16,
    /// 0 is no limit, bytes.
    snaplen: u32,
    resolution: Resolution,
    /// Added to every time, seconds.
    offset: i64,
}

/// How many ticks make a nanosecond.
#[derive(Clone, Copy)]
enum Resolution {
    /// Nanoseconds in a tick.
    Coarse(u64),
    /// Ticks in a nanosecond.
    Fine(u64),
    /// Ticks in a second are two to this power.
    Binary(u32),
}

impl Resolution {
    /// From the option `if_tsresol`: a negative power of ten, or of two if the top bit is set.
    fn from_option(value: u8) -> Self {
        let power = u32::from(value & 0x7f);
        if value & 0x80 != 0 {
            return Self::Binary(power);
        }
        match power.checked_sub(9) {
            None => Self::Coarse(10u64.pow(9 - power)),
            Some(power) => Self::Fine(10u64.checked_pow(power).unwrap_or(u64::MAX)),
        }
    }

    fn nanos(self, ticks: u64) -> u64 {
        match self {
            Self::Coarse(nanos) => ticks.saturating_mul(nanos),
            Self::Fine(ticks_per_nano) => ticks / ticks_per_nano,
            Self::Binary(power) => {
                let nanos = u128::from(ticks) * 1_000_000_000;
                u64::try_from(nanos.checked_shr(power).unwrap_or(0)).unwrap_or(u64::MAX)
            }
        }
    }
}

impl Interface {
    fn time(&self, high: u32, low: u32) -> Timestamp {
        let nanos = self.resolution.nanos(u64::from(high) << 32 | u64::from(low));
        let offset = self.offset.saturating_mul(1_000_000_000);
        Timestamp::from_nanos(nanos.saturating_add_signed(offset))
    }
}

impl Pcapng {
    /// Whether a file that begins so is one.
    pub(super) fn recognises(head: &[u8]) -> bool {
        head.starts_with(&SECTION_HEADER.to_be_bytes())
    }

    /// Reads the first section header.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub(super) fn open(input: &mut Input) -> Result<Self, String> {
        let (order, interfaces) = (Order::Little, Vec::new());
        let mut file = Self { order, interfaces, last: Timestamp::default() };
        match file.block(input, None) {
            Ok(()) => Ok(file),
            Err(Stop::End | Stop::Cut { .. }) => {
                Err("cut off within the first pcapng section header".to_owned())
            }
            Err(Stop::Corrupt { what, .. }) => Err(what),
        }
    }

    /// Reads blocks until the sink is full.
    pub(super) fn read(&mut self, input: &mut Input, sink: &mut Sink<'_>) -> Result<(), Stop> {
        while !sink.is_full() {
            self.block(input, Some(sink))?;
        }
        Ok(())
    }

    /// Reads one block.
    fn block(&mut self, input: &mut Input, sink: Option<&mut Sink<'_>>) -> Result<(), Stop> {
        let at = input.position();
        let corrupt = |what: String| Stop::Corrupt { at, what };
        if !input.fill(FRAMING) {
            return Err(Stop::at_end(input));
        }
        let Some((head, _)) = input.available().split_first_chunk::<FRAMING>() else {
            return Err(Stop::at_end(input));
        };
        let [t0, t1, t2, t3, l0, l1, l2, l3, m0, m1, m2, m3] = *head;
        let kind = self.order.u32([t0, t1, t2, t3]);
        // The type of a section header reads the same in both orders: it says the order itself.
        if kind == SECTION_HEADER {
            self.order = match u32::from_le_bytes([m0, m1, m2, m3]) {
                BYTE_ORDER_MAGIC => Order::Little,
                magic if magic.swap_bytes() == BYTE_ORDER_MAGIC => Order::Big,
                magic => return Err(corrupt(format!("byte-order magic {magic:#010x}"))),
            };
        }
        let length = self.order.u32([l0, l1, l2, l3]);
        if !length.is_multiple_of(4) || (length as usize) < FRAMING {
            return Err(corrupt(format!("block of type {kind} with length {length}")));
        }
        let size = length as usize;
        if !matches!(kind, SECTION_HEADER | INTERFACE | PACKET | SIMPLE_PACKET | ENHANCED_PACKET) {
            return if input.skip(u64::from(length)) { Ok(()) } else { Err(Stop::Cut { at }) };
        }
        if length > MAX_BLOCK {
            let limit = format!("more than the limit of {MAX_BLOCK}");
            return Err(corrupt(format!("block of type {kind} with length {length}, {limit}")));
        }
        if !input.fill(size) {
            return Err(Stop::Cut { at });
        }
        let block = input.available().get(..size).unwrap_or_default();
        let (body, trailer) = block.split_last_chunk::<4>().unwrap_or((block, &[0; 4]));
        if self.order.u32(*trailer) != length {
            return Err(corrupt(format!("block of type {kind} whose two lengths differ")));
        }
        let body = body.get(8..).unwrap_or_default();
        self.body(kind, body, sink).map_err(corrupt)?;
        input.consume(size);
        Ok(())
    }

    fn body(&mut self, kind: u32, body: &[u8], sink: Option<&mut Sink<'_>>) -> Result<(), String> {
        match (kind, sink) {
            (SECTION_HEADER, _) => self.section(body),
            (INTERFACE, _) => self.interface(body),
            (PACKET, Some(sink)) => self.packet(body, sink, true),
            (ENHANCED_PACKET, Some(sink)) => self.packet(body, sink, false),
            (SIMPLE_PACKET, Some(sink)) => self.simple_packet(body, sink),
            _ => Ok(()),
        }
    }

    fn section(&mut self, body: &[u8]) -> Result<(), String> {
        let Some(&[_, _, _, _, j0, j1, n0, n1]) = body.first_chunk::<8>() else {
            return Err("section header too short".to_owned());
        };
        let (major, minor) = (self.order.u16([j0, j1]), self.order.u16([n0, n1]));
        if major != 1 {
            return Err(format!("pcapng version {major}.{minor} is not known; only version 1 is"));
        }
        self.interfaces.clear();
        Ok(())
    }

    fn interface(&mut self, body: &[u8]) -> Result<(), String> {
        let Some((&[k0, k1, _, _, s0, s1, s2, s3], mut options)) = body.split_first_chunk::<8>()
        else {
            return Err("interface description too short".to_owned());
        };
        if self.interfaces.len() >= MAX_INTERFACES {
            return Err(format!("more than {MAX_INTERFACES} interfaces in one section"));
        }
        let mut interface = Interface {
            link: super::link_of_dlt(self.order.u16([k0, k1])),
            snaplen: self.order.u32([s0, s1, s2, s3]),
            resolution: Resolution::from_option(6),
            offset: 0,
        };
        while let Some((&[c0, c1, l0, l1], rest)) = options.split_first_chunk::<4>() {
            let (code, length) = (self.order.u16([c0, c1]), usize::from(self.order.u16([l0, l1])));
            let Some(value) = rest.get(..length) else { break };
            match code {
                OPTION_END => break,
                OPTION_TSRESOL => {
                    if let [value, ..] = value {
                        interface.resolution = Resolution::from_option(*value);
                    }
                }
                OPTION_TSOFFSET => {
                    if let Some(value) = value.first_chunk::<8>() {
                        interface.offset = self.order.u64(*value).cast_signed();
                    }
                }
                _ => {}
            }
            options = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
        self.interfaces.push(interface);
        Ok(())
    }

    /// An enhanced packet; the obsolete one differs in the first four bytes alone.
    fn packet(&mut self, body: &[u8], sink: &mut Sink<'_>, obsolete: bool) -> Result<(), String> {
        let Some((head, rest)) = body.split_first_chunk::<20>() else {
            return Err("packet block too short".to_owned());
        };
        let order = self.order;
        let [i0, i1, i2, i3, h0, h1, h2, h3, l0, l1, l2, l3, c0, c1, c2, c3, w0, w1, w2, w3] =
            *head;
        let number =
            if obsolete { u32::from(order.u16([i0, i1])) } else { order.u32([i0, i1, i2, i3]) };
        let Some(interface) = self.interfaces.get(number as usize) else {
            return Err(format!("packet of interface {number}, which is not described"));
        };
        let captured = order.u32([c0, c1, c2, c3]);
        if captured > MAX_FRAME {
            return Err(format!("packet of {captured} bytes, more than the limit of {MAX_FRAME}"));
        }
        let Some(bytes) = rest.get(..captured as usize) else {
            return Err(format!(
                "packet of {captured} bytes in a block of {}",
                body.len() + FRAMING
            ));
        };
        let time = interface.time(order.u32([h0, h1, h2, h3]), order.u32([l0, l1, l2, l3]));
        sink.push(time, interface.link, bytes, order.u32([w0, w1, w2, w3]));
        self.last = time;
        Ok(())
    }

    /// A simple packet: of the first interface, cut to its snapshot length.
    fn simple_packet(&mut self, body: &[u8], sink: &mut Sink<'_>) -> Result<(), String> {
        let (Some((wire, rest)), Some(interface)) =
            (body.split_first_chunk::<4>(), self.interfaces.first())
        else {
            return Err("simple packet too short or without an interface".to_owned());
        };
        let wire = self.order.u32(*wire);
        let captured = if interface.snaplen == 0 { wire } else { wire.min(interface.snaplen) };
        if captured > MAX_FRAME {
            return Err(format!("packet of {captured} bytes, more than the limit of {MAX_FRAME}"));
        }
        let bytes = rest.get(..captured as usize).unwrap_or(rest);
        sink.push(self.last, interface.link, bytes, wire);
        Ok(())
    }
}
