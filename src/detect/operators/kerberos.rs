//! `krb5.ticket_encryption`: how a ticket is encrypted.

use crate::detect::integer::IntegerTest;
use crate::detect::operator::{Example, Operator, Problem};
use crate::detect::rule::{NumberTest, Which};
use crate::detect::syntax::{items, required};

const SYNTAX: &str = "krb5.ticket_encryption:[!]weak|NAME|NUMBER[,...];";

/// Ways in one option.
const WAYS_MAX: usize = 256;

/// Numbers of the ways that are neither broken nor given up.
const STRONG: [u64; 6] = [17, 18, 19, 20, 25, 26];

/// Names (IANA "Kerberos Encryption Type Numbers", and those of Windows).
const NAMES: &[(&str, i32)] = &[
    ("des-cbc-crc", 1),
    ("des-cbc-md4", 2),
    ("des-cbc-md5", 3),
    ("des3-cbc-md5", 5),
    ("des3-cbc-sha1", 7),
    ("dsaWithSHA1-CmsOID", 9),
    ("md5WithRSAEncryption-CmsOID", 10),
    ("sha1WithRSAEncryption-CmsOID", 11),
    ("rc2CBC-EnvOID", 12),
    ("rsaEncryption-EnvOID", 13),
    ("rsaES-OAEP-ENV-OID", 14),
    ("des-ede3-cbc-Env-OID", 15),
    ("des3-cbc-sha1-kd", 16),
    ("aes128-cts-hmac-sha1-96", 17),
    ("aes256-cts-hmac-sha1-96", 18),
    ("aes128-cts-hmac-sha256-128", 19),
    ("aes256-cts-hmac-sha384-192", 20),
    ("rc4-hmac", 23),
    ("rc4-hmac-exp", 24),
    ("camellia128-cts-cmac", 25),
    ("camellia256-cts-cmac", 26),
    ("subkey-keymaterial", 65),
    ("rc4-md4", -128),
    ("rc4-plain2", -129),
    ("rc4-lm", -130),
    ("rc4-sha", -131),
    ("des-plain", -132),
    ("rc4-hmac-OLD", -133),
    ("rc4-plain-OLD", -134),
    ("rc4-hmac-OLD-exp", -135),
    ("rc4-plain-OLD-exp", -136),
    ("rc4-plain", -140),
    ("rc4-plain-exp", -141),
];

/// See [`Operator`].
pub static KRB5_TICKET_ENCRYPTION: Operator = Operator {
    name: "krb5.ticket_encryption",
    aliases: &[],
    help: "The ticket is encrypted in one of these ways; `weak` is all that are broken or given \
           up: all but AES and Camellia.",
    syntax: SYNTAX,
    examples: &[
        Example { rule: "krb5.ticket_encryption:weak;", payload: b"x", alerts: false },
        Example { rule: "krb5.ticket_encryption:rc4-hmac,-133;", payload: b"x", alerts: false },
    ],
    compile: |argument, builder| {
        let text = required(argument, SYNTAX)?.trim();
        let field = "krb5.ticket_etype";
        let numbers = &mut builder.rule.numbers;
        let mut any = |tests: Vec<IntegerTest>| {
            let mut tests = tests.into_iter();
            if let Some(test) = tests.next() {
                numbers.push(NumberTest {
                    field,
                    test,
                    others: tests.collect(),
                    which: Which::Any,
                });
            }
        };
        match text {
            "weak" => {
                STRONG.iter().for_each(|number| any(vec![IntegerTest::NotEqual(*number)]));
            }
            "!weak" => any(STRONG.iter().map(|number| IntegerTest::Equal(*number)).collect()),
            list => {
                let mut tests = Vec::new();
                for (_, word) in items(list) {
                    tests.push(IntegerTest::Equal(way(list, word)?));
                }
                if tests.len() > WAYS_MAX {
                    return Err(Problem::whole("R231", format!("more than {WAYS_MAX} ways")));
                }
                any(tests);
            }
        }
        Ok(())
    },
};

fn way(list: &str, word: &str) -> Result<u64, Problem> {
    let named = NAMES.iter().find(|(name, _)| *name == word).map(|(_, number)| *number);
    let number = named.or_else(|| word.parse().ok()).ok_or_else(|| {
        let message = format!("`{word}` is not a way of encryption");
        Problem::whole("R231", message).at(list, word).hint(SYNTAX)
    })?;
    // As the row shows a number with a sign.
    Ok(u64::from(number as u32))
}
