//! What a rule says of itself: `msg`, `sid`, `gid`, `rev`, `classtype`, `priority`, `reference`,
//! `metadata`, `target`. None of them changes what matches.

use std::sync::Arc;

use crate::detect::classification::{classification, names};
use crate::detect::diagnostic::nearest;
use crate::detect::operator::{Builder, Example, Operator, Problem};
use crate::detect::syntax::{integer, items, quoted, required};
use crate::record::Signature;

/// What a classification that nobody defined is shown as, and its priority: the reference
/// engine loads such rules too.
const UNKNOWN: (&str, u8) = ("Unknown Classtype", 3);

/// Rules are built alone, so this never copies.
fn signature(builder: &mut Builder) -> &mut Signature {
    Arc::make_mut(&mut builder.rule.signature)
}

fn twice(keyword: &str) -> Problem {
    Problem::spanned("R204", 0..0, format!("`{keyword}` is there twice")).hint("keep one of them")
}

fn number(argument: Option<&str>, syntax: &str, from: u64, to: u64) -> Result<u32, Problem> {
    let text = required(argument, syntax)?;
    let value = integer(text, 32)?;
    match u32::try_from(value) {
        Ok(narrow) if (from..=to).contains(&value) => Ok(narrow),
        _ => {
            let message = format!("`{text}` is not between {from} and {to}");
            Err(Problem::spanned("R205", 0..text.len(), message))
        }
    }
}

/// `msg`.
pub static MSG: Operator = Operator {
    name: "msg",
    aliases: &[],
    help: "What the alert says.",
    syntax: "msg:\"TEXT\";",
    examples: &[Example {
        rule: r#"msg:"A \"quoted\"\; word"; content:"x";"#,
        payload: b"x",
        alerts: true,
    }],
    compile: |argument, builder| {
        let text = quoted(required(argument, "msg:\"TEXT\";")?)?;
        let signature = signature(builder);
        if !signature.message.is_empty() {
            return Err(twice("msg"));
        }
        signature.message = text.into_owned();
        Ok(())
    },
};

