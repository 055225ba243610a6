//! One message: header and the meaning of its function's data.

use std::ops::RangeInclusive;

use super::codes::{self, DIAGNOSTIC, EXCEPTION, MASK_WRITE, MEI, READ_WRITE, access};
use crate::net::Direction;
use crate::reader::Reader;

/// Bits, and registers, that one function may read or write (section 6 of the specification).
const MAX_BITS: u16 = 2_000;
const MAX_REGISTERS: u16 = 125;

/// Bits of what is wrong with a message.
pub mod flaw {
    #![allow(missing_docs, reason = "the names say it")]
    pub const VALUE: u8 = 1;
    pub const LENGTH: u8 = 2;
    pub const EXCEPTION: u8 = 4;
    pub const FUNCTION: u8 = 8;
    pub const PROTOCOL: u8 = 16;

    /// Names in the order of the bits, as EVE shows them.
    pub const NAMES: &[&str] = &["DATA_VALUE", "DATA_LENGTH", "EXC_CODE", "FUNC_CODE", "PROTO_ID"];
}

/// A range of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// First bit or register, counted from 0 as on the wire.
    pub address: u16,
    /// How many.
    pub quantity: u16,
}

/// What a message writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// One coil or register; in a response to a multiple write, how many were written.
    One {
        /// Counted from 0.
        address: u16,
        /// 0xff00 or 0 for a coil; a register's value; or a count.
        value: u16,
    },
    /// Several: values are in [`Message::data`].
    Many(Range),
    /// Two masks for a register.
    Mask {
        /// Counted from 0.
        address: u16,
        /// Bits that stay.
        and: u16,
        /// Bits that are set where they do not stay.
        or: u16,
    },
}

/// A request or response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Pairs requests with responses.
    pub transaction: u16,
    /// 0 for Modbus.
    pub protocol: u16,
    /// The device behind the server, or 255.
    pub unit: u8,
    /// Function code as sent: with the high bit set in an exception.
    pub function: u8,
    /// Diagnostic subfunction, or type of encapsulated interface.
    pub subfunction: Option<u16>,
    /// What a request reads.
    pub read: Option<Range>,
    /// What is written.
    pub write: Option<Write>,
    /// Why a request failed.
    pub exception: Option<u8>,
    /// What is left of the message: read or written values, or data of other functions.
    pub data: Vec<u8>,
    /// Bits of [`flaw`].
    pub flaws: u8,
}

impl Message {
    /// From one whole frame. `None` when it is shorter than its header and function.
    pub fn parse(way: Direction, frame: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(frame);
        let (transaction, protocol) = (reader.u16()?, reader.u16()?);
        reader.u16()?;
        let (unit, function) = (reader.u8()?, reader.u8()?);
        let mut new = Self { transaction, protocol, unit, function, ..Self::default() };
        if protocol != 0 {
            new.flaws |= flaw::PROTOCOL;
        }
        let whole = match way {
            Direction::ToServer => new.request(&mut reader),
            Direction::ToClient => new.response(&mut reader),
        };
        if whole.is_none() {
            new.flaws |= flaw::LENGTH;
        }
        new.data = reader.rest().to_vec();
        Some(new)
    }

    /// Bits of [`access`].
    pub const fn access(&self) -> u8 {
        codes::access_type(self.function)
    }

    /// A bit of [`codes::category`], or 0.
    pub fn category(&self) -> u8 {
        codes::category_of(self.function, self.subfunction)
    }

    const fn is(&self, bits: u8) -> bool {
        self.access() & bits != 0
    }

    fn flag_if(&mut self, wrong: bool, flaw: u8) {
        if wrong {
            self.flaws |= flaw;
        }
    }

    const fn limit(&self) -> u16 {
        if self.is(access::COILS | access::DISCRETES) { MAX_BITS } else { MAX_REGISTERS }
    }

    fn request(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        let length = reader.left();
        match self.function {
            DIAGNOSTIC => {
                self.flag_if(length != 4, flaw::LENGTH);
                let subfunction = reader.u16()?;
                self.subfunction = Some(subfunction);
                if let [high, low] = *reader.rest() {
                    let wrong = match subfunction {
                        1 => low != 0 || !matches!(high, 0 | 0xff),
                        3 => low != 0,
                        2 | 10..=21 => high != 0 || low != 0,
                        _ => false,
                    };
                    self.flag_if(wrong, flaw::VALUE);
                }
            }
            MEI => self.subfunction = Some(u16::from(reader.u8()?)),
            7 | 11 | 12 | 17 => self.flag_if(length > 0, flaw::LENGTH),
            20 | 21 => self.flag_if(length == 0, flaw::LENGTH),
            24 => self.flag_if(length != 2, flaw::LENGTH),
            function => {
                self.flag_if(function == 0 || function >= EXCEPTION, flaw::FUNCTION);
                if self.is(access::READ) {
                    self.read_request(reader)?;
                }
                if self.is(access::WRITE) {
                    self.write_request(reader)?;
                }
            }
        }
        Some(())
    }

