//! Names of commands, dialects, states and controls, as EVE writes them.

use std::borrow::Cow;

/// Commands of SMB 1 (MS-CIFS, 2.2.2.1) that are named.
pub mod command1 {
    #![allow(missing_docs, reason = "the names are the specification's")]
    pub const CLOSE: u8 = 0x04;
    pub const RENAME: u8 = 0x07;
    pub const WRITE: u8 = 0x0b;
    pub const LOCKING_ANDX: u8 = 0x24;
    pub const TRANS: u8 = 0x25;
    pub const WRITE_AND_CLOSE: u8 = 0x2c;
    pub const OPEN_ANDX: u8 = 0x2d;
    pub const READ_ANDX: u8 = 0x2e;
    pub const WRITE_ANDX: u8 = 0x2f;
    pub const TRANS2: u8 = 0x32;
    pub const TRANS2_SECONDARY: u8 = 0x33;
    pub const TREE_DISCONNECT: u8 = 0x71;
    pub const NEGOTIATE: u8 = 0x72;
    pub const SESSION_SETUP: u8 = 0x73;
    pub const LOGOFF: u8 = 0x74;
    pub const TREE_CONNECT: u8 = 0x75;
    pub const NT_CREATE: u8 = 0xa2;
    pub const NT_CANCEL: u8 = 0xa4;
}

/// Commands of SMB 2 (MS-SMB2, 2.2.1).
pub mod command2 {
    #![allow(missing_docs, reason = "the names are the specification's")]
    pub const NEGOTIATE: u16 = 0;
    pub const SESSION_SETUP: u16 = 1;
    pub const TREE_CONNECT: u16 = 3;
    pub const TREE_DISCONNECT: u16 = 4;
    pub const CREATE: u16 = 5;
    pub const CLOSE: u16 = 6;
    pub const READ: u16 = 8;
    pub const WRITE: u16 = 9;
    pub const IOCTL: u16 = 11;
    pub const GET_INFO: u16 = 16;
    pub const SET_INFO: u16 = 17;
}

/// States (MS-ERREF, 2.3) that are asked for.
pub mod status {
    #![allow(missing_docs, reason = "the names are the specification's")]
    pub const SUCCESS: u32 = 0;
    pub const PENDING: u32 = 0x103;
    pub const BUFFER_OVERFLOW: u32 = 0x8000_0005;
    pub const END_OF_FILE: u32 = 0xc000_0011;
}

const COMMANDS_1: &[(u8, &str)] = &[
    (0x00, "CREATE_DIRECTORY"),
    (0x01, "DELETE_DIRECTORY"),
    (0x02, "OPEN"),
    (0x03, "CREATE"),
    (0x04, "CLOSE"),
    (0x05, "FLUSH"),
    (0x06, "DELETE"),
    (0x07, "RENAME"),
    (0x08, "QUERY_INFORMATION"),
    (0x09, "SET_INFORMATION"),
    (0x0a, "READ"),
    (0x0b, "WRITE"),
    (0x0c, "LOCK_BYTE_RANGE"),
    (0x0d, "UNLOCK_BYTE_RANGE"),
    (0x0e, "CREATE_TEMPORARY"),
    (0x0f, "CREATE_NEW"),
    (0x10, "CHECK_DIRECTORY"),
    (0x11, "PROCESS_EXIT"),
    (0x12, "SEEK"),
    (0x13, "LOCK_AND_READ"),
    (0x14, "WRITE_AND_UNLOCK"),
    (0x24, "LOCKING_ANDX"),
    (0x25, "TRANS"),
    (0x2b, "ECHO"),
    (0x2c, "WRITE_AND_CLOSE"),
    (0x2d, "OPEN_ANDX"),
    (0x2e, "READ_ANDX"),
    (0x2f, "WRITE_ANDX"),
    (0x32, "TRANS2"),
    (0x33, "TRANS2_SECONDARY"),
    (0x34, "FIND_CLOSE2"),
    (0x71, "TREE_DISCONNECT"),
    (0x72, "NEGOTIATE_PROTOCOL"),
    (0x73, "SESSION_SETUP_ANDX"),
    (0x74, "LOGOFF_ANDX"),
    (0x75, "TREE_CONNECT_ANDX"),
    (0x80, "QUERY_INFO_DISK"),
    (0xa0, "NT_TRANS"),
    (0xa1, "NT_TRANS_SECONDARY"),
    (0xa2, "NT_CREATE_ANDX"),
    (0xa4, "NT_CANCEL"),
];

