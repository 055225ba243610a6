//! The documents tell the truth: what they name is there.

use crate::support::{files, root};

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn every_test_that_the_architecture_names_exists() {
    let sources: String = ["src", "tests"]
        .iter()
        .flat_map(|folder| files(&root().join(folder)))
        .filter(|path| path.extension().is_some_and(|end| end == "rs"))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    let architecture = text("src/lib.rs");
    let table: Vec<&str> = architecture
        .lines()
        .skip_while(|line| !line.contains("# Invariants"))
        .take_while(|line| !line.contains("# What is deliberately not here"))
        .filter(|line| line.starts_with("//! | ") && !line.contains("---"))
        .skip(1)
        .collect();
    assert!(table.len() >= 7, "{table:?}");
    for line in table {
        let tests: Vec<&str> = quoted(line.rsplit('|').nth(1).unwrap()).collect();
        assert!(!tests.is_empty(), "an invariant without test: {line}");
        for name in tests {
            let there = if name.contains('/') {
                root().join(name).exists() || root().join("src").join(name).exists()
            } else {
                sources.contains(&format!("fn {name}("))
            };
            assert!(there, "{name} is not there: {line}");
        }
    }
}

#[test]
fn every_file_that_a_document_links_to_exists() {
    for document in ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"] {
        let text = text(document);
        let links = text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap());
        for link in links.filter(|link| !link.starts_with("http")) {
            assert!(root().join(link).exists(), "{document}: {link} is not there");
        }
    }
}

#[test]
fn the_version_and_the_licence_are_the_same_everywhere() {
    let (version, licence) = (env!("CARGO_PKG_VERSION"), env!("CARGO_PKG_LICENSE"));
    assert!(text("CHANGELOG.md").contains(&format!("## [{version}]")));
    let public = text("publiccode.yml");
    assert!(public.contains(&format!("softwareVersion: \"{version}\"")));
    assert!(public.contains(&format!("license: {licence}")));
    assert!(text("README.md").contains(&format!("[{licence}](LICENSE)")));
    assert!(text("LICENSE").starts_with("EUROPEAN UNION PUBLIC LICENCE v. 1.2"));
}

#[test]
fn every_command_of_the_readme_is_understood() {
    use clap::CommandFactory;
    let readme = text("README.md");
    let mut count = 0;
    for line in readme.lines() {
        let command = line.split(" #").next().unwrap();
        let Some(command) =
            command.strip_prefix("$ rivellino ").or_else(|| command.strip_prefix("# rivellino "))
        else {
            continue;
        };
        count += 1;
        let words = std::iter::once("rivellino").chain(command.split_whitespace());
        let parsed = rivellino::control::cli::Cli::command().try_get_matches_from(words);
        assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
    }
    assert!(count >= 6, "only {count} commands found");
}

/// Which connections are followed from their middle is said in three places.
#[test]
fn the_ports_of_plants_are_the_same_everywhere() {
    let ports = (0..=u16::MAX).filter(|port| rivellino::flow::is_plant(*port));
    let list = ports.map(|port| port.to_string()).collect::<Vec<_>>().join(", ");
    assert_eq!(list.split(", ").count(), 6);
    for place in ["README.md", "src/control/config.rs", "src/manual/differences.rs"] {
        assert!(text(place).replace(" and ", ", ").contains(&list), "{place}: {list}");
    }
}
