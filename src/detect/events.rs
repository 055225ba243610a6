//! The events that the language knows (Suricata 8.0.6), raised here or not.
//!
//! A rule may name any of them: rule files for the reference engine load unchanged. One that is
//! not raised here makes a rule that cannot match.

use std::fmt::Write;

use crate::field::Event;
use crate::protocols::{PROTOCOLS, identify};
use crate::{decode, flow};

/// Who raises an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// Frames and packets: `decode-event`.
    Decode,
    /// TCP: `stream-event`.
    Stream,
    /// Application protocols: `app-layer-event`.
    Application,
}

/// What a name means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// Raised here.
    Raised(&'static Event),
    /// Part of the language, never raised here.
    Never,
    /// Not part of the language.
    Not,
}

/// Looks up a name as rules write it after the keyword's colon.
pub fn event(layer: Layer, name: &str) -> Known {
    let named = |events: &[&'static Event], name: &str| {
        events.iter().copied().find(|event| event.name == name)
    };
    let raised = match layer {
        Layer::Decode => named(decode::EVENTS, name),
        Layer::Stream => named(flow::EVENTS, name),
        Layer::Application => {
            let parsed = name.split_once('.').and_then(|(protocol, rest)| {
                let protocol = PROTOCOLS.iter().find(|known| known.name == protocol)?;
                named(protocol.events, rest).or_else(|| named(protocol.events, name))
            });
            parsed.or_else(|| named(identify::EVENTS, name))
        }
    };
    match raised {
        Some(event) => Known::Raised(event),
        None if names(layer).any(|known| known == name) => Known::Never,
        None => Known::Not,
    }
}

/// All names of a layer that the language has, sorted by group.
pub fn names(layer: Layer) -> impl Iterator<Item = String> {
    let table = match layer {
        Layer::Decode => DECODE,
        Layer::Stream => STREAM,
        Layer::Application => APPLICATION,
    };
    table.iter().flat_map(|(group, names)| {
        names.split(' ').map(move |name| match *group {
            "" => name.to_owned(),
            group => format!("{group}.{name}"),
        })
    })
}

/// A rule for every event that is raised here, as the text of a rule file. The numbers are those
/// of the place in the lists, so that an event keeps its number as long as the lists only grow at
/// their ends; whoever takes rules over gives them numbers of their own.
pub fn rules_of_events() -> String {
    let mut text = String::from("# Rules for malformed traffic, one for each event.\n");
    let plain = |event: &Event| event.name.to_owned();
    group(&mut text, ("PACKET", "decode-event", "pkthdr", DECODE_SIDS), decode::EVENTS, plain);
    group(&mut text, ("STREAM", "stream-event", "tcp", STREAM_SIDS), flow::EVENTS, plain);
    let detection = ("DETECTION", APP_LAYER, "ip", DETECTION_SIDS);
    group(&mut text, detection, identify::EVENTS, plain);
    for (index, protocol) in PROTOCOLS.iter().enumerate() {
        let first = PROTOCOL_SIDS + index * SIDS_PER_PROTOCOL;
        let upper = protocol.name.to_uppercase();
        let head = (upper.as_str(), APP_LAYER, protocol.name, first);
        group(&mut text, head, protocol.events, |event| qualified(protocol.name, event));
    }
    text
}

