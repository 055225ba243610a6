//! The shape of the house, held by a test: who imports whom, sizes, documentation, lists.

use std::collections::BTreeSet;
use std::path::Path;

use crate::support::{files, root};

const VOCABULARY: &[&str] = &["time", "net", "reader", "field", "file"];

/// Who may import whom. A module may always import itself.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("time", &[]),
    ("reader", &[]),
    ("field", &[]),
    ("net", &["field"]),
    ("file", &["field"]),
    ("record", &["time", "net", "field", "file"]),
    ("capture", &["time"]),
    ("decode", VOCABULARY),
    ("flow", &["time", "net", "field", "decode", "record"]),
    ("protocols", VOCABULARY),
    (
        "detect",
        &["time", "net", "reader", "field", "file", "record", "decode", "flow", "protocols"],
    ),
    ("anomaly", &["time", "net", "reader", "field", "record", "flow"]),
    ("outputs", &["time", "net", "reader", "field", "record"]),
    (
        "engine",
        &[
            "time",
            "net",
            "reader",
            "field",
            "file",
            "record",
            "capture",
            "decode",
            "flow",
            "protocols",
            "detect",
            "anomaly",
            "outputs",
        ],
    ),
    (
        "control",
        &[
            "time",
            "net",
            "field",
            "file",
            "capture",
            "engine",
            "decode",
            "flow",
            "protocols",
            "detect",
            "anomaly",
            "outputs",
        ],
    ),
];

/// Modules that never read a clock, the environment, a file or a socket.
const PURE: &[&str] = &["decode", "flow", "protocols", "detect", "anomaly"];
const IMPURE_CALLS: &[&str] = &[
    "SystemTime",
    "Instant::now",
    "wall_clock",
    "std::env",
    "std::fs",
    "std::net::Tcp",
    "std::net::Udp",
    "fs::File",
    "thread::sleep",
];
const BANNED_MODULES: &[&str] = &["utils", "util", "common", "helpers", "types", "misc"];
/// Words that promise work instead of being it.
const BANNED_WORDS: &[&str] = &["TODO", "FIXME", "XXX:", "HACK"];

const FILE_LINES_MAX: usize = 800;
const FILE_LINES_USUAL: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;

struct Source {
    path: String,
    module: String,
    /// Without the tests at the end.
    code: String,
    text: String,
}

fn sources() -> Vec<Source> {
    let src = root().join("src");
    let rust = files(&src).into_iter().filter(|path| path.extension().is_some_and(|e| e == "rs"));
    rust.map(|path| {
        let text = std::fs::read_to_string(&path).unwrap();
        let relative = path.strip_prefix(&src).unwrap().to_string_lossy().into_owned();
        let module = relative.split(['/', '.']).next().unwrap().to_owned();
        let is_test = relative.ends_with("tests.rs") || relative.contains("/tests/");
        let code = if is_test {
            String::new()
        } else {
            text.split("\n#[cfg(test)]\nmod ").next().unwrap().to_owned()
        };
        Source { path: format!("src/{relative}"), module, code, text }
    })
    .collect()
}

fn report(title: &str, problems: &[String]) {
    assert!(problems.is_empty(), "{title}:\n  {}", problems.join("\n  "));
}

