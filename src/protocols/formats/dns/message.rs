//! One DNS message, read once: RFC 1035 section 4, and the record types that are shown.

use super::name::{self, MAX_TEXT_BYTES, NameFaults};
use crate::reader::Reader;

/// Bytes of the header.
pub const HEADER_BYTES: usize = 12;

/// Records kept of one message; 11 bytes each at least on the wire.
pub const MAX_RECORDS: usize = 4096;

/// Options kept of one OPT record.
const MAX_OPTIONS: usize = 64;

/// A piece of [`Message::text`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    start: u32,
    end: u32,
}

/// A message.
#[derive(Debug, Default)]
pub struct Message {
    /// Number within the flow.
    pub tx_id: u64,
    /// Whether the server sent it.
    pub from_server: bool,
    /// Identifier, as on the wire.
    pub id: u16,
    /// The flags word: QR, opcode, AA, TC, RD, RA, Z, rcode.
    pub flags: u16,
    /// Questions.
    pub questions: Vec<Question>,
    /// Records of all sections, in order.
    pub records: Vec<Record>,
    /// What could not be read.
    pub faults: Faults,
    /// All names and texts.
    text: Vec<u8>,
}

/// What was wrong with a message that could still be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// With its names.
    pub names: NameFaults,
    /// The first section whose records cannot be read.
    pub section: Option<Section>,
}

/// A question.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// Name asked for.
    pub name: Span,
    /// Type asked for.
    pub rrtype: u16,
}

/// Where a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Answers.
    Answer,
    /// Name servers of the zone.
    Authority,
    /// Whatever helps.
    Additional,
}

/// A resource record.
#[derive(Clone, Debug)]
pub struct Record {
    /// Where it stands.
    pub section: Section,
    /// Owner.
    pub name: Span,
    /// Type.
    pub rrtype: u16,
    /// Seconds it may be kept.
    pub ttl: u32,
    /// Content.
    pub data: Data,
}

/// Content of a record.
#[derive(Clone, Debug)]
pub enum Data {
    /// A and AAAA.
    Address(std::net::IpAddr),
    /// CNAME, NS, PTR, MX (its preference is not shown).
    Name(Span),
    /// One string of TXT, or the whole of NULL.
    Text(Span),
    /// SOA.
    Soa {
        /// Primary server.
        mname: Span,
        /// Mailbox.
        rname: Span,
        /// Serial, refresh, retry, expire, minimum.
        numbers: [u32; 5],
    },
    /// SRV (RFC 2782).
    Srv {
        /// Priority, weight, port.
        numbers: [u16; 3],
        /// Target.
        target: Span,
    },
    /// SSHFP (RFC 4255).
    Sshfp {
        /// Algorithm and kind of fingerprint.
        kinds: [u8; 2],
        /// Raw fingerprint.
        fingerprint: Span,
    },
    /// OPT (RFC 6891): code and content of each option.
    Options(Vec<(u16, Span)>),
    /// Not shown.
    Other,
}

impl Span {
    /// From positions in the text; what does not fit is empty, which the bounds exclude.
    pub fn new(start: usize, end: usize) -> Self {
        match (u32::try_from(start), u32::try_from(end)) {
            (Ok(start), Ok(end)) => Self { start, end },
            _ => Self::default(),
        }
    }
}

