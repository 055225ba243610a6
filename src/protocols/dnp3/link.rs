//! The link layer (IEEE 1815, clause 9): header, blocks of 16 bytes, a checksum behind each.

/// Bytes of the header with its checksum.
pub const HEADER_BYTES: usize = 10;
/// Least value of the length field: it counts the header's second half.
pub const LEAST: u8 = 5;
/// Bytes of data before each checksum.
const BLOCK_BYTES: usize = 16;
/// Bytes of a checksum.
const CRC_BYTES: usize = 2;

/// Function codes of the link layer that carry data: confirmed and unconfirmed.
const USER_DATA: [u8; 2] = [3, 4];

/// What is wrong with a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It does not begin as a header does.
    Start,
    /// Its checksum is wrong.
    Checksum,
    /// Its length is less than the least.
    Length,
}

/// The header of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Bytes that follow the length field, checksums not counted.
    pub length: u8,
    /// Direction, primary, flow control, function code.
    pub control: u8,
    /// To which station.
    pub destination: u16,
    /// From which station.
    pub source: u16,
}

impl Header {
    /// Reads the header of a frame.
    pub fn read(bytes: &[u8; HEADER_BYTES]) -> Result<Self, Flaw> {
        let [start, mark, length, control, to_low, to_high, from_low, from_high, low, high] =
            *bytes;
        if [start, mark] != [0x05, 0x64] {
            return Err(Flaw::Start);
        }
        let covered = [start, mark, length, control, to_low, to_high, from_low, from_high];
        if crc(&covered) != u16::from_le_bytes([low, high]) {
            return Err(Flaw::Checksum);
        }
        if length < LEAST {
            return Err(Flaw::Length);
        }
        let destination = u16::from_le_bytes([to_low, to_high]);
        Ok(Self { length, control, destination, source: u16::from_le_bytes([from_low, from_high]) })
    }

    /// Bytes of data behind the header, checksums not counted.
    pub fn data_bytes(self) -> usize {
        usize::from(self.length.saturating_sub(LEAST))
    }

    /// Bytes of the whole frame, checksums counted.
    pub fn frame_bytes(self) -> usize {
        let data = self.data_bytes();
        HEADER_BYTES + data + data.div_ceil(BLOCK_BYTES) * CRC_BYTES
    }

    /// Whether it carries data of the layers above.
    pub fn carries_data(self) -> bool {
        USER_DATA.contains(&(self.control & 0x0f))
    }
}

/// The data of a frame, what follows its header, without the checksums; `None` when one is wrong.
pub fn data(behind_header: &[u8]) -> Option<Vec<u8>> {
    let mut data = Vec::with_capacity(behind_header.len());
    for block in behind_header.chunks(BLOCK_BYTES + CRC_BYTES) {
        let (content, [low, high]) = block.split_last_chunk::<CRC_BYTES>()?;
        if crc(content) != u16::from_le_bytes([*low, *high]) {
            return None;
        }
        data.extend_from_slice(content);
    }
    Some(data)
}

/// The checksum of IEEE 1815, 9.2.4.3: polynomial 0x3d65, low bit first, complemented.
fn crc(bytes: &[u8]) -> u16 {
    let mut crc = 0_u16;
    for byte in bytes {
        crc ^= u16::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xa6bc } else { crc >> 1 };
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_only_with_its_checksum() {
        let mut bytes = *b"\x05\x64\x05\xc0\x01\x00\x00\x04\xe9\x21";
        let header = Header { length: 5, control: 0xc0, destination: 1, source: 1024 };
        assert_eq!(Header::read(&bytes), Ok(header));
        assert_eq!((header.frame_bytes(), header.carries_data()), (10, false));
        for at in 0..HEADER_BYTES {
            bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 4);
            assert!(Header::read(&bytes).is_err(), "byte {at}");
            bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 4);
        }
    }

    #[test]
    fn a_frame_has_a_checksum_for_each_block() {
        let header = |length| Header { length, control: 0xc4, destination: 1, source: 2 };
        assert_eq!(header(5 + 16).frame_bytes(), 10 + 18);
        assert_eq!(header(5 + 17).frame_bytes(), 10 + 18 + 3);
        assert_eq!(header(255).frame_bytes(), 292);
        let mut frame = vec![7; 16];
        frame.extend(crc(&[7; 16]).to_le_bytes());
        frame.push(9);
        frame.extend(crc(&[9]).to_le_bytes());
        let wanted: Vec<u8> = [7; 16].into_iter().chain([9]).collect();
        assert_eq!(data(&frame), Some(wanted));
        frame.pop();
        assert_eq!(data(&frame), None);
    }
}
