//! What the tests share: where the corpus is, how the program is run.

pub mod engine;
pub mod findings;
pub mod front;
pub mod hub;
pub mod layers;
pub mod office;
pub mod packets;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The corpus, when `RIVELLINO_CORPUS` names it; otherwise says that `what` is skipped.
pub fn corpus(what: &str) -> Option<PathBuf> {
    let dir = std::env::var_os("RIVELLINO_CORPUS").map(PathBuf::from).filter(|dir| dir.is_dir());
    if dir.is_none() {
        println!("skipped: {what} (RIVELLINO_CORPUS names no folder)");
    }
    dir
}

/// The project's own folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A block of a page of the manual, by its first line.
pub fn block(page: &str, name: &str) -> String {
    let text = std::fs::read_to_string(root().join(format!("src/manual/{page}.rs"))).unwrap();
    let lines = text.lines().map(|line| {
        let line = line.strip_prefix("//!").unwrap_or(line);
        line.strip_prefix(' ').unwrap_or(line)
    });
    let title = format!("# {name}");
    let block = lines.skip_while(|line| *line != title).take_while(|line| !line.starts_with("```"));
    let block: Vec<&str> = block.collect();
    assert!(block.len() > 10, "{name} is not in the manual's page {page}");
    block.join("\n")
}

/// Every file below `dir`, sorted; empty when there is no such folder.
pub fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// A page of metrics is as Prometheus wants it: `promtool` says nothing against it. Panics with what it
/// says, or when it is not there.
pub fn lint(page: &str) {
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    promtool.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.trim().is_empty(), "{said}");
}
