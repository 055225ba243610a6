//! The violations of HTTP that rules can name.

use crate::field::Event;

macro_rules! events {
    ($($ident:ident $name:literal $help:literal)*) => {
        $(
            #[doc = $help]
            pub static $ident: Event = Event { name: concat!("http.", $name), help: $help };
        )*
        /// All of them.
        pub static EVENTS: &[&Event] = &[$(&$ident),*];
    };
}

events! {
    CONTINUE_ALREADY_SEEN "100_continue_already_seen" "A second 100 Continue for one request."
    ABNORMAL_CONTENT_ENCODING "abnormal_ce_header" "Content-Encoding names an unknown coding."
    COMPRESSION_BOMB "compression_bomb" "A body that grows out of proportion when decompressed."
    COMPRESSION_BOMB_LIMIT "compression_bomb_limit_reached" "Decompression stopped at its limit."
    DUPLICATE_LENGTH_REQUEST "duplicate_content_length_field_in_request"
        "Several Content-Length fields of different values in a request."
    DUPLICATE_LENGTH_RESPONSE "duplicate_content_length_field_in_response"
        "Several Content-Length fields of different values in a response."
    DECOMPRESSION_FAILED "gzip_decompression_failed" "The body is not coded as its header says."
    HOST_AMBIGUOUS "host_header_ambiguous" "The Host field and the address in the URI differ."
    INVALID_LENGTH_REQUEST "invalid_content_length_field_in_request"
        "Content-Length of a request is no number."
    INVALID_LENGTH_RESPONSE "invalid_content_length_field_in_response"
        "Content-Length of a response is no number."
    INVALID_CHUNK_REQUEST "invalid_request_chunk_len" "A chunk size in a request is no number."
    INVALID_CHUNK_RESPONSE "invalid_response_chunk_len" "A chunk size in a response is no number."
    INVALID_FOLDING_REQUEST "invalid_request_field_folding"
        "The first header of a request is a continuation line."
    INVALID_FOLDING_RESPONSE "invalid_response_field_folding"
        "The first header of a response is a continuation line."
    INVALID_TRANSFER_ENCODING_REQUEST "invalid_transfer_encoding_value_in_request"
        "Transfer-Encoding of a request is not chunked."
    METHOD_DELIMITER "method_delim_non_compliant" "No single space after the method."
    URI_DELIMITER "uri_delim_non_compliant" "Whitespace that is no space within the request line."
    MISSING_HOST "missing_host_header" "An HTTP/1.1 request without Host."
    REQUEST_CHUNK_EXTENSION "request_chunk_extension" "A chunk of a request has an extension."
    RESPONSE_CHUNK_EXTENSION "response_chunk_extension" "A chunk of a response has an extension."
    REQUEST_MISSING_COLON "request_field_missing_colon" "A header of a request has no colon."
    RESPONSE_MISSING_COLON "response_field_missing_colon" "A header of a response has no colon."
    REQUEST_TOO_LONG "request_field_too_long" "A line, or the head, of a request is over the limit."
    RESPONSE_TOO_LONG "response_field_too_long"
        "A line, or the head, of a response is over the limit."
    REQUEST_HEADER_INVALID "request_header_invalid" "A header name of a request is no token."
    RESPONSE_HEADER_INVALID "response_header_invalid" "A header name of a response is no token."
    REQUEST_HOST_INVALID "request_header_host_invalid" "The Host field holds no valid host."
    REQUEST_URI_HOST_INVALID "request_uri_host_invalid" "The URI holds no valid host."
    REQUEST_REPETITION "request_header_repetition" "A header of a request is repeated."
    RESPONSE_REPETITION "response_header_repetition" "A header of a response is repeated."
    REQUEST_LINE_INCOMPLETE "request_line_incomplete" "The connection ended within a request line."
    REQUEST_LINE_INVALID "request_line_invalid" "Unknown method and no valid protocol."
    REQUEST_LINE_LEADING_SPACE "request_line_leading_whitespace" "Whitespace before the method."
    REQUEST_LINE_NO_PROTOCOL "request_line_missing_protocol"
        "Headers follow a request line without protocol."
    REQUEST_TOO_MANY_HEADERS "request_too_many_headers" "More headers in a request than the limit."
    RESPONSE_TOO_MANY_HEADERS "response_too_many_headers"
        "More headers in a response than the limit."
    REQUEST_BODY_UNEXPECTED "request_body_unexpected" "Bytes after a request are no request."
    REQUEST_AUTH_UNRECOGNIZED "request_auth_unrecognized" "Unknown scheme in Authorization."
    RESPONSE_ABNORMAL_TRANSFER_ENCODING "response_abnormal_transfer_encoding"
        "Transfer-Encoding of a response names more than chunked."
    RESPONSE_CHUNKED_OLD "response_chunked_old_proto" "Chunks in a response older than HTTP/1.1."
    RESPONSE_INVALID_PROTOCOL "response_invalid_protocol" "The response's protocol is no HTTP/1.x."
    RESPONSE_INVALID_STATUS "response_invalid_status" "The status is no three-digit number."
    RESPONSE_BYTERANGES "response_multipart_byteranges" "A response whose parts delimit themselves."
    TOO_MANY_ENCODINGS "too_many_encoding_layers" "More content codings than are undone."
    UNMATCHED_RESPONSE "unable_to_match_response_to_request" "A response without a request."
    TOO_MANY_TRANSACTIONS "too_many_transactions" "More requests wait for an answer than the limit."
}
