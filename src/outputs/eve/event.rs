//! A record as an EVE object: Suricata's names and nesting (user guide, "EVE JSON Format").

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::incident;
use crate::field::Tree;
use crate::net::{Direction, ip_protocol, ip_protocol_name, tcp_flags};
use crate::outputs::json::Json;
use crate::record::{
    Alert, Anomaly, Application, Arp, Body, Context, FileRecord, Finding, FlowCounters, FlowRecord,
    NamedText, Packet, Pairs, Record, Signature, TcpRecord, TransactionRecord,
};

/// Writes `record` as one line; nothing for records that only detectors read. `file_id` numbers
/// files that are stored.
pub fn write(record: &Record, file_id: u64, out: &mut Vec<u8>) {
    let event_type = match &record.body {
        Body::Alert(_) | Body::Finding(_) => "alert",
        Body::Flow(_) => "flow",
        Body::Transaction(of) if of.protocol.is_empty() || !of.transaction.is_logged() => return,
        Body::Transaction(transaction) => transaction.protocol,
        Body::File(_) => "fileinfo",
        Body::Anomaly(_) => "anomaly",
        Body::Incident(_) => "incident",
        Body::Arp(_) => "arp",
        Body::Packet(_) => "packet",
        _ => return,
    };
    Json::line(out, |json| {
        head(record, event_type, json);
        match &record.body {
            Body::Alert(alert) => write_alert(alert, &record.context, json),
            Body::Flow(flow) => write_flow(flow, json),
            Body::Transaction(transaction) => write_transaction(transaction, json),
            Body::File(file) => write_file(file, file_id, json),
            Body::Finding(finding) => write_finding(finding, json),
            Body::Anomaly(anomaly) => write_anomaly(anomaly, json),
            Body::Incident(incident) => incident::write(incident, json),
            Body::Arp(arp) => write_arp(arp, json),
            Body::Packet(packet) => write_packet(packet, json),
            _ => {}
        }
    });
}

fn head(record: &Record, event_type: &str, json: &mut Json<'_>) {
    let context = &record.context;
    json.time("timestamp", record.timestamp);
    if let Some(id) = context.flow_id {
        json.int("flow_id", id);
    }
    let of_many = matches!(record.body, Body::Flow(_) | Body::Finding(_) | Body::Incident(_));
    if !of_many && record.sequence > 0 {
        json.int("pcap_cnt", record.sequence);
    }
    json.plain("event_type", event_type);
    if context.vlan != [0; crate::net::VLAN_LAYERS_MAX] {
        json.list("vlan", &mut |list| {
            context.vlan.iter().filter(|id| **id != 0).for_each(|id| list.int("", (*id).into()));
        });
    }
    let ported =
        matches!(context.protocol, ip_protocol::TCP | ip_protocol::UDP | ip_protocol::SCTP);
    for (ip, port, end) in
        [("src_ip", "src_port", context.source), ("dest_ip", "dest_port", context.destination)]
    {
        if let Some(end) = end {
            json.address(ip, end.addr);
            if ported {
                json.int(port, end.port.into());
            }
        }
    }
    if context.source.is_some() && !matches!(record.body, Body::Incident(_) | Body::Arp(_)) {
        match ip_protocol_name(context.protocol) {
            Some(name) => json.plain("proto", name),
            None => json.text("proto", context.protocol.to_string().as_bytes()),
        }
    }
    if matches!(context.ip_version, 4 | 6) {
        json.int("ip_v", context.ip_version.into());
    }
    if let Some((kind, code)) = context.icmp {
        json.int("icmp_type", kind.into());
        json.int("icmp_code", code.into());
    }
}

fn write_alert(alert: &Alert, context: &Context, json: &mut Json<'_>) {
    if let Some(id) = alert.transaction_id {
        json.int("tx_id", id);
    }
    write_state(alert, json);
    json.object("alert", &mut |object| {
        write_signature(&alert.signature, context, object);
        if let Some(reason) = &alert.suppressed {
            object.text("suppressed", reason.as_bytes());
        }
        let own = alert.captured.as_ref().map_or(&[][..], |captured| &captured.alert);
        if !own.is_empty() {
            object.object("context", &mut |object| {
                own.iter().for_each(|text| object.text(&text.name, &text.value));
            });
        }
    });
    write_application(alert.application.as_ref(), json);
    if let Some(name) = alert.app_protocol {
        json.plain("app_proto", name);
    }
    if let Some(direction) = alert.direction {
        let name = if direction == Direction::ToServer { "to_server" } else { "to_client" };
        json.plain("direction", name);
    }
    if let Some(counters) = &alert.flow {
        json.object("flow", &mut |object| {
            write_counters(counters, object);
            object.text("start", &counters.start.text());
        });
    }
}

