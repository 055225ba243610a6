//! Numbers of IKE with their names (IANA, Internet Key Exchange registries of both versions).

/// Attribute types of a transform of version 1, as rules and EVE name them.
pub const ATTRIBUTES: &[(&str, u64)] = &[
    ("alg_enc", ENCRYPTION as u64),
    ("alg_hash", HASH as u64),
    ("alg_auth", AUTHENTICATION as u64),
    ("alg_dh", GROUP as u64),
    ("sa_group_type", 5),
    ("sa_life_type", LIFE_TYPE as u64),
    ("sa_life_duration", 12),
    ("alg_prf", PRF as u64),
    ("sa_key_length", 14),
    ("sa_field_size", 15),
];

/// Encryption.
pub const ENCRYPTION: u16 = 1;
/// Hash.
pub const HASH: u16 = 2;
/// Authentication method; integrity in version 2.
pub const AUTHENTICATION: u16 = 3;
/// Diffie-Hellman group.
pub const GROUP: u16 = 4;
/// Unit of the lifetime.
pub const LIFE_TYPE: u16 = 11;
/// Pseudo-random function.
pub const PRF: u16 = 13;

/// The name of a value of an attribute of version 1.
pub fn value(attribute: u16, value: u32) -> &'static str {
    let names: &[&str] = match attribute {
        ENCRYPTION => &[
            "EncDesCbc",
            "EncIdeaCbc",
            "EncBlowfishCbc",
            "EncRc5R16B64Cbc",
            "EncTripleDesCbc",
            "EncCastCbc",
            "EncAesCbc",
            "EncCamelliaCbc",
        ],
        HASH => {
            &["HashMd5", "HashSha", "HashTiger", "HashSha2_256", "HashSha2_384", "HashSha2_512"]
        }
        AUTHENTICATION => &[
            "AuthPreSharedKey",
            "AuthDssSignatures",
            "AuthRsaSignatures",
            "AuthEncryptionWithRsa",
            "AuthRevisedEncryptionWithRsa",
            "AuthReserved",
            "AuthReserved",
            "AuthReserved",
            "AuthEcdsaSha256",
            "AuthEcdsaSha384",
            "AuthEcdsaSha512",
        ],
        GROUP => GROUPS,
        LIFE_TYPE => &["LifeTypeSeconds", "LifeTypeKilobytes"],
        _ => &[],
    };
    let index = usize::try_from(value).ok().and_then(|value| value.checked_sub(1));
    index.and_then(|index| names.get(index)).copied().unwrap_or("Unknown")
}

const GROUPS: &[&str] = &[
    "GroupDefault768BitModp",
    "GroupAlternate1024BitModpGroup",
    "GroupEc2nOnGp2p155",
    "GroupEc2nOnGp2p185",
    "GroupModp1536Bit",
    "GroupEc2nOverGf2p163",
    "GroupEc2nOverGf2p163",
    "GroupEc2nOverGf2p283",
    "GroupEc2nOverGf2p283",
    "GroupEc2nOverGf2p409",
    "GroupEc2nOverGf2p409",
    "GroupEc2nOverGf2p571",
    "GroupEc2nOverGf2p571",
    "GroupModp2048Bit",
    "GroupModp3072Bit",
    "GroupModp4096Bit",
    "GroupModp6144Bit",
    "GroupModp8192Bit",
    "GroupRandomEcp256",
    "GroupRandomEcp384",
    "GroupRandomEcp521",
    "GroupModp1024With160BitPrime",
    "GroupModp2048With224BitPrime",
    "GroupModp2048With256BitPrime",
    "GroupRandomEcp192",
    "GroupRandomEcp224",
    "GroupBrainpoolEcp224",
    "GroupBrainpoolEcp256",
    "GroupBrainpoolEcp384",
    "GroupBrainpoolEcp512",
];

/// Exchange types of version 1 (RFC 2408, section 3.1).
pub const fn exchange(kind: u8) -> Option<&'static str> {
    Some(match kind {
        0 => "Unknown Exchange Type",
        1 => "Base",
        2 => "Identity Protection",
        3 => "Authentication Only",
        4 => "Aggressive",
        5 => "Informational",
        6 => "Transaction (Config Mode)",
        32 => "Quick Mode",
        33 => "New Group Mode",
        _ => return None,
    })
}

/// Payload types of both versions, as EVE names them.
pub const fn payload(kind: u8) -> Option<&'static str> {
    Some(match kind {
        0 => "None",
        1 | 33 => "SecurityAssociation",
        2 => "Proposal",
        3 => "Transform",
        4 | 34 => "KeyExchange",
        5 => "Identification",
        6 | 37 => "Certificate",
        7 | 38 => "CertificateRequest",
        8 => "Hash",
        9 => "Signature",
        10 | 40 => "Nonce",
        11 => "Notification",
        12 | 42 => "Delete",
        13 | 43 => "VendorID",
        15 => "SakPayload",
        16 => "SatPayload",
        17 => "KeyDownload",
        18 => "SequenceNumber",
        19 => "ProofOfPossession",
        20 => "NatDiscovery",
        21 => "NatOriginalAddress",
        22 => "GroupAssociatedPolicy",
        35 => "IdentInitiator",
        36 => "IdentResponder",
        39 => "Authentication",
        41 => "Notify",
        44 => "TSInitiator",
        45 => "TSResponder",
        46 => "EncryptedAndAuthenticated",
        47 => "Configuration",
        48 => "ExtensibleAuthentication",
        53 => "EncryptedFragment",
        _ => return None,
    })
}