/// `sid`.
pub static SID: Operator = Operator {
    name: "sid",
    aliases: &[],
    help: "The number that names the rule; unique within its generator.",
    syntax: "sid:NUMBER;",
    examples: &[Example { rule: r#"content:"x"; sid:1000001;"#, payload: b"x", alerts: true }],
    compile: |argument, builder| {
        let number = number(argument, "sid:NUMBER;", 1, u32::MAX.into())?;
        let signature = signature(builder);
        if signature.sid != 0 {
            return Err(twice("sid"));
        }
        signature.sid = number;
        Ok(())
    },
};

/// `gid`.
pub static GID: Operator = Operator {
    name: "gid",
    aliases: &[],
    help: "The generator that the number belongs to; 1 unless given.",
    syntax: "gid:NUMBER;",
    examples: &[Example { rule: r#"content:"x"; gid:3;"#, payload: b"x", alerts: true }],
    compile: |argument, builder| {
        signature(builder).gid = number(argument, "gid:NUMBER;", 0, u32::MAX.into())?;
        Ok(())
    },
};

/// `rev`.
pub static REV: Operator = Operator {
    name: "rev",
    aliases: &[],
    help: "The revision of the rule.",
    syntax: "rev:NUMBER;",
    examples: &[Example { rule: r#"content:"x"; rev:2;"#, payload: b"x", alerts: true }],
    compile: |argument, builder| {
        signature(builder).rev = number(argument, "rev:NUMBER;", 0, u32::MAX.into())?;
        Ok(())
    },
};

/// `classtype`.
pub static CLASSTYPE: Operator = Operator {
    name: "classtype",
    aliases: &[],
    help: "The kind of attack: gives the alert its category and, unless `priority` does, its \
           severity. A kind that is not known is shown as such, with severity 3.",
    syntax: "classtype:NAME;",
    examples: &[Example {
        rule: r#"content:"x"; classtype:trojan-activity;"#,
        payload: b"x",
        alerts: true,
    }],
    compile: |argument, builder| {
        let name = required(argument, "classtype:NAME;")?;
        if name.contains(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))) {
            let problem = Problem::spanned(
                "R206",
                0..name.len(),
                format!("`{name}` is not a classification"),
            );
            return Err(match nearest(name, names()) {
                Some(near) => problem.hint(format!("did you mean `{near}`?")),
                None => problem.hint("for example `classtype:web-application-attack`"),
            });
        }
        let (category, priority) = match &builder.companions.classes {
            Some(classes) => classes
                .get(&name.to_ascii_lowercase())
                .map_or(UNKNOWN, |(description, priority)| (description.as_str(), *priority)),
            None => classification(name).map_or(UNKNOWN, |kind| (kind.description, kind.priority)),
        };
        let category = category.to_owned();
        let explicit = builder.rule.explicit_priority;
        let signature = signature(builder);
        signature.category = category;
        if !explicit {
            signature.severity = priority;
        }
        Ok(())
    },
};

/// `priority`.
pub static PRIORITY: Operator = Operator {
    name: "priority",
    aliases: &[],
    help: "The severity of the alert, 1 to 255, 1 the most severe; outranks `classtype`.",
    syntax: "priority:NUMBER;",
    examples: &[Example { rule: r#"content:"x"; priority:1;"#, payload: b"x", alerts: true }],
    compile: |argument, builder| {
        let number = number(argument, "priority:NUMBER;", 1, 255)?;
        builder.rule.explicit_priority = true;
        signature(builder).severity = u8::try_from(number).unwrap_or(u8::MAX);
        Ok(())
    },
};

/// `reference`.
pub static REFERENCE: Operator = Operator {
    name: "reference",
    aliases: &[],
    help: "Where to read more: a system such as `url` or `cve`, and the place in it.",
    syntax: "reference:SYSTEM,PLACE;",
    examples: &[Example {
        rule: r#"content:"x"; reference:cve,2021-44228; reference:url,example.org/a,b;"#,
        payload: b"x",
        alerts: true,
    }],
    compile: |argument, builder| {
        let text = required(argument, "reference:SYSTEM,PLACE;")?;
        let Some((system, place)) = text.split_once(',') else {
            return Err(Problem::spanned("R207", 0..text.len(), "a reference has two parts")
                .hint("write `reference:url,example.org/page;`"));
        };
        let system = system.trim_ascii().to_ascii_lowercase();
        let place = place.trim_ascii();
        let prefixes = builder.companions.references.as_deref();
        // A system of the file stands for its URL; the outputs know the others.
        let pair = match prefixes.and_then(|prefixes| prefixes.get(&system)) {
            Some(prefix) => (String::new(), format!("{prefix}{place}")),
            None => (system, place.to_owned()),
        };
        let pair = std::iter::once((pair.0.as_str(), pair.1.as_str()));
        signature(builder).references.extend(pair);
        Ok(())
    },
};

/// `metadata`.
pub static METADATA: Operator = Operator {
    name: "metadata",
    aliases: &[],
    help: "Keys and values that the alert carries, parted by commas. A key alone is not carried.",
    syntax: "metadata:KEY VALUE[,KEY VALUE]...;",
    examples: &[Example {
        rule: r#"content:"x"; metadata:mitre_technique_id T1190, attack_target Server;"#,
        payload: b"x",
        alerts: true,
    }],
    compile: |argument, builder| {
        let text = required(argument, "metadata:KEY VALUE;")?;
        let pairs = items(text).filter_map(|(_, item)| {
            // By bytes: there are some ten in each of tens of thousands of rules.
            let end = item.bytes().position(|byte| byte.is_ascii_whitespace())?;
            let (key, value) = item.split_at_checked(end)?;
            Some((key, value.trim_ascii()))
        });
        signature(builder).metadata.extend(pairs);
        Ok(())
    },
};

/// `target`.
pub static TARGET: Operator = Operator {
    name: "target",
    aliases: &[],
    help: "Which end of the alert is under attack.",
    syntax: "target:src_ip|dest_ip;",
    examples: &[Example { rule: r#"content:"x"; target:dest_ip;"#, payload: b"x", alerts: true }],
    compile: |argument, builder| {
        let text = required(argument, "target:src_ip|dest_ip;")?;
        let source = match text {
            "src_ip" => true,
            "dest_ip" => false,
            _ => {
                let message = format!("`{text}` is neither `src_ip` nor `dest_ip`");
                return Err(Problem::spanned("R208", 0..text.len(), message));
            }
        };
        signature(builder).target_source = Some(source);
        Ok(())
    },
};