/// What rules keep of the flow and the packet.
fn write_state(alert: &Alert, json: &mut Json<'_>) {
    let of_flow = alert.captured.as_ref().map_or(&[][..], |captured| &captured.flow);
    let of_packet = alert.captured.as_ref().map_or(&[][..], |captured| &captured.packet);
    let texts = !of_flow.is_empty() || !of_packet.is_empty();
    if alert.flowbits.is_empty() && alert.flowints.is_empty() && !texts {
        return;
    }
    json.object("metadata", &mut |metadata| {
        if !alert.flowbits.is_empty() {
            metadata.list("flowbits", &mut |list| {
                alert.flowbits.iter().for_each(|name| list.text("", name.as_bytes()));
            });
        }
        if !alert.flowints.is_empty() {
            metadata.object("flowints", &mut |object| {
                let numbers = alert.flowints.iter();
                numbers.for_each(|(name, value)| object.int(name, (*value).into()));
            });
        }
        write_texts("flowvars", of_flow, metadata);
        write_texts("pktvars", of_packet, metadata);
    });
}

/// Texts that expressions captured, an object each.
fn write_texts(key: &str, texts: &[NamedText], object: &mut dyn Tree) {
    if !texts.is_empty() {
        object.list(key, &mut |list| {
            for text in texts {
                list.object("", &mut |object| object.text(&text.name, &text.value));
            }
        });
    }
}

fn write_signature(signature: &Signature, context: &Context, object: &mut dyn Tree) {
    object.text("action", signature.action.as_bytes());
    object.int("gid", signature.gid.into());
    object.int("signature_id", signature.sid.into());
    object.int("rev", signature.rev.into());
    object.text("signature", signature.message.as_bytes());
    object.text("category", signature.category.as_bytes());
    object.int("severity", signature.severity.into());
    if let Some(target_source) = signature.target_source {
        let ends = if target_source {
            [("source", context.destination), ("target", context.source)]
        } else {
            [("source", context.source), ("target", context.destination)]
        };
        for (key, end) in ends {
            if let Some(end) = end {
                object.object(key, &mut |object| {
                    object.text("ip", end.addr.to_string().as_bytes());
                    object.int("port", end.port.into());
                });
            }
        }
    }
    if !signature.metadata.is_empty() {
        object.object("metadata", &mut |object| write_metadata(&signature.metadata, object));
    }
    if !signature.references.is_empty() {
        object.list("references", &mut |list| {
            for (kind, name) in signature.references.iter() {
                list.text("", reference_url(kind, name).as_bytes());
            }
        });
    }
}

/// Values of one key stand in one list, keys in the order of their first mention.
fn write_metadata(pairs: &Pairs, object: &mut dyn Tree) {
    for (i, (key, _)) in pairs.iter().enumerate() {
        if pairs.iter().take(i).any(|(earlier, _)| earlier == key) {
            continue;
        }
        object.list(key, &mut |list| {
            let same = pairs.iter().filter(|(other, _)| *other == key);
            same.for_each(|(_, value)| list.text("", value.as_bytes()));
        });
    }
}

fn reference_url(kind: &str, name: &str) -> String {
    let prefix = match kind {
        "url" => "http://",
        "cve" => "https://cve.mitre.org/cgi-bin/cvename.cgi?name=",
        "bugtraq" => "http://www.securityfocus.com/bid/",
        "nessus" => "http://cgi.nessus.org/plugins/dump.php3?id=",
        "md5" => "http://www.threatexpert.com/report.aspx?md5=",
        "et" => "http://doc.emergingthreats.net/",
        _ => "",
    };
    if name.starts_with("http://") || name.starts_with("https://") {
        return name.to_owned();
    }
    format!("{prefix}{name}")
}