    fn read_request(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        let range = Range { address: reader.u16()?, quantity: reader.u16()? };
        self.flag_if(range.quantity == 0 || range.quantity > self.limit(), flaw::VALUE);
        self.flag_if(self.function != READ_WRITE && reader.left() > 0, flaw::LENGTH);
        self.read = Some(range);
        Some(())
    }

    fn write_request(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        let address = reader.u16()?;
        if self.is(access::SINGLE) {
            let value = reader.u16()?;
            let coil = self.is(access::COILS);
            self.flag_if(coil && !matches!(value, 0 | 0xff00), flaw::VALUE);
            self.write = Some(Write::One { address, value });
        } else if self.function == MASK_WRITE {
            self.write = Some(Write::Mask { address, and: reader.u16()?, or: reader.u16()? });
        } else {
            let (quantity, count) = (reader.u16()?, reader.u8()?);
            self.flag_if(quantity == 0 || reader.left() != usize::from(count), flaw::LENGTH);
            let needed = if self.is(access::COILS) {
                u32::from(quantity).div_ceil(8)
            } else {
                u32::from(quantity) * 2
            };
            let wrong = quantity > self.limit() || u32::from(count) != needed;
            self.flag_if(wrong, flaw::VALUE);
            self.write = Some(Write::Many(Range { address, quantity }));
        }
        Some(())
    }

    fn response(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        let length = reader.left();
        match self.function {
            EXCEPTION.. => {
                let code = reader.u8()?;
                let named = codes::exception_name(code) != "Unknown";
                let file = matches!(self.function & !EXCEPTION, 20 | 21);
                self.flag_if(!named || (code == 8 && !file), flaw::EXCEPTION);
                self.exception = Some(code);
            }
            DIAGNOSTIC => self.subfunction = Some(reader.u16()?),
            MEI => self.subfunction = Some(u16::from(reader.u8()?)),
            7 => self.flag_if(length != 1, flaw::LENGTH),
            11 => self.flag_if(length != 4, flaw::LENGTH),
            _ if self.is(access::READ) => {
                let count = reader.u8()?;
                let wrong = !(1..=250).contains(&count) || reader.left() != usize::from(count);
                self.flag_if(wrong, flaw::VALUE);
            }
            MASK_WRITE => {
                let address = reader.u16()?;
                self.write = Some(Write::Mask { address, and: reader.u16()?, or: reader.u16()? });
            }
            _ if self.is(access::WRITE) => {
                let (address, value) = (reader.u16()?, reader.u16()?);
                let many = self.is(access::MULTIPLE);
                self.flag_if(many && (value == 0 || value > self.limit()), flaw::VALUE);
                self.write = Some(Write::One { address, value });
            }
            _ => {}
        }
        Some(())
    }

    /// Whether this response is to `request`.
    pub const fn answers(&self, request: &Self) -> bool {
        self.transaction == request.transaction
            && self.unit == request.unit
            && self.function & !EXCEPTION == request.function & !EXCEPTION
    }

    /// Flags a response that does not fit its request: other sizes, addresses or values.
    pub fn compare(&mut self, request: &Self) {
        if self.exception.is_some() {
            return;
        }
        let expected = request.read.map(|range| {
            let quantity = usize::from(range.quantity);
            if self.is(access::COILS | access::DISCRETES) {
                quantity.div_ceil(8)
            } else {
                quantity * 2
            }
        });
        if self.is(access::READ) && expected.is_some_and(|count| count != self.data.len()) {
            self.flaws |= flaw::VALUE;
        }
        let same = match (self.write, request.write) {
            (Some(Write::One { address, value }), Some(Write::Many(range))) => {
                address == range.address && value == range.quantity
            }
            (Some(one), Some(other)) => one == other,
            _ => true,
        };
        self.flag_if(!same, flaw::VALUE);
    }

    /// The first and the last address that a request reads or writes, counted from 1 as the
    /// specification's tables are (section 4.4). Of one that does both, where it writes.
    pub fn addresses(&self) -> Option<RangeInclusive<u16>> {
        let range = match (self.write, self.read) {
            (Some(Write::One { address, .. } | Write::Mask { address, .. }), _) => {
                Range { address, quantity: 1 }
            }
            (Some(Write::Many(range)), _) | (None, Some(range)) => range,
            (None, None) => return None,
        };
        let last = range.address.checked_add(range.quantity)?;
        (range.quantity > 0).then(|| range.address.saturating_add(1)..=last)
    }

    /// Calls `sink` with address and value of each coil or register that a request writes.
    pub fn each_written(&self, sink: &mut dyn FnMut(u16, u16)) {
        match self.write {
            Some(Write::One { address, value }) => sink(address, value),
            Some(Write::Mask { address, or, .. }) => sink(address, or),
            Some(Write::Many(range)) if self.is(access::COILS) => {
                let bits = self.data.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1));
                for (bit, at) in bits.zip(0..range.quantity) {
                    sink(range.address.wrapping_add(at), u16::from(bit));
                }
            }
            Some(Write::Many(range)) => {
                for (pair, at) in self.data.chunks_exact(2).zip(0..range.quantity) {
                    if let [high, low] = *pair {
                        sink(range.address.wrapping_add(at), u16::from_be_bytes([high, low]));
                    }
                }
            }
            None => {}
        }
    }
}