const COMMANDS_2: [&str; 19] = [
    "NEGOTIATE_PROTOCOL",
    "SESSION_SETUP",
    "SESSION_LOGOFF",
    "TREE_CONNECT",
    "TREE_DISCONNECT",
    "CREATE",
    "CLOSE",
    "FLUSH",
    "READ",
    "WRITE",
    "LOCK",
    "IOCTL",
    "CANCEL",
    "KEEPALIVE",
    "FIND",
    "CHANGE_NOTIFY",
    "GET_INFO",
    "SET_INFO",
    "OPLOCK_BREAK",
];

const STATES: &[(u32, &str)] = &[
    (0, "SUCCESS"),
    (0x103, "PENDING"),
    (0x8000_0005, "BUFFER_OVERFLOW"),
    (0x8000_0006, "NO_MORE_FILES"),
    (0x8000_001a, "NO_MORE_ENTRIES"),
    (0xc000_0003, "INVALID_INFO_CLASS"),
    (0xc000_0008, "INVALID_HANDLE"),
    (0xc000_000d, "INVALID_PARAMETER"),
    (0xc000_000e, "NO_SUCH_DEVICE"),
    (0xc000_000f, "NO_SUCH_FILE"),
    (0xc000_0010, "INVALID_DEVICE_REQUEST"),
    (0xc000_0011, "END_OF_FILE"),
    (0xc000_0016, "MORE_PROCESSING_REQUIRED"),
    (0xc000_0022, "ACCESS_DENIED"),
    (0xc000_0023, "BUFFER_TOO_SMALL"),
    (0xc000_0033, "OBJECT_NAME_INVALID"),
    (0xc000_0034, "OBJECT_NAME_NOT_FOUND"),
    (0xc000_0035, "OBJECT_NAME_COLLISION"),
    (0xc000_003a, "OBJECT_PATH_NOT_FOUND"),
    (0xc000_0043, "SHARING_VIOLATION"),
    (0xc000_0054, "LOCK_CONFLICT"),
    (0xc000_0055, "LOCK_NOT_GRANTED"),
    (0xc000_0056, "DELETE_PENDING"),
    (0xc000_0061, "PRIVILEGE_NOT_HELD"),
    (0xc000_006a, "WRONG_PASSWORD"),
    (0xc000_006d, "LOGON_FAILURE"),
    (0xc000_006e, "ACCOUNT_RESTRICTION"),
    (0xc000_0071, "PASSWORD_EXPIRED"),
    (0xc000_0072, "ACCOUNT_DISABLED"),
    (0xc000_00ac, "PIPE_NOT_AVAILABLE"),
    (0xc000_00b0, "PIPE_DISCONNECTED"),
    (0xc000_00ba, "FILE_IS_A_DIRECTORY"),
    (0xc000_00bb, "NOT_SUPPORTED"),
    (0xc000_00c9, "NETWORK_NAME_DELETED"),
    (0xc000_00cc, "BAD_NETWORK_NAME"),
    (0xc000_00d0, "REQUEST_NOT_ACCEPTED"),
    (0xc000_00e2, "OPLOCK_NOT_GRANTED"),
    (0xc000_0103, "NOT_A_DIRECTORY"),
    (0xc000_0120, "CANCELLED"),
    (0xc000_0128, "FILE_CLOSED"),
    (0xc000_014b, "PIPE_BROKEN"),
    (0xc000_018d, "TRUSTED_RELATIONSHIP_FAILURE"),
    (0xc000_019c, "FS_DRIVER_REQUIRED"),
    (0xc000_0203, "USER_SESSION_DELETED"),
    (0xc000_0205, "INSUFF_SERVER_RESOURCES"),
    (0xc000_0225, "NOT_FOUND"),
    (0xc000_0234, "ACCOUNT_LOCKED_OUT"),
    (0xc000_0257, "PATH_NOT_COVERED"),
    (0xc000_0275, "NOT_A_REPARSE_POINT"),
    (0xc000_035c, "NETWORK_SESSION_EXPIRED"),
];

