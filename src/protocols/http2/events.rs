//! The violations of HTTP/2 that rules can name.

use crate::field::Event;

macro_rules! events {
    ($($ident:ident $name:literal $help:literal)*) => {
        $(
            #[doc = $help]
            pub static $ident: Event = Event { name: concat!("http2.", $name), help: $help };
        )*
        /// All of them.
        pub static EVENTS: &[&Event] = &[$(&$ident),*];
    };
}

events! {
    MAGIC "invalid_client_magic" "The client does not begin as this version asks."
    FRAME_DATA "invalid_frame_data" "A frame whose content cannot be read."
    FRAME_LENGTH "invalid_frame_length" "A frame of a length that its type does not allow."
    HEADER "invalid_header" "Fields that cannot be read."
    HEADER_OVERFLOW "header_integer_overflow" "A number in the fields that is too large."
    LONG_FRAME "long_frame_data" "A frame longer than is read."
    REASSEMBLY "reassembly_limit_reached" "Fields that come to more than is kept."
    REUSE "stream_id_reuse" "A stream that has ended is used again."
    DATA_ZERO "data_stream_zero" "Data that belong to no stream."
    MANY_STREAMS "too_many_streams" "More streams are open than the limit."
    DECOMPRESSION "failed_decompression" "A body is not coded as its field says."
    BOMB "compression_bomb" "A body that grows out of proportion when decompressed."
    DNS_REQUEST_LONG "dns_request_too_long" "A request of DNS longer than a datagram."
    DNS_RESPONSE_LONG "dns_response_too_long" "A response of DNS longer than a datagram."
    USERINFO "userinfo_in_uri" "The authority names a user."
    AUTHORITY "authority_host_mismatch" "The authority and the field host differ."
}
