//! The stages of an attack, in the order in which most go: told from the technique of ATT&CK that
//! a finding or a rule names, else from the tactic or the class of the rule.

use crate::anomaly::Said;
use crate::record::Signature;

/// How far an attack has come. Discovery within the network counts as reconnaissance, execution
/// and persistence on another machine as lateral movement: that is how they look on the wire.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub enum Stage {
    /// Looking for what is there.
    Reconnaissance,
    /// Getting in.
    InitialAccess,
    /// Getting passwords, or traffic that carries them.
    CredentialAccess,
    /// Talking to who directs it.
    CommandAndControl,
    /// Going on to other machines.
    LateralMovement,
    /// Carrying data out.
    Exfiltration,
    /// Touching the process that industrial devices control.
    ProcessControl,
    /// Doing harm: encryption, destruction, overload, stolen computing time.
    Impact,
}

impl Stage {
    /// As EVE writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reconnaissance => "reconnaissance",
            Self::InitialAccess => "initial-access",
            Self::CredentialAccess => "credential-access",
            Self::CommandAndControl => "command-and-control",
            Self::LateralMovement => "lateral-movement",
            Self::Exfiltration => "exfiltration",
            Self::ProcessControl => "process-control",
            Self::Impact => "impact",
        }
    }

    /// As people are told.
    pub(super) fn words(self) -> Said {
        match self {
            Self::Reconnaissance => Said::new("ricognizione", "reconnaissance"),
            Self::InitialAccess => Said::new("tentativo di entrare", "attempt to get in"),
            Self::CredentialAccess => Said::new("caccia alle password", "hunt for passwords"),
            Self::CommandAndControl => Said::new("comando a distanza", "remote control"),
            Self::LateralMovement => {
                Said::new("passaggio ad altre macchine", "movement to other machines")
            }
            Self::Exfiltration => Said::new("uscita di dati", "data carried out"),
            Self::ProcessControl => {
                Said::new("intervento sull'impianto industriale", "touching the industrial process")
            }
            Self::Impact => Said::new("danno", "harm"),
        }
    }

    /// The stage of what a detector found.
    pub(super) fn of_finding(detector: &str, technique: &str) -> Option<Self> {
        match detector {
            // A weak habit or a rarity is no step of an attack, whatever it may be used for.
            "cleartext" | "forest" | "volume" | "health" => None,
            _ => Self::of_technique(technique),
        }
    }

    /// The stage of what a rule matched.
    pub fn of_signature(signature: &Signature) -> Option<Self> {
        let value = |key: &str| signature.said(key).unwrap_or_default();
        Self::of_technique(value("mitre_technique_id"))
            .or_else(|| Self::of_tactic(value("mitre_tactic_id")))
            .or_else(|| Self::of_category(&signature.category))
    }

    /// The stage of a technique of ATT&CK (Enterprise or ICS), sub-technique or not.
    fn of_technique(technique: &str) -> Option<Self> {
        let base = technique.split('.').next().unwrap_or_default();
        Some(match base {
            // Discovery in ICS, and monitoring of the process: nothing was changed.
            "T0840" | "T0842" | "T0846" | "T0861" | "T0868" | "T0877" | "T0888" => {
                Self::Reconnaissance
            }
            "T1595" | "T1590" | "T1592" | "T1589" | "T1046" | "T1018" | "T1135" | "T1087"
            | "T1033" | "T1016" | "T1049" | "T1069" | "T1082" | "T1482" => Self::Reconnaissance,
            "T1190" | "T1133" | "T1200" | "T1566" | "T1189" | "T1078" | "T1195" | "T1203"
            | "T1059" | "T1505" => Self::InitialAccess,
            "T1110" | "T1003" | "T1558" | "T1557" | "T1187" | "T1040" | "T1552" | "T1555"
            | "T1556" | "T1649" => Self::CredentialAccess,
            "T1021" | "T1570" | "T1550" | "T1210" | "T1047" | "T1053" | "T1543" | "T1569"
            | "T1112" | "T1098" | "T1136" | "T1070" | "T1563" => Self::LateralMovement,
            "T1001" | "T1008" | "T1071" | "T1090" | "T1092" | "T1095" | "T1102" | "T1104"
            | "T1105" | "T1132" | "T1205" | "T1219" | "T1568" | "T1571" | "T1572" | "T1573" => {
                Self::CommandAndControl
            }
            "T1011" | "T1020" | "T1029" | "T1030" | "T1041" | "T1048" | "T1052" | "T1537"
            | "T1567" => Self::Exfiltration,
            "T1485" | "T1486" | "T1489" | "T1490" | "T1491" | "T1495" | "T1496" | "T1498"
            | "T1499" | "T1529" | "T1531" | "T1561" | "T1565" => Self::Impact,
            _ if base.starts_with("T08") => Self::ProcessControl,
            _ => return None,
        })
    }

    fn of_tactic(tactic: &str) -> Option<Self> {
        Some(match tactic {
            "TA0043" | "TA0007" | "TA0102" => Self::Reconnaissance,
            "TA0001" | "TA0002" | "TA0108" => Self::InitialAccess,
            "TA0006" => Self::CredentialAccess,
            "TA0008" | "TA0109" | "TA0003" => Self::LateralMovement,
            "TA0011" | "TA0101" => Self::CommandAndControl,
            "TA0010" => Self::Exfiltration,
            "TA0106" | "TA0107" => Self::ProcessControl,
            "TA0040" | "TA0105" => Self::Impact,
            _ => return None,
        })
    }

    /// Descriptions of Suricata's `classification.config`.
    fn of_category(category: &str) -> Option<Self> {
        Some(match category {
            "Attempted Information Leak" | "Detection of a Network Scan" | "Information Leak" => {
                Self::Reconnaissance
            }
            "Web Application Attack"
            | "Attempted Administrator Privilege Gain"
            | "Attempted User Privilege Gain"
            | "Successful Administrator Privilege Gain"
            | "Successful User Privilege Gain"
            | "Executable code was detected"
            | "Exploit Kit Activity Detected"
            | "access to a potentially vulnerable web application" => Self::InitialAccess,
            "Successful Credential Theft Detected"
            | "An attempted login using a suspicious username was detected"
            | "Attempt to login by a default username and password" => Self::CredentialAccess,
            "A Network Trojan was detected"
            | "Malware Command and Control Activity Detected"
            | "Domain Observed Used for C2 Detected" => Self::CommandAndControl,
            "Attempted Denial of Service"
            | "Denial of Service"
            | "Detection of a Denial of Service Attack"
            | "Crypto Currency Mining Activity Detected" => Self::Impact,
            _ => return None,
        })
    }
}