#[test]
fn imports_follow_the_table() {
    let mut problems = Vec::new();
    let mut seen = BTreeSet::new();
    for source in sources() {
        if matches!(source.module.as_str(), "lib" | "main" | "manual") {
            continue;
        }
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(module, _)| *module == source.module)
        else {
            problems.push(format!("{}: no such room in the table", source.path));
            continue;
        };
        seen.insert(source.module.clone());
        // Statements may be wrapped: a group after `crate::` is read to its end.
        for (at, _) in source.code.match_indices("crate::") {
            let rest = &source.code[at + "crate::".len()..];
            let line = source.code[..at].lines().count();
            let names: Vec<&str> = match rest.strip_prefix('{') {
                Some(group) => group
                    .split('}')
                    .next()
                    .unwrap()
                    .split(',')
                    .map(|name| name.trim().split("::").next().unwrap())
                    .collect(),
                None => {
                    vec![rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap()]
                }
            };
            for name in names.into_iter().filter(|name| !name.is_empty()) {
                if name != source.module && !allowed.contains(&name) {
                    problems
                        .push(format!("{}:{line}: {} imports {name}", source.path, source.module));
                }
            }
        }
    }
    report("imports against the table of design", &problems);
    assert_eq!(
        seen.len(),
        MAY_IMPORT.len(),
        "rooms without a file, or the table is stale: {seen:?}"
    );
}

#[test]
fn parsers_do_not_know_each_other() {
    let protocols: Vec<_> = sources().into_iter().filter(|s| s.module == "protocols").collect();
    // What several share is in `formats`, which knows none of them.
    let folder = |path: &str| path.split('/').nth(2).unwrap().to_owned();
    let folders: BTreeSet<String> = protocols
        .iter()
        .filter(|s| s.path.matches('/').count() > 2)
        .map(|s| folder(&s.path))
        .collect();
    let mut problems = Vec::new();
    for source in protocols.iter().filter(|s| s.path.matches('/').count() > 2) {
        let own = folder(&source.path);
        for other in folders.iter().filter(|other| **other != own && *other != "formats") {
            for path in [format!("protocols::{other}::"), format!("super::super::{other}::")] {
                if source.code.contains(&path) {
                    problems.push(format!("{}: imports {other}", source.path));
                }
            }
        }
    }
    report("parsers that import parsers", &problems);
}

#[test]
fn the_core_reads_no_clock_file_or_socket() {
    let mut problems = Vec::new();
    for source in sources().iter().filter(|s| PURE.contains(&s.module.as_str())) {
        let code =
            source.code.lines().enumerate().filter(|(_, l)| !l.trim_start().starts_with("//"));
        for (number, line) in code {
            problems.extend(
                IMPURE_CALLS
                    .iter()
                    .filter(|call| line.contains(**call))
                    .map(|call| format!("{}:{}: {call}", source.path, number + 1)),
            );
        }
    }
    report("impure calls in core modules", &problems);
}

#[test]
fn files_are_small_and_say_what_they_are() {
    let mut problems = Vec::new();
    let mut lengths = Vec::new();
    for source in sources() {
        let first = source.text.lines().next().unwrap_or_default();
        let is_test = source.code.is_empty();
        if !first.starts_with("//!") && !is_test {
            problems.push(format!("{}: the first line is no `//!` line", source.path));
        }
        let stem = Path::new(&source.path).with_extension("");
        if stem
            .components()
            .any(|part| BANNED_MODULES.contains(&part.as_os_str().to_str().unwrap()))
        {
            problems.push(format!("{}: a name that says nothing", source.path));
        }
        for word in BANNED_WORDS.iter().filter(|word| source.text.contains(**word)) {
            problems.push(format!("{}: {word}", source.path));
        }
        if !is_test {
            lengths.push((source.code.lines().count(), source.path.clone()));
        }
    }
    lengths.sort();
    problems.extend(
        lengths
            .iter()
            .filter(|(lines, _)| *lines > FILE_LINES_MAX)
            .map(|(lines, path)| format!("{path}: {lines} lines")),
    );
    let usual = lengths.iter().filter(|(lines, _)| *lines <= FILE_LINES_USUAL).count();
    if usual * 10 < lengths.len() * 9 {
        problems.push(format!(
            "only {usual} of {} files within {FILE_LINES_USUAL} lines",
            lengths.len()
        ));
    }
    report("files", &problems);
}

