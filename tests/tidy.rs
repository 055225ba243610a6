//! The shape of the house, held by a test: who imports whom, sizes, documentation, lists.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::support::{files, root};

/// What `the vocabulary` means in the table of `src/lib.rs`.
const VOCABULARY: &[&str] = &["time", "net", "reader", "field", "file"];

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
/// Exceptions from lints outside of tests: this number only shrinks.
const EXCEPTIONS_MAX: usize = 49;

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

/// Who may import whom, as the architecture page says it: the rows of its table, in their order.
fn may_import() -> Vec<(String, BTreeSet<String>)> {
    let page = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let table =
        page.split("# Who may import whom").nth(1).unwrap().split("\n//! # ").next().unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("//! | ")).skip(2);
    let mut all: Vec<(String, BTreeSet<String>)> = Vec::new();
    for row in rows {
        let (rooms, allowed) = row.trim_end_matches('|').split_once('|').unwrap();
        // What follows a semicolon says why.
        let names = allowed.split(';').next().unwrap().split(',').map(str::trim);
        let above = || all.iter().map(|(room, _)| room.clone());
        let allowed: BTreeSet<String> = names
            .flat_map(|name| match name {
                "nothing" => Vec::new(),
                "the vocabulary" => VOCABULARY.iter().map(ToString::to_string).collect(),
                "all above" => above().collect(),
                name => vec![name.to_owned()],
            })
            .collect();
        // Nobody imports what stands below: so there are no cycles.
        let below = allowed.iter().find(|name| !above().any(|room| room == **name));
        assert_eq!(below, None, "not above in the table: {row}");
        all.extend(rooms.split(',').map(|room| (room.trim().to_owned(), allowed.clone())));
    }
    all
}

/// Each path of a source that begins at the crate or in a module around it, as its parts from the
/// crate on, with the line it is in.
fn paths(source: &Source) -> Vec<(usize, Vec<String>)> {
    let mut home: Vec<&str> = source.path.trim_start_matches("src/").split('/').collect();
    let file = home.pop().unwrap().trim_end_matches(".rs");
    home.extend((file != "mod").then_some(file));
    let (code, mut found, mut from) = (source.code.as_str(), Vec::new(), 0);
    while let Some(at) =
        ["crate::", "super::"].iter().filter_map(|start| code[from..].find(start)).min()
    {
        let at = from + at;
        let mut rest = &code[at..];
        // The end of another word is no beginning.
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | ':')) {
            from = at + "crate".len();
            continue;
        }
        let mut trees = Vec::new();
        expand(&mut rest, "", &mut trees);
        from = code.len() - rest.len();
        let line = code[..at].matches('\n').count() + 1;
        for tree in trees {
            let mut parts: Vec<&str> = tree.split("::").filter(|part| !part.is_empty()).collect();
            let ups = parts.iter().take_while(|part| **part == "super").count();
            let around = if parts[0] == "crate" { 0 } else { home.len().saturating_sub(ups) };
            parts.drain(..ups.max(1));
            let whole = home[..around].iter().chain(&parts).map(ToString::to_string);
            found.push((line, whole.collect()));
        }
    }
    found
}

/// Reads one tree of paths, as `use` has them (`a::{b, c::{d, e}}`), off the front.
fn expand(rest: &mut &str, prefix: &str, found: &mut Vec<String>) {
    let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '*');
    *rest = rest.trim_start();
    let end = rest.find(|c| !word(c)).unwrap_or(rest.len());
    let path = format!("{prefix}{}", &rest[..end]);
    *rest = &rest[end..];
    if !(path.ends_with("::") && rest.starts_with('{')) {
        return found.push(path);
    }
    *rest = &rest[1..];
    while !rest.trim_start().starts_with('}') && !rest.is_empty() {
        expand(rest, &path, found);
        // Another name, the comma, a comment: of no account.
        *rest = &rest[rest.find([',', '}']).unwrap_or(rest.len())..];
        *rest = rest.strip_prefix(',').unwrap_or(rest);
    }
    *rest = rest.trim_start().strip_prefix('}').unwrap_or(rest);
}