/// The name of a transform of version 2 (RFC 7296, section 3.3.2).
pub fn transform(attribute: u16, id: u32) -> String {
    let names: &[(u32, &str)] = match attribute {
        ENCRYPTION => &[
            (1, "ENCR_DES_IV64"),
            (2, "ENCR_DES"),
            (3, "ENCR_3DES"),
            (4, "ENCR_RC5"),
            (5, "ENCR_IDEA"),
            (6, "ENCR_CAST"),
            (7, "ENCR_BLOWFISH"),
            (8, "ENCR_3IDEA"),
            (9, "ENCR_DES_IV32"),
            (11, "ENCR_NULL"),
            (12, "ENCR_AES_CBC"),
            (13, "ENCR_AES_CTR"),
            (14, "ENCR_AES_CCM_8"),
            (15, "ENCR_AES_CCM_12"),
            (16, "ENCR_AES_CCM_16"),
            (18, "ENCR_AES_GCM_8"),
            (19, "ENCR_AES_GCM_12"),
            (20, "ENCR_AES_GCM_16"),
            (21, "ENCR_NULL_AUTH_AES_GMAC"),
            (23, "ENCR_CAMELLIA_CBC"),
            (28, "ENCR_CHACHA20_POLY1305"),
        ],
        AUTHENTICATION => &[
            (0, "NONE"),
            (1, "AUTH_HMAC_MD5_96"),
            (2, "AUTH_HMAC_SHA1_96"),
            (3, "AUTH_DES_MAC"),
            (4, "AUTH_KPDK_MD5"),
            (5, "AUTH_AES_XCBC_96"),
            (6, "AUTH_HMAC_MD5_128"),
            (7, "AUTH_HMAC_SHA1_160"),
            (8, "AUTH_AES_CMAC_96"),
            (12, "AUTH_HMAC_SHA2_256_128"),
            (13, "AUTH_HMAC_SHA2_384_192"),
            (14, "AUTH_HMAC_SHA2_512_256"),
        ],
        GROUP => &[
            (0, "None"),
            (1, "Modp768"),
            (2, "Modp1024"),
            (5, "Modp1536"),
            (14, "Modp2048"),
            (15, "Modp3072"),
            (16, "Modp4096"),
            (17, "Modp6144"),
            (18, "Modp8192"),
            (19, "Ecp256"),
            (20, "Ecp384"),
            (21, "Ecp521"),
            (22, "Modp1024s160"),
            (23, "Modp2048s224"),
            (24, "Modp2048s256"),
            (31, "Curve25519"),
            (32, "Curve448"),
        ],
        _ => &[],
    };
    let found = names.iter().find(|(number, _)| *number == id);
    found.map_or_else(|| format!("Unknown({id})"), |(_, name)| (*name).to_owned())
}

/// Notifications of version 2 (RFC 7296, section 3.10.1).
pub fn notification(kind: u16) -> String {
    let name = match kind {
        1 => "UNSUPPORTED_CRITICAL_PAYLOAD",
        4 => "INVALID_IKE_SPI",
        5 => "INVALID_MAJOR_VERSION",
        7 => "INVALID_SYNTAX",
        9 => "INVALID_MESSAGE_ID",
        11 => "INVALID_SPI",
        14 => "NO_PROPOSAL_CHOSEN",
        17 => "INVALID_KE_PAYLOAD",
        24 => "AUTHENTICATION_FAILED",
        34 => "SINGLE_PAIR_REQUIRED",
        35 => "NO_ADDITIONAL_SAS",
        36 => "INTERNAL_ADDRESS_FAILURE",
        37 => "FAILED_CP_REQUIRED",
        38 => "TS_UNACCEPTABLE",
        39 => "INVALID_SELECTORS",
        43 => "TEMPORARY_FAILURE",
        44 => "CHILD_SA_NOT_FOUND",
        16384 => "INITIAL_CONTACT",
        16385 => "SET_WINDOW_SIZE",
        16386 => "ADDITIONAL_TS_POSSIBLE",
        16387 => "IPCOMP_SUPPORTED",
        16388 => "NAT_DETECTION_SOURCE_IP",
        16389 => "NAT_DETECTION_DESTINATION_IP",
        16390 => "COOKIE",
        16391 => "USE_TRANSPORT_MODE",
        16392 => "HTTP_CERT_LOOKUP_SUPPORTED",
        16393 => "REKEY_SA",
        16394 => "ESP_TFC_PADDING_NOT_SUPPORTED",
        16395 => "NON_FIRST_FRAGMENTS_ALSO",
        _ => return kind.to_string(),
    };
    name.to_owned()
}
