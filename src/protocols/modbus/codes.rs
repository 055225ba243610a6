//! Function codes and what they mean (Modbus Application Protocol Specification V1.1b3).

/// Public function codes by number, named as EVE names them.
const FUNCTIONS: &[(u8, &str)] = &[
    (1, "RdCoils"),
    (2, "RdDiscreteInputs"),
    (3, "RdHoldRegs"),
    (4, "RdInputRegs"),
    (5, "WrSingleCoil"),
    (6, "WrSingleReg"),
    (7, "RdExcStatus"),
    (DIAGNOSTIC, "Diagnostic"),
    (9, "Program484"),
    (10, "Poll484"),
    (11, "GetCommEventCtr"),
    (12, "GetCommEventLog"),
    (13, "ProgramController"),
    (14, "PollController"),
    (15, "WrMultCoils"),
    (16, "WrMultRegs"),
    (17, "ReportServerID"),
    (18, "Program884"),
    (19, "ResetCommLink"),
    (20, "RdFileRec"),
    (21, "WrFileRec"),
    (MASK_WRITE, "MaskWrReg"),
    (READ_WRITE, "RdWrMultRegs"),
    (24, "RdFIFOQueue"),
    (MEI, "MEI"),
];

/// Diagnostics, with a subfunction.
pub const DIAGNOSTIC: u8 = 8;
/// Mask write register.
pub const MASK_WRITE: u8 = 22;
/// Read and write multiple registers.
pub const READ_WRITE: u8 = 23;
/// Encapsulated interface transport.
pub const MEI: u8 = 43;
/// Set in the function code of an exception.
pub const EXCEPTION: u8 = 0x80;

/// Bits of an access type.
pub mod access {
    #![allow(missing_docs, reason = "the names say it")]
    pub const READ: u8 = 1;
    pub const WRITE: u8 = 2;
    pub const DISCRETES: u8 = 4;
    pub const COILS: u8 = 8;
    pub const INPUT: u8 = 16;
    pub const HOLDING: u8 = 32;
    pub const SINGLE: u8 = 64;
    pub const MULTIPLE: u8 = 128;

    /// Names in the order of the bits, as EVE shows them.
    pub const NAMES: &[&str] =
        &["READ", "WRITE", "DISCRETES", "COILS", "INPUT", "HOLDING", "SINGLE", "MULTIPLE"];
}

/// Bits of a category.
pub mod category {
    #![allow(missing_docs, reason = "the names say it")]
    pub const ASSIGNED: u8 = 1;
    pub const UNASSIGNED: u8 = 2;
    pub const USER: u8 = 4;
    pub const RESERVED: u8 = 8;

    /// Names in the order of the bits, as EVE shows them.
    pub const NAMES: &[&str] =
        &["PUBLIC_ASSIGNED", "PUBLIC_UNASSIGNED", "USER_DEFINED", "RESERVED"];
}

/// EVE's name of a function, the exception bit left out.
pub fn function_name(function: u8) -> &'static str {
    let code = function & !EXCEPTION;
    FUNCTIONS.iter().find(|(number, _)| *number == code).map_or("Unknown", |(_, name)| name)
}

/// What a function does to which table: bits of [`access`].
pub const fn access_type(function: u8) -> u8 {
    match function & !EXCEPTION {
        1 => access::READ | access::COILS,
        2 => access::READ | access::DISCRETES,
        3 => access::READ | access::HOLDING,
        4 => access::READ | access::INPUT,
        5 => access::WRITE | access::COILS | access::SINGLE,
        6 => access::WRITE | access::HOLDING | access::SINGLE,
        15 => access::WRITE | access::COILS | access::MULTIPLE,
        16 => access::WRITE | access::HOLDING | access::MULTIPLE,
        MASK_WRITE => access::WRITE | access::HOLDING,
        READ_WRITE => access::READ | access::WRITE | access::HOLDING | access::MULTIPLE,
        _ => 0,
    }
}

/// Category of a function and its subfunction (section 5 of the specification): a bit of
/// [`category`], or 0 for an impossible code.
pub fn category_of(function: u8, subfunction: Option<u16>) -> u8 {
    let code = function & !EXCEPTION;
    match (code, subfunction) {
        (DIAGNOSTIC, Some(sub)) if diagnostic_name(sub) == "Reserved" => category::RESERVED,
        (MEI, Some(sub)) if mei_name(sub) == "Unknown" => category::RESERVED,
        (DIAGNOSTIC | MEI, None) => 0,
        (code, _) if FUNCTIONS.iter().any(|(number, _)| *number == code) => category::ASSIGNED,
        (0, _) => 0,
        (9..=14 | 41..=42 | 90..=91 | 125..=127, _) => category::RESERVED,
        (65..=72 | 100..=110, _) => category::USER,
        _ => category::UNASSIGNED,
    }
}

/// EVE's name of a diagnostic subfunction (section 6.8).
pub const fn diagnostic_name(subfunction: u16) -> &'static str {
    match subfunction {
        0 => "RetQueryData",
        1 => "RestartCommOpt",
        2 => "RetDiagReg",
        3 => "ChangeInputDelimiter",
        4 => "ForceListenOnlyMode",
        10 => "ClearCtrDiagReg",
        11 => "RetBusMsgCount",
        12 => "RetBusCommErrCount",
        13 => "RetBusExcErrCount",
        14 => "RetServerMsgCount",
        15 => "RetServerNoRespCount",
        16 => "RetServerNAKCount",
        17 => "RetServerBusyCount",
        18 => "RetBusCharOverrunCount",
        19 => "RetOverrunErrCount",
        20 => "ClearOverrunCounterFlag",
        21 => "GetClearPlusStats",
        _ => "Reserved",
    }
}

/// EVE's name of a type of encapsulated interface (section 6.19).
pub const fn mei_name(kind: u16) -> &'static str {
    match kind {
        13 => "CANOpenGenRefReqResp",
        14 => "RdDevId",
        _ => "Unknown",
    }
}

/// EVE's name of an exception code (section 7).
pub const fn exception_name(code: u8) -> &'static str {
    match code {
        1 => "IllegalFunction",
        2 => "IllegalDataAddr",
        3 => "IllegalDataValue",
        4 => "ServerDeviceFail",
        5 => "Ack",
        6 => "ServerDeviceBusy",
        7 => "NegAck",
        8 => "MemParityErr",
        10 => "GatewayPathUnavailable",
        11 => "GatewayTargetFailToResp",
        _ => "Unknown",
    }
}

/// Names of the set bits, joined as EVE shows them.
pub fn flags(bits: u8, names: &[&str]) -> String {
    let set = names.iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1);
    let set: Vec<&str> = set.map(|(_, name)| *name).collect();
    if set.is_empty() { "NONE".to_owned() } else { set.join(" | ") }
}