#[test]
fn functions_are_short() {
    let mut problems = Vec::new();
    for source in sources() {
        let lines: Vec<&str> = source.code.lines().collect();
        let mut number = 0;
        while number < lines.len() {
            let line = lines[number];
            let indent = line.len() - line.trim_start().len();
            let head = line.trim_start();
            let is_function =
                ["fn ", "pub fn ", "const fn ", "pub const fn ", "async fn ", "pub async fn "]
                    .iter()
                    .any(|prefix| head.starts_with(prefix))
                    || (head.starts_with("pub(") && head.contains(") fn "));
            if is_function {
                let close = format!("{}}}", " ".repeat(indent));
                let body = lines[number..].iter().position(|l| {
                    **l == close
                        || l.trim_end().ends_with(';') && l.len() - l.trim_start().len() == indent
                });
                let length = body.map_or(1, |end| end + 1);
                if length > FUNCTION_LINES_MAX {
                    let name = head.split("fn ").nth(1).unwrap().split('(').next().unwrap();
                    problems.push(format!(
                        "{}:{}: {name}: {length} lines",
                        source.path,
                        number + 1
                    ));
                }
            }
            number += 1;
        }
    }
    report("functions over 70 lines", &problems);
}

#[test]
fn lists_are_complete() {
    let src = root().join("src");
    let mut problems = Vec::new();
    for (folder, list, plain) in [
        ("protocols", "PROTOCOL", &["identify", "transactions", "recognised"][..]),
        ("detect/operators", "OPERATOR", &[][..]),
        ("anomaly", "KIND", &["stats"][..]),
    ] {
        let list_text = std::fs::read_to_string(src.join(folder).join("mod.rs")).unwrap();
        for entry in std::fs::read_dir(src.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let own = if path.is_dir() { path.join("mod.rs") } else { path.clone() };
            let declares = std::fs::read_to_string(own)
                .is_ok_and(|text| text.contains(&format!("pub static {list}")));
            if name == "mod" || plain.contains(&name.as_str()) || !declares {
                continue;
            }
            if !list_text.contains(&format!("&{name}::{list}")) {
                problems.push(format!("{folder}/{name}: not in the list"));
            }
        }
    }
    report("unregistered members", &problems);
}

#[test]
fn exceptions_carry_a_reason() {
    let mut problems = Vec::new();
    for source in sources() {
        for (number, line) in source.text.lines().enumerate() {
            if line.contains("unsafe {")
                && source.path != "src/capture/live.rs"
                && !source.path.starts_with("src/capture/live/")
            {
                problems.push(format!(
                    "{}:{}: unsafe outside of live capture",
                    source.path,
                    number + 1
                ));
            }
        }
        for (at, _) in
            source.text.match_indices("[allow(").chain(source.text.match_indices("[expect("))
        {
            let attribute = source.text[at..].split(")]").next().unwrap();
            if !attribute.contains("reason") {
                let line = source.text[..at].lines().count();
                problems.push(format!("{}:{line}: an exception without a reason", source.path));
            }
        }
    }
    report("exceptions", &problems);
}
/// An output that nobody makes would never be missed: there is no list of them.
#[test]
fn outputs_are_made() {
    let all = sources();
    let control: String =
        all.iter().filter(|s| s.module == "control").map(|s| s.code.as_str()).collect();
    let outputs = all.iter().filter(|s| s.module == "outputs").flat_map(|s| {
        let names = s.code.split("\nimpl Output for ").skip(1);
        names.map(|name| name.split(|c: char| !c.is_alphanumeric()).next().unwrap())
    });
    let outputs: Vec<&str> = outputs.filter(|name| *name != "std").collect();
    assert!(outputs.len() > 4, "outputs are not found: {outputs:?}");
    let idle = outputs.iter().filter(|name| {
        !control.contains(&format!("{name}::")) && !control.contains(&format!("({name})"))
    });
    let idle: Vec<String> = idle.map(ToString::to_string).collect();
    report("outputs that control does not make", &idle);
}

