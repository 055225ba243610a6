//! TCP (RFC 9293) and its options (RFC 7323, 2018, 2385, 5925, 7413).

use etherparse::TcpHeaderSlice;
use etherparse::err::tcp::HeaderSliceError;

use super::events;
use super::headers::{Tcp, Transport};
use super::packet::Packet;
use crate::net::ip_protocol;
use crate::reader::Reader;

/// Bytes of a header up to its flags, without options, and with the most that its length can say.
const FLAGS_END: usize = 14;
const HEADER_MIN: usize = 20;
const HEADER_MAX: usize = 60;

/// The largest window scale (RFC 7323 section 2.3).
const WINDOW_SCALE_MAX: u8 = 14;

impl Packet<'_, '_> {
    #[inline]
    pub(super) fn tcp(&mut self, start: usize, end: usize) {
        let bytes = self.slice(start, end);
        let (mut given, padded) = (bytes, self.padded(bytes));
        if let Some(padded) = &padded {
            given = padded;
        }
        let header = match TcpHeaderSlice::from_slice(given) {
            Ok(header) => header,
            Err(error) => return self.bad_tcp(bytes, &error),
        };
        let said = header.slice().len();
        let length = said.min(bytes.len());
        if said - length > self.headers.cut as usize {
            return;
        }
        let mut tcp = Tcp {
            source: header.source_port(),
            destination: header.destination_port(),
            sequence: header.sequence_number(),
            acknowledgement: header.acknowledgment_number(),
            flags: bytes.get(13).copied().unwrap_or(0),
            // A window that is not there is not shut.
            window: if length < 16 { u16::MAX } else { header.window_size() },
            urgent: header.urgent_pointer(),
            header_length: length as u8,
            options_cut: said != length,
            ..Tcp::default()
        };
        if said == length {
            self.tcp_options(&mut tcp, bytes.get(HEADER_MIN..length).unwrap_or_default());
        }
        self.headers.transport = Transport::Tcp(tcp);
        self.payload(start + length, end);
        self.check_pseudo(ip_protocol::TCP, start, end);
        // Of the bytes that are not there these are none of the payload.
        self.headers.cut = self.headers.cut.saturating_sub((said - length) as u32);
    }

    /// A header whose options the capture may have cut, as if nothing but their end followed.
    #[inline]
    fn padded(&self, bytes: &[u8]) -> Option<[u8; HEADER_MAX]> {
        let is_cut = self.headers.cut > 0 && (FLAGS_END..HEADER_MAX).contains(&bytes.len());
        is_cut.then(|| {
            let mut padded = [0; HEADER_MAX];
            padded.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
            padded
        })
    }

    #[cold]
    fn bad_tcp(&mut self, bytes: &[u8], error: &HeaderSliceError) {
        self.event(match error {
            HeaderSliceError::Len(_) if bytes.len() < 20 => &events::TCP_PKT_TOO_SMALL,
            HeaderSliceError::Len(_) => &events::TCP_HLEN_TOO_SMALL,
            HeaderSliceError::Content(_) => &events::TCP_INVALID_OPTLEN,
        });
    }

    /// By hand and not with etherparse's iterator: it stops at the first unknown option, and
    /// does not tell of doubled ones.
    fn tcp_options(&mut self, tcp: &mut Tcp, bytes: &[u8]) {
        // Nearly every data packet has exactly this: two no-operations and a timestamp.
        if let [1, 1, 8, 10, a, b, c, d, e, f, g, h] = *bytes {
            let value = u32::from_be_bytes([a, b, c, d]);
            tcp.timestamp = Some((value, u32::from_be_bytes([e, f, g, h])));
            return;
        }
        let mut reader = Reader::new(bytes);
        let mut seen = 0u32;
        while let Some(kind) = reader.u8().filter(|kind| *kind != 0) {
            if kind == 1 {
                continue;
            }
            let Some(length) = reader.u8() else { return };
            let content = usize::from(length).checked_sub(2).and_then(|count| reader.take(count));
            let Some(content) = content else {
                return self.event(&events::TCP_OPT_INVALID_LEN);
            };
            let number = if kind < 32 { 1u32 << kind } else { 0 };
            let known = tcp_option(tcp, kind, content, seen & number != 0);
            match known {
                Known::Taken => seen |= number,
                Known::Twice => self.event(&events::TCP_OPT_DUPLICATE),
                Known::WrongLength => self.event(&events::TCP_OPT_INVALID_LEN),
                Known::Other => {}
            }
        }
    }
}

enum Known {
    Taken,
    Twice,
    WrongLength,
    Other,
}

fn tcp_option(tcp: &mut Tcp, kind: u8, content: &[u8], twice: bool) -> Known {
    const MSS: u8 = 2;
    const WINDOW_SCALE: u8 = 3;
    const SACK_PERMITTED: u8 = 4;
    const SACK: u8 = 5;
    const TIMESTAMP: u8 = 8;
    const MD5: u8 = 19;
    const AUTHENTICATION: u8 = 29;
    const FAST_OPEN: u8 = 34;
    const EXPERIMENT: u8 = 254;
    let length = content.len() + 2;
    let fits = match kind {
        MSS => length == 4,
        WINDOW_SCALE => length == 3,
        SACK_PERMITTED => length == 2,
        // A list of no blocks is seen in the wild; receivers skip it.
        SACK => length == 2 || (10..=34).contains(&length) && (length - 2).is_multiple_of(8),
        TIMESTAMP => length == 10,
        MD5 => length == 18,
        AUTHENTICATION => length >= 4,
        FAST_OPEN => length == 2 || ((6..=18).contains(&length) && length.is_multiple_of(2)),
        // Fast open as it was tried out at first (RFC 7413, appendix A; RFC 6994).
        EXPERIMENT if content.starts_with(&[0xf9, 0x89]) => {
            tcp.fast_open = true;
            return Known::Other;
        }
        _ => return Known::Other,
    };
    if !fits {
        return Known::WrongLength;
    }
    if twice {
        return Known::Twice;
    }
    let mut reader = Reader::new(content);
    match kind {
        MSS => tcp.mss = reader.u16(),
        WINDOW_SCALE => tcp.window_scale = reader.u8().filter(|shift| *shift <= WINDOW_SCALE_MAX),
        SACK_PERMITTED => tcp.sack_permitted = true,
        FAST_OPEN => tcp.fast_open = true,
        MD5 | AUTHENTICATION => tcp.signed = true,
        TIMESTAMP => tcp.timestamp = reader.u32().zip(reader.u32()),
        _ => {}
    }
    Known::Taken
}