/// Rules for the events of one list. The head: a name for people, keyword, protocol word, number
/// of the first rule.
fn group(
    text: &mut String,
    (title, keyword, carrier, first): (&str, &str, &str, usize),
    events: &[&'static Event],
    name: impl Fn(&Event) -> String,
) {
    let _ = writeln!(text, "\n# {title}");
    for (sid, event) in (first..).zip(events) {
        // What would end the message or the option is not needed to understand it.
        let message = event.help.trim_end_matches('.').replace(['"', '\\', ';'], "'");
        let name = name(event);
        let _ = writeln!(
            text,
            "alert {carrier} any any -> any any (msg:\"RIVELLINO {title}: {message}\"; \
             {keyword}:{name}; classtype:protocol-command-decode; sid:{sid}; rev:1;)"
        );
    }
}

const APP_LAYER: &str = "app-layer-event";

/// First numbers of the generated rules, of generator 1.
const DECODE_SIDS: usize = 9_100_000;
const STREAM_SIDS: usize = 9_101_000;
const DETECTION_SIDS: usize = 9_102_000;
const PROTOCOL_SIDS: usize = 9_110_000;
const SIDS_PER_PROTOCOL: usize = 1_000;

/// The name of a protocol's event as rules write it.
fn qualified(protocol: &str, event: &Event) -> String {
    match event.name.split_once('.') {
        Some((first, _)) if first == protocol => event.name.to_owned(),
        _ => format!("{protocol}.{}", event.name),
    }
}

/// A group and its names, parted by blanks.
type Names = &'static [(&'static str, &'static str)];

static DECODE: Names = &[
    ("afpacket", "trunc_pkt"),
    ("chdlc", "pkt_too_small"),
    ("dce", "pkt_too_small"),
    ("erspan", "header_too_small too_many_vlan_layers unsupported_version"),
    ("ethernet", "pkt_too_small unknown_ethertype"),
    (
        "gre",
        "pkt_too_small version0_flags version0_hdr_too_big version0_recur version1_chksum \
         version1_flags version1_hdr_too_big version1_malformed_sre_hdr version1_no_key \
         version1_recur version1_route version1_ssr version1_wrong_protocol wrong_version",
    ),
    ("icmpv4", "ipv4_trunc_pkt ipv4_unknown_ver pkt_too_small unknown_code unknown_type"),
    (
        "icmpv6",
        "experimentation_type ipv6_trunc_pkt ipv6_unknown_version mld_message_with_invalid_hl \
         pkt_too_small unassigned_type unknown_code unknown_type",
    ),
    ("ieee8021ah", "header_too_small"),
    ("ipraw", "invalid_ip_version"),
    (
        "ipv4",
        "frag_overlap frag_pkt_too_large hlen_too_small icmpv6 iplen_smaller_than_hlen \
         opt_duplicate opt_eol_required opt_invalid opt_invalid_len opt_malformed \
         opt_pad_required opt_unknown pkt_too_small trunc_pkt wrong_ip_version",
    ),
    (
        "ipv6",
        "data_after_none_header dstopts_only_padding dstopts_unknown_opt exthdr_ah_res_not_null \
         exthdr_dupl_ah exthdr_dupl_dh exthdr_dupl_eh exthdr_dupl_fh exthdr_dupl_hh \
         exthdr_dupl_rh exthdr_invalid_optlen exthdr_useless_fh fh_non_zero_reserved_field \
         frag_invalid_length frag_overlap frag_pkt_too_large hopopts_only_padding \
         hopopts_unknown_opt icmpv4 ipv4_in_ipv6_too_small ipv4_in_ipv6_wrong_version \
         ipv6_in_ipv6_too_small ipv6_in_ipv6_wrong_version pkt_too_small rh_type_0 trunc_exthdr \
         trunc_pkt unknown_next_header wrong_ip_version zero_len_padn",
    ),
    ("ltnull", "pkt_too_small unsupported_type"),
    (
        "mpls",
        "bad_label_implicit_null bad_label_reserved bad_label_router_alert header_too_small \
         pkt_too_small unknown_payload_type",
    ),
    (
        "ppp",
        "ip4_pkt_too_small ip6_pkt_too_small pkt_too_small unsup_proto vju_pkt_too_small \
         wrong_type",
    ),
    ("pppoe", "malformed_tags pkt_too_small wrong_code"),
    ("sll", "pkt_too_small"),
    ("tcp", "hlen_too_small invalid_optlen opt_duplicate opt_invalid_len pkt_too_small"),
    ("", "too_many_layers"),
    ("udp", "hlen_too_small len_invalid pkt_too_small"),
    ("vlan", "header_too_small too_many_layers unknown_type"),
    ("vntag", "header_too_small unknown_type"),
];

static STREAM: Names = &[(
    "",
    "3whs_ack_data_inject 3whs_ack_in_wrong_dir 3whs_async_wrong_seq \
         3whs_right_seq_wrong_ack_evasion 3whs_syn_flood 3whs_syn_resend_diff_seq_on_syn_recv \
         3whs_syn_toclient_on_syn_recv 3whs_synack_flood 3whs_synack_in_wrong_direction \
         3whs_synack_resend_with_diff_seq 3whs_synack_resend_with_different_ack \
         3whs_synack_tfo_data_ignored 3whs_synack_toserver_on_syn_recv \
         3whs_synack_with_wrong_ack 3whs_wrong_seq_wrong_ack 4whs_invalid_ack \
         4whs_synack_with_wrong_ack 4whs_synack_with_wrong_syn 4whs_wrong_seq \
         closewait_ack_out_of_window closewait_fin_out_of_window closewait_invalid_ack \
         closewait_pkt_before_last_ack closing_ack_wrong_seq closing_invalid_ack est_invalid_ack \
         est_packet_out_of_window est_pkt_before_last_ack est_syn_resend est_syn_resend_diff_seq \
         est_syn_toclient est_synack_resend est_synack_resend_with_diff_seq \
         est_synack_resend_with_different_ack est_synack_toserver fin1_ack_wrong_seq \
         fin1_fin_wrong_seq fin1_invalid_ack fin2_ack_wrong_seq fin2_fin_wrong_seq \
         fin2_invalid_ack fin_but_no_session fin_invalid_ack fin_out_of_window fin_syn \
         lastack_ack_wrong_seq lastack_invalid_ack pkt_bad_window_update pkt_broken_ack \
         pkt_invalid_ack pkt_invalid_timestamp pkt_retransmission pkt_spurious_retransmission \
         reassembly_depth_reached reassembly_overlap_different_data \
         reassembly_segment_before_base_seq reassembly_seq_gap \
         reassembly_urgent_oob_limit_reached rst_but_no_session rst_invalid_ack \
         shutdown_syn_resend suspected_rst_inject timewait_ack_wrong_seq timewait_invalid_ack \
         wrong_thread",
)];

static APPLICATION: Names = &[
    (
        "",
        "applayer_detect_protocol_only_one_direction applayer_mismatch_protocol_both_directions \
         applayer_no_tls_after_starttls applayer_proto_detection_skipped \
         applayer_unexpected_protocol applayer_wrong_direction_first_data bittorrent",
    ),
    ("dhcp", "malformed_options truncated_options"),
    (
        "dnp3",
        "bad_link_crc bad_transport_crc flooded len_too_small too_long_reassembly \
         too_many_objects too_many_points unknown_object",
    ),
    (
        "dns",
        "infinite_loop invalid_additionals invalid_authorities invalid_opcode malformed_data \
         name_too_long not_request not_response too_many_labels z_flag_set",
    ),
    ("enip", "invalid_pdu too_many_transactions"),
    (
        "ftp",
        "file_before_port file_without_name request_command_too_long response_command_too_long \
         too_many_transactions",
    ),
    (
        "http",
        "100_continue_already_seen abnormal_ce_header compression_bomb \
         compression_bomb_limit_reached double_encoded_uri \
         duplicate_content_length_field_in_request duplicate_content_length_field_in_response \
         failed_protocol_change file_name_too_long gzip_decompression_failed \
         host_header_ambiguous invalid_authority_port invalid_content_length_field_in_request \
         invalid_content_length_field_in_response invalid_request_chunk_len \
         invalid_request_field_folding invalid_response_chunk_len invalid_response_field_folding \
         invalid_server_port_in_request invalid_transfer_encoding_value_in_request \
         invalid_transfer_encoding_value_in_response lzma_memlimit_reached \
         method_delim_non_compliant missing_host_header multipart_generic_error \
         multipart_invalid_header multipart_no_filedata range_invalid request_auth_unrecognized \
         request_body_unexpected request_chunk_extension request_field_missing_colon \
         request_field_too_long request_header_host_invalid request_header_invalid \
         request_header_repetition request_line_incomplete request_line_invalid \
         request_line_leading_whitespace request_line_missing_protocol \
         request_server_port_tcp_port_mismatch request_too_many_headers request_uri_host_invalid \
         response_abnormal_transfer_encoding response_chunk_extension response_chunked_old_proto \
         response_field_missing_colon response_field_too_long response_header_invalid \
         response_header_repetition response_invalid_protocol response_invalid_status \
         response_multipart_byteranges response_too_many_headers too_many_encoding_layers \
         too_many_warnings unable_to_match_response_to_request unknown_error \
         uri_delim_non_compliant",
    ),
    (
        "http2",
        "authority_host_mismatch compression_bomb data_stream_zero dns_request_too_long \
         dns_response_too_long extra_header_data failed_decompression header_integer_overflow \
         invalid_client_magic invalid_frame_data invalid_frame_header invalid_frame_length \
         invalid_header invalid_http1_settings invalid_range long_frame_data \
         reassembly_limit_reached stream_id_reuse too_many_frames too_many_streams \
         userinfo_in_uri",
    ),
    (
        "ike",
        "invalid_proposal malformed_data multiple_server_proposal no_encryption unknown_proposal \
         weak_crypto_auth weak_crypto_dh weak_crypto_enc weak_crypto_no_auth weak_crypto_no_dh \
         weak_crypto_prf",
    ),
    ("krb5", "malformed_data weak_encryption"),
    ("ldap", "invalid_data request_not_found too_many_responses too_many_transactions"),
    (
        "mdns",
        "infinite_loop invalid_additionals invalid_authorities invalid_opcode malformed_data \
         name_too_long not_request not_response too_many_labels z_flag_set",
    ),
    (
        "modbus",
        "flooded invalid_exception_code invalid_function_code invalid_length invalid_protocol_id \
         invalid_value unsolicited_response value_mismatch",
    ),
    (
        "mqtt",
        "double_connect invalid_qos_level malformed_traffic missing_connect missing_msg_id \
         missing_publish missing_subscribe missing_unsubscribe too_many_messages \
         too_many_transactions unassigned_msg_type unintroduced_message",
    ),
    ("nfs", "malformed_data too_many_transactions"),
    ("ntp", "malformed_data"),
    ("pgsql", "invalid_length malformed_request malformed_response too_many_transactions"),
    (
        "pop3",
        "incorrect_argument_count request_too_long response_too_long too_many_transactions \
         unknown_command",
    ),
    ("quic", "crypto_frag_too_long error_on_data failed_decrypt"),
    ("rfb", "confused_state malformed_message unimplemented_security_type unknown_security_result"),
    (
        "smb",
        "file_overlap internal_error malformed_data malformed_ntlmssp_request \
         negotiate_malformed_dialects negotiate_max_read_size_too_large \
         negotiate_max_write_size_too_large read_queue_cnt_exceeded read_queue_size_exceeded \
         read_request_too_large read_response_too_large request_to_client response_to_server \
         too_many_transactions write_queue_cnt_exceeded write_queue_size_exceeded \
         write_request_too_large",
    ),
    (
        "smtp",
        "bdat_chunk_len_exceeded data_command_rejected duplicate_fields failed_protocol_change \
         invalid_pipelined_sequence invalid_reply max_command_line_len_exceeded \
         max_reply_line_len_exceeded mime_invalid_base64 mime_invalid_qp mime_long_boundary \
         mime_long_enc_line mime_long_filename mime_long_header_name mime_long_header_value \
         mime_long_line mime_malformed_msg mime_parse_failed no_server_welcome_message \
         tls_rejected unable_to_match_reply_with_request unparsable_content",
    ),
    ("snmp", "malformed_data unknown_security_model version_mismatch"),
    ("ssh", "invalid_banner invalid_record long_banner"),
    (
        "tls",
        "certificate_invalid_algorithmidentifier certificate_invalid_date \
         certificate_invalid_der certificate_invalid_extensions certificate_invalid_issuer \
         certificate_invalid_length certificate_invalid_serial certificate_invalid_subject \
         certificate_invalid_validity certificate_invalid_version certificate_invalid_x509name \
         dataleak_heartbeat_mismatch error_message_encountered handshake_invalid_length \
         heartbeat_message invalid_alert_message invalid_certificate invalid_handshake_message \
         invalid_heartbeat_message invalid_record_type invalid_record_version invalid_sni_length \
         invalid_sni_type invalid_ssl_record invalid_sslv2_header invalid_tls_header \
         multiple_sni_extensions overflow_heartbeat_message too_many_records_in_packet",
    ),
    ("websocket", "reassembly_limit_reached skip_end_of_payload"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_raised_event_is_found_by_its_name() {
        for event in decode::EVENTS {
            assert_eq!(super::event(Layer::Decode, event.name), Known::Raised(event));
        }
        for event in flow::EVENTS {
            assert_eq!(super::event(Layer::Stream, event.name), Known::Raised(event));
        }
        for protocol in PROTOCOLS {
            for event in protocol.events {
                let name = qualified(protocol.name, event);
                assert_eq!(super::event(Layer::Application, &name), Known::Raised(event));
            }
        }
    }

    #[test]
    fn names_of_the_language_are_known() {
        assert_eq!(event(Layer::Application, "applayer_unexpected_protocol"), Known::Never);
        assert_eq!(event(Layer::Application, "mqtt.no_such"), Known::Not);
        assert_eq!(names(Layer::Decode).count(), 114);
        assert_eq!(names(Layer::Stream).count(), 65);
        assert_eq!(names(Layer::Application).count(), 256);
    }
}