fn write_counters(counters: &FlowCounters, object: &mut dyn Tree) {
    let [packets_there, packets_back] = counters.packets;
    let [bytes_there, bytes_back] = counters.bytes;
    object.int("pkts_toserver", packets_there);
    object.int("pkts_toclient", packets_back);
    object.int("bytes_toserver", bytes_there);
    object.int("bytes_toclient", bytes_back);
}

fn write_flow(flow: &FlowRecord, json: &mut Json<'_>) {
    if let Some((kind, code)) = flow.icmp_response {
        json.int("response_icmp_type", kind.into());
        json.int("response_icmp_code", code.into());
    }
    if let Some(name) = flow.app_protocol {
        json.plain("app_proto", name);
    }
    if !flow.texts.is_empty() {
        json.object("metadata", &mut |object| write_texts("flowvars", &flow.texts, object));
    }
    json.object("flow", &mut |object| {
        let counters = &flow.counters;
        write_counters(counters, object);
        object.text("start", &counters.start.text());
        object.text("end", &counters.end.text());
        object.int("age", counters.end.seconds().saturating_sub(counters.start.seconds()));
        object.text("state", flow.state.as_bytes());
        object.text("reason", flow.reason.as_bytes());
        object.bool("alerted", flow.alerted);
        if flow.transactions > 0 {
            object.int("tx_cnt", flow.transactions);
        }
    });
    if let Some(tcp) = &flow.tcp {
        json.object("tcp", &mut |object| write_tcp(tcp, object));
    }
}

fn write_tcp(tcp: &TcpRecord, object: &mut dyn Tree) {
    let [there, back] = tcp.flags;
    let hex = |flags: u8| crate::outputs::json::hex(flags);
    object.text("tcp_flags", &hex(there | back));
    object.text("tcp_flags_ts", &hex(there));
    object.text("tcp_flags_tc", &hex(back));
    for (bit, name) in [
        (tcp_flags::SYN, "syn"),
        (tcp_flags::FIN, "fin"),
        (tcp_flags::RST, "rst"),
        (tcp_flags::PSH, "psh"),
        (tcp_flags::ACK, "ack"),
        (tcp_flags::URG, "urg"),
        (tcp_flags::ECE, "ecn"),
        (tcp_flags::CWR, "cwr"),
    ] {
        if (there | back) & bit != 0 {
            object.bool(name, true);
        }
    }
    if !tcp.state.is_empty() {
        object.text("state", tcp.state.as_bytes());
    }
    let [gap_there, gap_back] = tcp.gap;
    if gap_there {
        object.bool("ts_gap", true);
    }
    if gap_back {
        object.bool("tc_gap", true);
    }
}

/// Ethernet and IPv4 alone are read (RFC 826).
fn write_arp(arp: &Arp, json: &mut Json<'_>) {
    json.object("arp", &mut |object| {
        object.text("hw_type", b"ethernet");
        object.text("proto_type", b"ipv4");
        let opcode = match arp.operation {
            1 => "request".to_owned(),
            2 => "reply".to_owned(),
            other => other.to_string(),
        };
        object.text("opcode", opcode.as_bytes());
        let ends = [
            ("src_mac", arp.sender_mac, "src_ip", arp.sender),
            ("dest_mac", arp.target_mac, "dest_ip", arp.target),
        ];
        for (mac_key, mac, ip_key, ip) in ends {
            let mac = mac.map(|byte| format!("{byte:02x}")).join(":");
            object.text(mac_key, mac.as_bytes());
            object.text(ip_key, ip.to_string().as_bytes());
        }
    });
}

/// A packet that a rule wants kept.
fn write_packet(packet: &Packet, json: &mut Json<'_>) {
    json.plain("packet", &STANDARD.encode(&packet.bytes));
    json.object("packet_info", &mut |object| object.int("linktype", packet.link.into()));
}

fn write_transaction(record: &TransactionRecord, json: &mut Json<'_>) {
    json.int("tx_id", record.id);
    json.object(record.protocol, &mut |object| record.transaction.describe(object));
    record.transaction.beside(json);
}

fn write_application(application: Option<&Application>, json: &mut Json<'_>) {
    if let Some(application) = application {
        application.object.write(application.name, json);
        application.beside.write_content(json);
    }
}

