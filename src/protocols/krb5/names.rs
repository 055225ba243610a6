//! Names of messages, errors and ways of encryption, as EVE writes them.

use std::borrow::Cow;

/// The name of a message.
pub fn kind(number: u32) -> Cow<'static, str> {
    Cow::Borrowed(match number {
        10 => "KRB_AS_REQ",
        11 => "KRB_AS_REP",
        12 => "KRB_TGS_REQ",
        13 => "KRB_TGS_REP",
        14 => "KRB_AP_REQ",
        15 => "KRB_AP_REP",
        30 => "KRB_ERROR",
        other => return Cow::Owned(format!("MessageType({other})")),
    })
}

/// The ways of encryption (IANA "Kerberos Encryption Type Numbers") by their names.
const ENCRYPTIONS: &[(i32, &str)] = &[
    (1, "DES_CBC_CRC"),
    (2, "DES_CBC_MD4"),
    (3, "DES_CBC_MD5"),
    (5, "DES3_CBC_MD5"),
    (7, "DES3_CBC_SHA1"),
    (9, "DSAWITHSHA1_CMSOID"),
    (10, "MD5WITHRSAENCRYPTION_CMSOID"),
    (11, "SHA1WITHRSAENCRYPTION_CMSOID"),
    (12, "RC2CBC_ENVOID"),
    (13, "RSAENCRYPTION_ENVOID"),
    (14, "RSAES_OAEP_ENV_OID"),
    (15, "DES_EDE3_CBC_ENV_OID"),
    (16, "DES3_CBC_SHA1_KD"),
    (17, "AES128_CTS_HMAC_SHA1_96"),
    (18, "AES256_CTS_HMAC_SHA1_96"),
    (19, "AES128_CTS_HMAC_SHA256_128"),
    (20, "AES256_CTS_HMAC_SHA384_192"),
    (23, "RC4_HMAC"),
    (24, "RC4_HMAC_EXP"),
    (25, "CAMELLIA128_CTS_CMAC"),
    (26, "CAMELLIA256_CTS_CMAC"),
    (65, "SUBKEY_KEYMATERIAL"),
];

/// The name of a way of encryption.
pub fn encryption(number: i32) -> Cow<'static, str> {
    match ENCRYPTIONS.iter().find(|(of, _)| *of == number) {
        Some((_, name)) => Cow::Borrowed(name),
        None => Cow::Owned(format!("EncryptionType({number})")),
    }
}

/// Whether a way of encryption is broken or given up: all but AES and Camellia.
pub const fn is_weak(number: i32) -> bool {
    !matches!(number, 17..=20 | 25 | 26)
}

const ERRORS: &[(i32, &str)] = &[
    (0, "KDC_ERR_NONE"),
    (1, "KDC_ERR_NAME_EXP"),
    (2, "KDC_ERR_SERVICE_EXP"),
    (3, "KDC_ERR_BAD_PVNO"),
    (4, "KDC_ERR_C_OLD_MAST_KVNO"),
    (5, "KDC_ERR_S_OLD_MAST_KVNO"),
    (6, "KDC_ERR_C_PRINCIPAL_UNKNOWN"),
    (7, "KDC_ERR_S_PRINCIPAL_UNKNOWN"),
    (8, "KDC_ERR_PRINCIPAL_NOT_UNIQUE"),
    (9, "KDC_ERR_NULL_KEY"),
    (10, "KDC_ERR_CANNOT_POSTDATE"),
    (11, "KDC_ERR_NEVER_VALID"),
    (12, "KDC_ERR_POLICY"),
    (13, "KDC_ERR_BADOPTION"),
    (14, "KDC_ERR_ETYPE_NOSUPP"),
    (15, "KDC_ERR_SUMTYPE_NOSUPP"),
    (16, "KDC_ERR_PADATA_TYPE_NOSUPP"),
    (17, "KDC_ERR_TRTYPE_NOSUPP"),
    (18, "KDC_ERR_CLIENT_REVOKED"),
    (19, "KDC_ERR_SERVICE_REVOKED"),
    (20, "KDC_ERR_TGT_REVOKED"),
    (21, "KDC_ERR_CLIENT_NOTYET"),
    (22, "KDC_ERR_SERVICE_NOTYET"),
    (23, "KDC_ERR_KEY_EXPIRED"),
    (24, "KDC_ERR_PREAUTH_FAILED"),
    (25, "KDC_ERR_PREAUTH_REQUIRED"),
    (26, "KDC_ERR_SERVER_NOMATCH"),
    (27, "KDC_ERR_MUST_USE_USER2USER"),
    (28, "KDC_ERR_PATH_NOT_ACCPETED"),
    (29, "KDC_ERR_SVC_UNAVAILABLE"),
    (31, "KRB_AP_ERR_BAD_INTEGRITY"),
    (32, "KRB_AP_ERR_TKT_EXPIRED"),
    (33, "KRB_AP_ERR_TKT_NYV"),
    (34, "KRB_AP_ERR_REPEAT"),
    (35, "KRB_AP_ERR_NOT_US"),
    (36, "KRB_AP_ERR_BADMATCH"),
    (37, "KRB_AP_ERR_SKEW"),
    (41, "KRB_AP_ERR_MODIFIED"),
    (52, "KRB_ERR_RESPONSE_TOO_BIG"),
    (60, "KRB_ERR_GENERIC"),
    (68, "KDC_ERR_WRONG_REALM"),
];

/// The name of an error (RFC 4120, 7.5.9).
pub fn error(number: i32) -> Cow<'static, str> {
    match ERRORS.iter().find(|(of, _)| *of == number) {
        Some((_, name)) => Cow::Borrowed(name),
        None => Cow::Owned(format!("ErrorCode({number})")),
    }
}
