//! `dnp3_ind`, `dnp3_obj`, `cip_service`: numbers of industrial protocols that rules write as
//! lists.

use crate::detect::diagnostic::nearest;
use crate::detect::integer::IntegerTest;
use crate::detect::operator::{Builder, Example, Operator, Problem};
use crate::detect::rule::{NumberTest, Which};
use crate::detect::syntax::required;
use crate::protocols::dnp3::INDICATIONS;
use crate::protocols::enip::{request_key, request_mask};

/// See [`Operator`].
pub static DNP3_IND: Operator = Operator {
    name: "dnp3_ind",
    aliases: &["dnp3.ind"],
    help: "At least one of these internal indications of a DNP3 outstation is set.",
    syntax: "dnp3_ind:<name>[,<name>...]|<number>",
    examples: &[
        Example { rule: "dnp3_ind:device_restart;", payload: b"x", alerts: false },
        Example { rule: "dnp3_ind:class_1_events, need_time;", payload: b"x", alerts: false },
        Example { rule: "dnp3_ind:0x8000;", payload: b"x", alerts: false },
    ],
    compile: indications,
};

/// See [`Operator`].
pub static DNP3_OBJ: Operator = Operator {
    name: "dnp3_obj",
    aliases: &["dnp3.obj"],
    help: "A DNP3 message holds an object of this group and variation.",
    syntax: "dnp3_obj:<group>,<variation>",
    examples: &[Example { rule: "dnp3_obj:60,2;", payload: b"x", alerts: false }],
    compile: object,
};

/// See [`Operator`].
pub static CIP_SERVICE: Operator = Operator {
    name: "cip_service",
    aliases: &[],
    help: "A service of CIP is asked or answered, perhaps of a class, perhaps about an attribute.",
    syntax: "cip_service:<service>[,<class>[,[!]<attribute>]]",
    examples: &[
        Example { rule: "cip_service:75;", payload: b"x", alerts: false },
        Example { rule: "cip_service:16, 246, 6;", payload: b"x", alerts: false },
    ],
    compile: service,
};

fn push(builder: &mut Builder, field: &'static str, test: IntegerTest) {
    builder.rule.numbers.push(NumberTest { field, test, others: Vec::new(), which: Which::Any });
}

fn indications(argument: Option<&str>, builder: &mut Builder) -> Result<(), Problem> {
    let argument = required(argument, DNP3_IND.syntax)?;
    let mut mask = number(argument.trim(), u16::MAX.into()).unwrap_or_default();
    if mask == 0 {
        for part in argument.split(',') {
            let name = part.trim();
            let found = INDICATIONS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            let Some((_, bit)) = found else {
                let message = format!("`{name}` is not an internal indication");
                let problem = Problem::whole("R170", message).at(argument, part);
                let names = INDICATIONS.iter().map(|(name, _)| *name);
                return Err(match nearest(name, names) {
                    Some(near) => problem.hint(format!("did you mean `{near}`?")),
                    None => problem.hint(format!("write `{}`", DNP3_IND.syntax)),
                });
            };
            mask |= u64::from(*bit);
        }
    }
    push(builder, "dnp3.indications", IntegerTest::Mask(mask, 0, false));
    Ok(())
}

fn object(argument: Option<&str>, builder: &mut Builder) -> Result<(), Problem> {
    let argument = required(argument, DNP3_OBJ.syntax)?;
    let pair = argument.split_once(',').and_then(|(group, variation)| {
        Some((number(group.trim(), 255)?, number(variation.trim(), 255)?))
    });
    let Some((group, variation)) = pair else {
        let message = format!("`{argument}` is not a group and a variation, each from 0 to 255");
        let problem = Problem::whole("R171", message).at(argument, argument);
        return Err(problem.hint(format!("write `{}`", DNP3_OBJ.syntax)));
    };
    push(builder, "dnp3.object", IntegerTest::Equal(group << 8 | variation));
    Ok(())
}

fn service(argument: Option<&str>, builder: &mut Builder) -> Result<(), Problem> {
    let argument = required(argument, CIP_SERVICE.syntax)?;
    let mut parts = argument.split(',').map(str::trim);
    let service = parts.next().and_then(|part| number(part, 127));
    let class = parts.next().map(|part| number(part, u32::MAX.into()));
    // An attribute that is denied asks nothing, as the reference engine has it.
    let attribute = parts.next().filter(|part| !part.starts_with('!'));
    let attribute = attribute.map(|part| number(part, u32::MAX.into()));
    let (Some(service), None, None) = (service, missing(class, attribute), parts.next()) else {
        let message = format!("`{argument}` is not a service with a class and an attribute");
        let problem = Problem::whole("R172", message).at(argument, argument);
        return Err(problem.hint(format!("write `{}`", CIP_SERVICE.syntax)));
    };
    let narrow = |part: Option<Option<u64>>| part.flatten().and_then(|n| u32::try_from(n).ok());
    let (class, attribute) = (narrow(class), narrow(attribute));
    let key = request_key(u8::try_from(service).unwrap_or_default(), class, attribute);
    let test = match attribute {
        Some(_) => IntegerTest::Equal(key),
        None => IntegerTest::Mask(request_mask(class.is_some()), key, true),
    };
    push(builder, "enip.cip_request", test);
    Ok(())
}

/// Whether one of these was written and is no number.
fn missing(class: Option<Option<u64>>, attribute: Option<Option<u64>>) -> Option<()> {
    (class == Some(None) || attribute == Some(None)).then_some(())
}

/// A decimal number, or a hexadecimal one behind `0x`, up to `most`.
fn number(text: &str, most: u64) -> Option<u64> {
    let number = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok()?,
        None => text.parse().ok()?,
    };
    (number <= most).then_some(number)
}
