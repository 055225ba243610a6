//! Classic pcap files (draft-ietf-opsawg-pcap), in both byte orders, micro- and nanoseconds.

use super::file::{Sink, Stop};
use super::input::Input;
use super::{MAX_FRAME, Order};
use crate::time::Timestamp;

const FILE_HEADER: usize = 24;
const RECORD_HEADER: usize = 16;
/// The record header of A. Kuznetsov's patched libpcap: interface, protocol and packet type follow.
const RECORD_HEADER_MODIFIED: usize = 24;

const MAGIC_MICRO: u32 = 0xa1b2_c3d4;
const MAGIC_NANO: u32 = 0xa1b2_3c4d;
const MAGIC_MODIFIED: u32 = 0xa1b2_cd34;

/// Reads the records of a classic pcap file.
pub(super) struct Pcap {
    order: Order,
    link: u16,
    /// Nanoseconds in one unit of the fraction.
    unit: u64,
    /// Bytes of a record's header.
    header: usize,
    /// Minor version 3 and older: some wrote the two lengths in the other order.
    old: bool,
}

impl Pcap {
    /// Whether a file that begins so is one.
    pub(super) fn recognises(head: &[u8]) -> bool {
        Self::kind(head).is_some()
    }

    fn kind(head: &[u8]) -> Option<(Order, u64, usize)> {
        let magic = head.first_chunk::<4>()?;
        [Order::Little, Order::Big].into_iter().find_map(|order| match order.u32(*magic) {
            MAGIC_MICRO => Some((order, 1000, RECORD_HEADER)),
            MAGIC_NANO => Some((order, 1, RECORD_HEADER)),
            MAGIC_MODIFIED => Some((order, 1000, RECORD_HEADER_MODIFIED)),
            _ => None,
        })
    }

    /// Reads the file header.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub(super) fn open(input: &mut Input) -> Result<Self, String> {
        if !input.fill(FILE_HEADER) {
            return Err("cut off within the pcap file header of 24 bytes".to_owned());
        }
        let bytes = input.available();
        let head = bytes.first_chunk::<FILE_HEADER>();
        let (Some(head), Some((order, unit, header))) = (head, Self::kind(bytes)) else {
            return Err("not a pcap file".to_owned());
        };
        let [_, _, _, _, j0, j1, m0, m1, .., n0, n1, n2, n3] = *head;
        let (major, minor) = (order.u16([j0, j1]), order.u16([m0, m1]));
        if major != 2 {
            return Err(format!("pcap version {major}.{minor} is not known; only version 2 is"));
        }
        // The upper half holds the length of a frame check sequence and reserved bits.
        let link = (order.u32([n0, n1, n2, n3]) & 0xffff) as u16;
        input.consume(FILE_HEADER);
        Ok(Self { order, link: super::link_of_dlt(link), unit, header, old: minor <= 3 })
    }

    /// Reads records until the sink is full.
    pub(super) fn read(&mut self, input: &mut Input, sink: &mut Sink<'_>) -> Result<(), Stop> {
        while !sink.is_full() {
            if !input.fill(self.header) {
                return Err(Stop::at_end(input));
            }
            let Some((head, _)) = input.available().split_first_chunk::<RECORD_HEADER>() else {
                return Err(Stop::at_end(input));
            };
            let [s0, s1, s2, s3, f0, f1, f2, f3, c0, c1, c2, c3, w0, w1, w2, w3] = *head;
            let seconds = self.order.u32([s0, s1, s2, s3]);
            let fraction = self.order.u32([f0, f1, f2, f3]);
            let mut captured = self.order.u32([c0, c1, c2, c3]);
            let mut wire = self.order.u32([w0, w1, w2, w3]);
            if self.old && captured > wire {
                std::mem::swap(&mut captured, &mut wire);
            }
            if captured > MAX_FRAME {
                let what =
                    format!("packet of {captured} bytes, more than the limit of {MAX_FRAME}");
                return Err(Stop::Corrupt { at: input.position(), what });
            }
            let size = self.header + captured as usize;
            if !input.fill(size) {
                return Err(Stop::at_end(input));
            }
            let time = Timestamp::new(u64::from(seconds), u64::from(fraction) * self.unit);
            let bytes = input.available().get(self.header..size).unwrap_or_default();
            sink.push(time, self.link, bytes, wire);
            input.consume(size);
        }
        Ok(())
    }
}
