//! Names of numbers, as EVE and rules have them.

/// Commands of the encapsulation (volume 2, 2-3.2).
pub const COMMANDS: &[(&str, u64)] = &[
    ("nop", 0),
    ("list_services", 4),
    ("list_identity", 0x63),
    ("list_interfaces", 0x64),
    ("register_session", 0x65),
    ("unregister_session", 0x66),
    ("send_rr_data", 0x6f),
    ("send_unit_data", 0x70),
    ("indicate_status", 0x72),
    ("cancel", 0x73),
];

/// Status codes of the encapsulation (volume 2, 2-3.4).
pub const STATUSES: &[(&str, u64)] = &[
    ("success", 0),
    ("invalid_cmd", 1),
    ("no_resources", 2),
    ("incorrect_data", 3),
    ("invalid_session", 0x64),
    ("invalid_length", 0x65),
    ("unsupported_prot_rev", 0x69),
    ("encap_header_error", 0x6a),
];

/// Services of CIP (volume 1, appendix A), and those of the objects that are met most.
pub const SERVICES: &[(&str, u64)] = &[
    ("Get Attributes All", 0x01),
    ("Set Attributes All", 0x02),
    ("Get Attribute List", 0x03),
    ("Set Attribute List", 0x04),
    ("Reset", 0x05),
    ("Start", 0x06),
    ("Stop", 0x07),
    ("Create", 0x08),
    ("Delete", 0x09),
    ("Multiple Service Packet", 0x0a),
    ("Apply Attributes", 0x0d),
    ("Get Attributes Single", 0x0e),
    ("Set Attributes Single", 0x10),
    ("Find Next Object Instance", 0x11),
    ("Restore", 0x15),
    ("Save", 0x16),
    ("No Operation", 0x17),
    ("Get Member", 0x18),
    ("Set Member", 0x19),
    ("Insert Member", 0x1a),
    ("Remove Member", 0x1b),
    ("Group Sync", 0x1c),
    ("Execute PCCC Service", 0x4b),
    ("Read Data", 0x4c),
    ("Write Data", 0x4d),
    ("Forward Close", 0x4e),
    ("Read Data Fragmented", 0x52),
    ("Write Data Fragmented", 0x53),
    ("Forward Open", 0x54),
];

/// General status codes of CIP (volume 1, appendix B).
pub const RESULTS: &[(&str, u64)] = &[
    ("Success", 0x00),
    ("Connection Failure", 0x01),
    ("Resource Unavailable", 0x02),
    ("Invalid Parameter Value", 0x03),
    ("Path Segment Error", 0x04),
    ("Path Destination Unknown", 0x05),
    ("Partial Transfer", 0x06),
    ("Connection Lost", 0x07),
    ("Service Not Supported", 0x08),
    ("Invalid Attribute Value", 0x09),
    ("Attribute List Error", 0x0a),
    ("Already In Requested Mode/State", 0x0b),
    ("Object State Conflict", 0x0c),
    ("Object Already Exists", 0x0d),
    ("Attribute Not Settable", 0x0e),
    ("Privilege Violation", 0x0f),
    ("Device State Conflict", 0x10),
    ("Reply Data Too Large", 0x11),
    ("Not Enough Data", 0x13),
    ("Attribute Not Supported", 0x14),
    ("Too Much Data", 0x15),
    ("Object Does Not Exist", 0x16),
    ("Embedded Service Error", 0x1e),
    ("Vendor Specific Error", 0x1f),
    ("Invalid Parameter", 0x20),
];

/// Classes of objects (volume 1, chapter 5).
pub const CLASSES: &[(&str, u64)] = &[
    ("Identity", 0x01),
    ("Message Router", 0x02),
    ("DeviceNet", 0x03),
    ("Assembly", 0x04),
    ("Connection", 0x05),
    ("Connection Manager", 0x06),
    ("Register", 0x07),
    ("Parameter", 0x0f),
    ("File", 0x37),
    ("Time Sync", 0x43),
    ("Modbus", 0x44),
    ("QoS", 0x48),
    ("CIP Security", 0x5d),
    ("PCCC Class", 0x67),
    ("Port", 0xf4),
    ("TCP/IP Interface", 0xf5),
    ("Ethernet Link", 0xf6),
];

/// Makers that are met most.
pub const VENDORS: &[(&str, u64)] = &[
    ("Rockwell Automation/Allen-Bradley", 1),
    ("Festo Corporation", 26),
    ("Wago Corporation", 40),
    ("Omron Corporation", 47),
    ("HMS Industrial Networks AB", 90),
    ("Beckhoff Automation GmbH", 108),
    ("Schneider Automation Inc.", 243),
    ("Hilscher GmbH", 283),
];

/// Kinds of device (volume 1, chapter 6).
pub const DEVICES: &[(&str, u64)] = &[
    ("AC Drive Device", 2),
    ("General Purpose Discrete I/O", 7),
    ("Communications Adapter", 12),
    ("Programmable Logic Controller", 14),
    ("Position Controller", 16),
    ("DC Drive", 19),
    ("Human-Machine Interface", 24),
    ("CIP Motion Drive", 37),
    ("Generic Device (keyable)", 43),
    ("Managed Ethernet Switch", 44),
];

/// Segments of a path (volume 1, appendix C).
pub const SEGMENTS: &[(&str, u64)] = &[
    ("class_8bit", 0x20),
    ("class_16bit", 0x21),
    ("class_32bit", 0x22),
    ("instance_8bit", 0x24),
    ("instance_16bit", 0x25),
    ("instance_32bit", 0x26),
    ("attribute_8bit", 0x30),
    ("attribute_16bit", 0x31),
    ("attribute_32bit", 0x32),
];

/// The name of a number, or `unknown-` and the number.
pub fn name(table: &[(&'static str, u64)], number: u64) -> String {
    let found = table.iter().find(|(_, known)| *known == number);
    found.map_or_else(|| format!("unknown-{number}"), |(name, _)| (*name).to_owned())
}