fn write_file(file: &FileRecord, file_id: u64, json: &mut Json<'_>) {
    write_application(file.application.as_ref(), json);
    json.plain("app_proto", file.app_protocol);
    json.object("fileinfo", &mut |object| {
        object.text("filename", &file.name);
        if !file.sids.is_empty() {
            object.list("sid", &mut |list| {
                file.sids.iter().for_each(|sid| list.int("", u64::from(*sid)));
            });
        }
        if let Some(magic) = file.magic {
            object.text("magic", magic.as_bytes());
        }
        object.bool("gaps", file.gap);
        object.text("state", file.state.name().as_bytes());
        for (key, hash) in [("md5", &file.md5), ("sha1", &file.sha1), ("sha256", &file.sha256)] {
            if let Some(hash) = hash {
                object.text(key, &crate::outputs::json::hex_of(hash));
            }
        }
        object.bool("stored", file.stored);
        if file.stored {
            object.int("file_id", file_id);
        }
        object.int("size", file.size);
        if file.start > 0 {
            object.int("start", file.start);
            object.int("end", file.start.saturating_add(file.size.saturating_sub(1)));
        }
        object.int("tx_id", file.transaction_id);
    });
}

/// Protocols whose events Suricata writes in upper case; those of the others in lower case.
const UPPER_CASE: &[&str] = &["http", "tls", "smtp", "ftp", "ftp-data", "dnp3"];

fn write_anomaly(anomaly: &Anomaly, json: &mut Json<'_>) {
    json.object("anomaly", &mut |object| {
        if let Some(name) = anomaly.app_protocol {
            object.text("app_proto", name.as_bytes());
        }
        object.text("type", anomaly.kind.as_bytes());
        // Rules write `http.bad_line`, the record says whose it is beside it.
        let bare = |name: &'static str| name.split_once('.').map_or(name, |(_, bare)| bare);
        let name = anomaly.event.name;
        match anomaly.kind {
            "applayer" => {
                let upper = anomaly.app_protocol.is_none_or(|name| UPPER_CASE.contains(&name))
                    || name.starts_with("applayer_");
                let name = bare(name);
                match upper {
                    true => object.text("event", name.to_ascii_uppercase().as_bytes()),
                    false => object.text("event", name.as_bytes()),
                }
                object.text("layer", b"proto_parser");
            }
            "stream" => object.text("event", format!("stream.{name}").as_bytes()),
            _ => object.text("event", format!("decoder.{name}").as_bytes()),
        }
    });
}

fn write_finding(finding: &Finding, json: &mut Json<'_>) {
    json.object("alert", &mut |object| {
        object.text("action", b"allowed");
        object.int("gid", finding.gid.into());
        object.int("signature_id", finding.sid.into());
        object.int("rev", 1);
        object.text("signature", finding.title.as_bytes());
        object.text("category", b"Behaviour");
        object.int("severity", finding.level.severity().into());
        if !finding.technique.is_empty() {
            object.object("metadata", &mut |object| {
                object.list("mitre_technique_id", &mut |list| {
                    list.text("", finding.technique.as_bytes());
                });
            });
        }
    });
    json.object("finding", &mut |object| {
        object.text("detector", finding.detector.as_bytes());
        object.text("level", finding.level.name().as_bytes());
        object.float("score", finding.score);
        object.float("threshold", finding.threshold);
        object.float("confidence", finding.confidence);
        for (key, pairs) in [("numbers", &finding.numbers), ("baseline", &finding.baseline)] {
            object.object(key, &mut |object| {
                pairs.iter().for_each(|(key, node)| node.write(key, object));
            });
        }
        object.list("evidence", &mut |list| {
            finding.evidence.iter().for_each(|id| list.int("", *id));
        });
        if !finding.technique.is_empty() {
            object.text("technique", finding.technique.as_bytes());
        }
        object.list("acn", &mut |list| {
            finding.acn.iter().for_each(|tag| list.text("", tag.as_bytes()));
        });
        object.float("took", finding.took.as_secs_f64());
        if let Some(reason) = &finding.suppressed {
            object.text("suppressed", reason.as_bytes());
        }
        object.object("explain", &mut |object| {
            object.text("it", finding.explain_it.as_bytes());
            object.text("en", finding.explain_en.as_bytes());
        });
    });
}
