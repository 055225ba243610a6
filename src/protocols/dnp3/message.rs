//! A message of the application layer (IEEE 1815, clause 4): what was put together from segments
//! of the transport function (clause 8).

use super::link::Header;
use super::objects::{Object, Objects};

/// Bytes of a message that are put together: as many segments as can be numbered, of the longest
/// frame.
pub const MAX_MESSAGE_BYTES: usize = 63 * 255;

/// Function codes of the application layer (IEEE 1815, 4.2.2.5).
pub mod function {
    #![allow(missing_docs, reason = "the names are those of the standard")]
    pub const CONFIRM: u8 = 0;
    pub const DIRECT_OPERATE_NR: u8 = 6;
    pub const IMMED_FREEZE_NR: u8 = 8;
    pub const FREEZE_CLEAR_NR: u8 = 10;
    pub const FREEZE_AT_TIME_NR: u8 = 12;
    pub const AUTHENTICATE_ERR: u8 = 33;
    pub const UNSOLICITED_RESPONSE: u8 = 130;

    /// Names that rules use.
    pub const NAMES: &[(&str, u64)] = &[
        ("confirm", 0),
        ("read", 1),
        ("write", 2),
        ("select", 3),
        ("operate", 4),
        ("direct_operate", 5),
        ("direct_operate_nr", 6),
        ("immed_freeze", 7),
        ("immed_freeze_nr", 8),
        ("freeze_clear", 9),
        ("freeze_clear_nr", 10),
        ("freeze_at_time", 11),
        ("freeze_at_time_nr", 12),
        ("cold_restart", 13),
        ("warm_restart", 14),
        ("initialize_data", 15),
        ("initialize_appl", 16),
        ("start_appl", 17),
        ("stop_appl", 18),
        ("save_config", 19),
        ("enable_unsolicited", 20),
        ("disable_unsolicited", 21),
        ("assign_class", 22),
        ("delay_measure", 23),
        ("record_current_time", 24),
        ("open_file", 25),
        ("close_file", 26),
        ("delete_file", 27),
        ("get_file_info", 28),
        ("authenticate_file", 29),
        ("abort_file", 30),
        ("activate_config", 31),
        ("authenticate_req", 32),
        ("authenticate_err", 33),
        ("response", 129),
        ("unsolicited_response", 130),
        ("authenticate_resp", 131),
    ];

    /// Whether a request with this code is answered.
    pub const fn is_answered(code: u8) -> bool {
        !matches!(
            code,
            CONFIRM
                | DIRECT_OPERATE_NR
                | IMMED_FREEZE_NR
                | FREEZE_CLEAR_NR
                | FREEZE_AT_TIME_NR
                | AUTHENTICATE_ERR
        )
    }
}

/// Internal indications of an outstation (IEEE 1815, 4.2.2.6), first octet high.
pub const INDICATIONS: &[(&str, u16)] = &[
    ("device_restart", 0x8000),
    ("device_trouble", 0x4000),
    ("local_control", 0x2000),
    ("need_time", 0x1000),
    ("class_3_events", 0x0800),
    ("class_2_events", 0x0400),
    ("class_1_events", 0x0200),
    ("all_stations", 0x0100),
    ("reserved_1", 0x0080),
    ("reserved_2", 0x0040),
    ("config_corrupt", 0x0020),
    ("already_executing", 0x0010),
    ("event_buffer_overflow", 0x0008),
    ("parameter_error", 0x0004),
    ("object_unknown", 0x0002),
    ("no_func_code_support", 0x0001),
];

/// A message.
#[derive(Clone, Debug, Default)]
pub struct Message {
    /// Whether an outstation sent it to its master.
    pub from_server: bool,
    /// Header of the first frame.
    pub link: Header,
    /// Sequence number of the last segment.
    pub sequence: u8,
    /// Application layer, segments put together: control, function code, indications of a
    /// response, objects.
    pub data: Vec<u8>,
    /// Its objects, once it is whole.
    pub objects: Objects,
}

impl Message {
    /// First, last, confirm, unsolicited, sequence number.
    pub fn control(&self) -> u8 {
        self.data.first().copied().unwrap_or_default()
    }

    /// The function code.
    pub fn function(&self) -> u8 {
        self.data.get(1).copied().unwrap_or_default()
    }

    /// The indications of a response, first octet high.
    pub fn indications(&self) -> Option<u16> {
        match (self.from_server, &*self.data) {
            (true, [_, _, first, second, ..]) => Some(u16::from_be_bytes([*first, *second])),
            _ => None,
        }
    }

    /// Where the objects begin, bytes.
    pub const fn head_bytes(&self) -> usize {
        if self.from_server { 4 } else { 2 }
    }

    /// What holds the objects' points.
    pub fn body(&self) -> &[u8] {
        self.data.get(self.head_bytes()..).unwrap_or_default()
    }

    /// Reads the objects: the message is whole.
    pub fn finish(&mut self) {
        self.objects = Objects::read(self.body());
    }

    /// Bytes held, about.
    pub fn memory(&self) -> usize {
        self.data.capacity() + self.objects.list.capacity() * size_of::<Object>()
    }
}