const CONTROLS: &[(u32, &str)] = &[
    (0x0006_0194, "FSCTL_DFS_GET_REFERRALS"),
    (0x0006_01b0, "FSCTL_DFS_GET_REFERRALS_EX"),
    (0x0009_00a4, "FSCTL_SET_REPARSE_POINT"),
    (0x0009_8208, "FSCTL_FILE_LEVEL_TRIM"),
    (0x0011_000c, "FSCTL_PIPE_PEEK"),
    (0x0011_0018, "FSCTL_PIPE_WAIT"),
    (0x0011_c017, "FSCTL_PIPE_TRANSCEIVE"),
    (0x0014_0078, "FSCTL_SRV_REQUEST_RESUME_KEY"),
    (0x0014_01d4, "FSCTL_LMR_REQUEST_RESILIENCY"),
    (0x0014_01fc, "FSCTL_QUERY_NETWORK_INTERFACE_INFO"),
    (0x0014_0204, "FSCTL_VALIDATE_NEGOTIATE_INFO"),
    (0x0014_4064, "FSCTL_SRV_ENUMERATE_SNAPSHOTS"),
    (0x0014_40f2, "FSCTL_SRV_COPYCHUNK"),
    (0x0014_41bb, "FSCTL_SRV_READ_HASH"),
    (0x0014_80f2, "FSCTL_SRV_COPYCHUNK_WRITE"),
];

/// The name of a command of SMB 1 or 2.
pub fn command(version: u8, number: u16) -> Cow<'static, str> {
    let name = match version {
        1 => COMMANDS_1.iter().find(|(of, _)| u16::from(*of) == number).map(|(_, name)| *name),
        _ => COMMANDS_2.get(usize::from(number)).copied(),
    };
    match name {
        Some(name) => {
            Cow::Owned([if version == 1 { "SMB1" } else { "SMB2" }, "_COMMAND_", name].concat())
        }
        None => Cow::Owned(number.to_string()),
    }
}

/// The name of a dialect of SMB 2 or 3.
pub fn dialect(number: u16) -> Cow<'static, str> {
    Cow::Borrowed(match number {
        0x0202 => "2.02",
        0x0210 => "2.10",
        0x0222 => "2.22",
        0x0224 => "2.24",
        0x02ff => "2.??",
        0x0300 => "3.00",
        0x0302 => "3.02",
        0x0310 => "3.10",
        0x0311 => "3.11",
        other => return Cow::Owned(other.to_string()),
    })
}

/// The name of a state.
pub fn status(number: u32) -> Cow<'static, str> {
    match STATES.iter().find(|(of, _)| *of == number) {
        Some((_, name)) => Cow::Owned(["STATUS_", name].concat()),
        None => Cow::Owned(number.to_string()),
    }
}

/// The name of an error of DOS: its class and its code.
pub fn dos_error(class: u8, code: u16) -> Cow<'static, str> {
    Cow::Borrowed(match (class, code) {
        (1, 0) => "DOS_SUCCESS",
        (1, 1) => "DOS_BAD_FUNC",
        (1, 2) => "DOS_BAD_FILE",
        (1, 3) => "DOS_BAD_PATH",
        (1, 4) => "DOS_TOO_MANY_OPEN_FILES",
        (1, 5) => "DOS_ACCESS_DENIED",
        (2, 1) => "SRV_ERROR",
        (2, 2) => "SRV_BADPW",
        (2, 3) => "SRV_BADTYPE",
        (2, 4) => "SRV_ACCESS",
        (2, 91) => "SRV_BADUID",
        (1 | 2, code) => return Cow::Owned(code.to_string()),
        (class, code) => return Cow::Owned(format!("UNKNOWN_{class:02x}_{code:04x}")),
    })
}

/// The name of a control (MS-FSCC, 2.3; MS-SMB2, 2.2.31).
pub fn control(number: u32) -> Cow<'static, str> {
    match CONTROLS.iter().find(|(of, _)| *of == number) {
        Some((_, name)) => Cow::Borrowed(name),
        None => Cow::Owned(number.to_string()),
    }
}

/// Whether a pipe of this name carries remote procedure calls; a leading backslash is passed over.
pub fn is_procedure_pipe(name: &[u8]) -> bool {
    let bare = name.strip_prefix(b"\\").unwrap_or(name);
    let known: [&[u8]; 8] = [
        b"svcctl",
        b"srvsvc",
        b"atsvc",
        b"lsarpc",
        b"samr",
        b"spoolss",
        b"winreg",
        super::state::SUPPOSED,
    ];
    known.contains(&bare)
}