impl Message {
    /// Reads a message. `None` when the header or a question cannot be read; records that cannot
    /// be read end their section and all after it, and are told in [`Message::faults`].
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let mut message = Self { id: reader.u16()?, flags: reader.u16()?, ..Self::default() };
        let questions = reader.u16()?;
        let counts = [reader.u16()?, reader.u16()?, reader.u16()?];
        for _ in 0..questions {
            let name = message.name(&mut reader, bytes)?;
            let rrtype = reader.u16()?;
            reader.u16()?;
            message.questions.push(Question { name, rrtype });
        }
        let sections = [Section::Answer, Section::Authority, Section::Additional];
        for (section, count) in sections.into_iter().zip(counts) {
            for _ in 0..count {
                if message.record(section, &mut reader, bytes).is_none() {
                    message.faults.section = Some(section);
                    return Some(message);
                }
            }
        }
        Some(message)
    }

    /// The bytes of a name or text.
    pub fn text(&self, span: Span) -> &[u8] {
        self.text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    /// Whether it says to be a response.
    pub const fn is_response(&self) -> bool {
        self.flags & 0x8000 != 0
    }

    /// The operation code, 0 to 15.
    pub const fn opcode(&self) -> u8 {
        (self.flags >> 11 & 0xf) as u8
    }

    /// The response code, 0 to 15.
    pub const fn rcode(&self) -> u16 {
        self.flags & 0xf
    }

    /// The records of a section.
    pub fn section(&self, section: Section) -> impl Iterator<Item = &Record> {
        self.records.iter().filter(move |record| record.section == section)
    }

    /// Bytes held, about.
    pub fn memory(&self) -> usize {
        size_of::<Self>()
            + self.text.capacity()
            + self.questions.capacity() * size_of::<Question>()
            + self.records.capacity() * size_of::<Record>()
    }

    fn name<'a>(&mut self, reader: &mut Reader<'a>, bytes: &'a [u8]) -> Option<Span> {
        name::read(reader, bytes, &mut self.text, &mut self.faults.names)
    }

    fn keep(&mut self, bytes: &[u8]) -> Span {
        let start = self.text.len();
        let room = MAX_TEXT_BYTES.saturating_sub(start);
        self.faults.names.too_long |= bytes.len() > room;
        self.text.extend(bytes.iter().take(room));
        Span::new(start, self.text.len())
    }

    fn record<'a>(
        &mut self,
        section: Section,
        reader: &mut Reader<'a>,
        bytes: &'a [u8],
    ) -> Option<()> {
        let name = self.name(reader, bytes)?;
        let rrtype = reader.u16()?;
        reader.u16()?;
        let ttl = reader.u32()?;
        let length = usize::from(reader.u16()?);
        let at = reader.position();
        reader.skip(length)?;
        // Names within may point anywhere before, so the content is read in the whole message.
        let mut data = Reader::new(bytes.get(..at + length)?);
        data.skip(at)?;
        if rrtype == rrtype::TXT {
            return self.strings(section, name, ttl, data);
        }
        let data = self.data(rrtype, data, bytes).unwrap_or(Data::Other);
        self.push(Record { section, name, rrtype, ttl, data })
    }

    fn push(&mut self, record: Record) -> Option<()> {
        if self.records.len() >= MAX_RECORDS {
            return None;
        }
        self.records.push(record);
        Some(())
    }

    /// Each string of a TXT record is shown as a record of its own.
    fn strings(
        &mut self,
        section: Section,
        name: Span,
        ttl: u32,
        mut from: Reader<'_>,
    ) -> Option<()> {
        let mut any = false;
        while let Some(length) = from.u8() {
            let fits = from.take(length.into()).unwrap_or_else(|| from.rest());
            let data = Data::Text(self.keep(fits));
            self.push(Record { section, name, rrtype: rrtype::TXT, ttl, data })?;
            any = true;
            if fits.len() < length.into() {
                break;
            }
        }
        if !any {
            self.push(Record { section, name, rrtype: rrtype::TXT, ttl, data: Data::Other })?;
        }
        Some(())
    }

    fn data<'a>(&mut self, kind: u16, mut from: Reader<'a>, bytes: &'a [u8]) -> Option<Data> {
        Some(match kind {
            rrtype::A => Data::Address(from.array::<4>()?.into()),
            rrtype::AAAA => Data::Address(from.array::<16>()?.into()),
            rrtype::NS | rrtype::CNAME | rrtype::PTR => Data::Name(self.name(&mut from, bytes)?),
            rrtype::MX => {
                from.u16()?;
                Data::Name(self.name(&mut from, bytes)?)
            }
            rrtype::SOA => {
                let (mname, rname) = (self.name(&mut from, bytes)?, self.name(&mut from, bytes)?);
                let mut numbers = [0; 5];
                for number in &mut numbers {
                    *number = from.u32()?;
                }
                Data::Soa { mname, rname, numbers }
            }
            rrtype::SRV => {
                let numbers = [from.u16()?, from.u16()?, from.u16()?];
                Data::Srv { numbers, target: self.name(&mut from, bytes)? }
            }
            rrtype::SSHFP => {
                let kinds = [from.u8()?, from.u8()?];
                Data::Sshfp { kinds, fingerprint: self.keep(from.rest()) }
            }
            rrtype::NULL => Data::Text(self.keep(from.rest())),
            rrtype::OPT => {
                let mut options = Vec::new();
                while options.len() < MAX_OPTIONS
                    && let (Some(code), Some(length)) = (from.u16(), from.u16())
                {
                    let Some(content) = from.take(length.into()) else { break };
                    options.push((code, self.keep(content)));
                }
                Data::Options(options)
            }
            _ => Data::Other,
        })
    }
}