#[test]
fn trees_of_paths_are_read() {
    let code = "use crate::{\n    a::{b as c, d::e},\n    f,\n};\nuse super::{super::{g, h}, i};\n\
                fn x() { crate::j::k(super::super::l) }\n";
    let (path, module) = ("src/room/folder/file.rs".to_owned(), "room".to_owned());
    let source = Source { path, module, code: code.to_owned(), text: String::new() };
    let found: Vec<_> =
        paths(&source).into_iter().map(|(line, path)| (line, path.join("::"))).collect();
    let expected = [
        (1, "a::b"),
        (1, "a::d::e"),
        (1, "f"),
        (5, "room::g"),
        (5, "room::h"),
        (5, "room::folder::i"),
        (6, "j::k"),
        (6, "room::l"),
    ];
    assert_eq!(found, expected.map(|(line, path)| (line, path.to_owned())));
}

#[test]
fn imports_follow_the_table() {
    let table: BTreeMap<String, BTreeSet<String>> = may_import().into_iter().collect();
    let mut problems = Vec::new();
    let mut seen = BTreeSet::new();
    for source in sources() {
        if matches!(source.module.as_str(), "lib" | "main" | "manual") {
            continue;
        }
        let Some(allowed) = table.get(&source.module) else {
            problems.push(format!("{}: no such room in the table", source.path));
            continue;
        };
        seen.insert(source.module.clone());
        for (line, path) in paths(&source) {
            if let Some(room) = path.first()
                && *room != source.module
                && !allowed.contains(room)
            {
                problems.push(format!("{}:{line}: {} imports {room}", source.path, source.module));
            }
        }
    }
    report("imports against the table of src/lib.rs", &problems);
    assert_eq!(seen.len(), table.len(), "rooms without a file, or the table is stale: {seen:?}");
}

/// The room at the end may import nearly every other: what the page lets it import it does import, or
/// the row would only grow.
#[test]
fn control_imports_what_the_page_says() {
    let (_, allowed) = may_import().into_iter().find(|(room, _)| room == "control").unwrap();
    let control = sources().into_iter().filter(|source| source.module == "control");
    let mut used: BTreeSet<String> = control
        .flat_map(|source| paths(&source))
        .filter_map(|(_, path)| path.first().cloned())
        .collect();
    used.remove("control");
    assert_eq!(used, allowed, "what control imports, and what src/lib.rs says of it");
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
        for (line, path) in paths(source) {
            let [room, other, ..] = &path[..] else { continue };
            let is_other = *other != own && other != "formats" && folders.contains(other);
            if room == "protocols" && is_other {
                problems.push(format!("{}:{line}: imports {other}", source.path));
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
            if is_function(head) {
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

/// Whether a line begins a function: `pub(super) const fn name`.
fn is_function(line: &str) -> bool {
    let mut rest = line;
    if let Some(after) = rest.strip_prefix("pub") {
        let scope = after.strip_prefix('(').and_then(|scope| scope.split_once(')'));
        rest = scope.map_or(after, |(_, after)| after).trim_start();
    }
    for word in ["default ", "const ", "async ", "unsafe ", "extern \"C\" "] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    rest.starts_with("fn ")
}

#[test]
fn functions_are_known_by_their_first_line() {
    for line in
        ["fn a() {", "pub fn a(", "pub(super) const fn a<T>(", "pub(in crate::a) async fn a("]
    {
        assert!(is_function(line), "{line}");
    }
    for line in
        ["fnord();", "const A: fn() = a;", "pub const A: u8 = 1;", "// fn a() {", "let a = b;"]
    {
        assert!(!is_function(line), "{line}");
    }
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

#[test]
fn exceptions_carry_a_reason_and_grow_no_more() {
    let mut problems = Vec::new();
    let mut count = 0;
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
        count +=
            ["[allow(", "[expect("].map(|a| source.code.matches(a).count()).iter().sum::<usize>();
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
    assert!(count <= EXCEPTIONS_MAX, "{count} exceptions from lints, {EXCEPTIONS_MAX} at most");
}