/// Whether a header fits a message of `length` bytes (RFC 1035, 4.1.1): a question is at least
/// five bytes, counted here as two, so that a cut message is still seen as what it is. A request
/// of a client must ask something. `None` when too little of it is there to tell.
pub fn fits(bytes: &[u8], length: usize, from_client: bool) -> Option<bool> {
    if length < HEADER_BYTES {
        return Some(false);
    }
    let mut reader = Reader::new(bytes);
    let (_, flags, questions) = (reader.u16()?, reader.u16()?, reader.u16()?);
    let mut records = usize::from(questions);
    for _ in 0..3 {
        records += usize::from(reader.u16()?);
    }
    let assigned = (flags >> 11 & 0xf) < 7;
    if from_client && flags & 0x8000 == 0 && questions == 0 {
        return Some(false);
    }
    Some(assigned && 2 * records + HEADER_BYTES <= length)
}

/// Whether a whole datagram is a message: its header fits, and its questions and answers can be
/// read. Nothing follows the header of one that counts no questions and no records.
pub fn whole(bytes: &[u8], from_client: bool) -> bool {
    fits(bytes, bytes.len(), from_client) == Some(true)
        && Message::read(bytes).is_some_and(|message| {
            let empty = message.questions.is_empty()
                && message.records.is_empty()
                && message.faults.section.is_none();
            message.faults.section != Some(Section::Answer)
                && !(empty && bytes.len() > HEADER_BYTES)
        })
}

/// Types of record (IANA "Resource Record (RR) TYPEs").
pub mod rrtype {
    macro_rules! types {
        ($($name:ident = $number:literal $text:literal)*) => {
            $(
                #[doc = concat!("The type ", $text, ".")]
                pub const $name: u16 = $number;
            )*
            /// Names with their numbers.
            pub const NAMES: &[(&str, u64)] = &[$(($text, $number)),*];
            /// The registry's name.
            pub const fn name(number: u16) -> Option<&'static str> {
                match number { $($number => Some($text),)* _ => None }
            }
        };
    }
    #[allow(dead_code, reason = "the registry's list, of which few are read")]
    mod list {
        types! {
            A = 1 "A" NS = 2 "NS" MD = 3 "MD" MF = 4 "MF" CNAME = 5 "CNAME" SOA = 6 "SOA"
            MB = 7 "MB" MG = 8 "MG" MR = 9 "MR" NULL = 10 "NULL" WKS = 11 "WKS" PTR = 12 "PTR"
            HINFO = 13 "HINFO" MINFO = 14 "MINFO" MX = 15 "MX" TXT = 16 "TXT" RP = 17 "RP"
            AFSDB = 18 "AFSDB" X25 = 19 "X25" ISDN = 20 "ISDN" RT = 21 "RT" NSAP = 22 "NSAP"
            NSAPPTR = 23 "NSAPPTR" SIG = 24 "SIG" KEY = 25 "KEY" PX = 26 "PX" GPOS = 27 "GPOS"
            AAAA = 28 "AAAA" LOC = 29 "LOC" NXT = 30 "NXT" SRV = 33 "SRV" ATMA = 34 "ATMA"
            NAPTR = 35 "NAPTR" KX = 36 "KX" CERT = 37 "CERT" A6 = 38 "A6" DNAME = 39 "DNAME"
            OPT = 41 "OPT" APL = 42 "APL" DS = 43 "DS" SSHFP = 44 "SSHFP"
            IPSECKEY = 45 "IPSECKEY" RRSIG = 46 "RRSIG" NSEC = 47 "NSEC" DNSKEY = 48 "DNSKEY"
            DHCID = 49 "DHCID" NSEC3 = 50 "NSEC3" NSEC3PARAM = 51 "NSEC3PARAM"
            TLSA = 52 "TLSA" HIP = 55 "HIP" CDS = 59 "CDS" CDNSKEY = 60 "CDNSKEY"
            SVCB = 64 "SVCB" HTTPS = 65 "HTTPS" SPF = 99 "SPF" TKEY = 249 "TKEY" TSIG = 250 "TSIG"
            IXFR = 251 "IXFR" AXFR = 252 "AXFR" MAILB = 253 "MAILB" MAILA = 254 "MAILA"
            ANY = 255 "ANY" URI = 256 "URI" CAA = 257 "CAA"
        }
    }
    pub use list::{A, AAAA, CNAME, MX, NAMES, NS, NULL, OPT, PTR, SOA, SRV, SSHFP, TXT, name};
}
