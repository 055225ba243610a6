//! Rules that the centre signs: made with `hub bundle`, put into force with `hub rules`.

mod fetch;
mod format;
mod shelf;
mod trial;

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use ring::signature::{Ed25519KeyPair, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;

use super::client::Client;
use super::place::{Place, lock};
use crate::control::cli::{BundleCommand, RulesOfHub, SiteOptions};
use crate::control::config::Config;
use crate::control::run::{self, DONE};
use crate::control::terminal::Terminal;
use crate::outputs::hub::policy::rules::{Rules, key};
use crate::outputs::json::hex_of;
pub(super) use fetch::{Fetcher, current};
use format::{BYTES_MAX, Bundle, Engine, engine, is_name};
use shelf::Shelf;
use trial::{Refusal, Shown, trial};

/// The folder of rules in the folder of the exchange.
const FOLDER: &str = "rules";

/// `hub bundle`: for the centre.
pub(super) fn bundle(command: &BundleCommand, out: &mut Terminal) -> anyhow::Result<u8> {
    match command {
        BundleCommand::Make { key, version, requires, output, rules } => {
            make(key, *version, requires, output, rules, out)
        }
        BundleCommand::Check { public, bundle } => check(public, bundle, out),
    }
}

fn make(
    key: &Path,
    version: u64,
    requires: &str,
    output: &Path,
    rules: &[PathBuf],
    out: &mut Terminal,
) -> anyhow::Result<u8> {
    let secret = std::fs::read(key).with_context(|| format!("cannot read {}", key.display()))?;
    let secret = PrivateKeyDer::from_pem_slice(&secret)
        .with_context(|| format!("{}: no private key, PEM", key.display()))?;
    let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(secret.secret_der()).ok();
    let pair = pair.with_context(|| {
        format!(
            "{}: no key of Ed25519; make one: openssl genpkey -algorithm ed25519",
            key.display()
        )
    })?;
    let requires = engine(requires).context("--requires: write major.minor.patch, 0.1.0")?;
    let mut files = Vec::new();
    for path in crate::control::rules::files(rules)? {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        if !is_name(&name) {
            bail!("{}: the name of a file in a bundle has only a-z A-Z 0-9 - _ .", path.display());
        }
        let content = std::fs::read(&path);
        files.push((name, content.with_context(|| format!("cannot read {}", path.display()))?));
    }
    let bytes = Bundle { version, requires, files }.signed(&pair);
    let public = pair.public_key().as_ref();
    // What a site would refuse is not made.
    let public: [u8; 32] = public.try_into().context("a public key has 32 bytes")?;
    let made = Bundle::read(&bytes, &[public])?;
    tried(&made, &asked(vec![public]), out)?;
    std::fs::write(output, &bytes).with_context(|| format!("cannot write {}", output.display()))?;
    let public = String::from_utf8_lossy(&hex_of(&public)).into_owned();
    writeln!(out, "{}: version {version}, {} bytes", output.display(), bytes.len())?;
    writeln!(out, "public key for the policy of sites: {public}")?;
    Ok(DONE)
}

fn check(public: &[String], path: &Path, out: &mut Terminal) -> anyhow::Result<u8> {
    let keys: Option<Vec<_>> = public.iter().map(|text| key(text)).collect();
    let keys = keys.context("--public: write the 64 hexadecimal digits of the key")?;
    let shown = path.display();
    let bundle = Bundle::read(&from_file(path)?, &keys).with_context(|| format!("{shown}"))?;
    writeln!(out, "{shown}: version {}, signed", bundle.version)?;
    tried(&bundle, &asked(keys), out)?;
    Ok(DONE)
}

/// What sites ask if their policy asks nothing else.
fn asked(keys: Vec<[u8; 32]>) -> Rules {
    Rules {
        keys,
        source: None,
        fetch_seconds: None,
        canary: None,
        failed_percent: 5,
        alerts_factor: 5,
    }
}

/// Tries a bundle in a folder that is gone afterwards.
fn tried(bundle: &Bundle, asked: &Rules, out: &mut dyn Write) -> anyhow::Result<()> {
    let scratch = std::env::temp_dir().join(format!("rivellino-bundle-{}", std::process::id()));
    let result = Shelf::open(&scratch).map_err(anyhow::Error::from).and_then(|shelf| {
        let staged = shelf.stage(bundle)?;
        trial(asked, &Config::default(), &scratch, &staged, None)
    });
    // A scratch folder that stays hurts nobody.
    let _ = std::fs::remove_dir_all(&scratch);
    say(&result??, out)
}

fn say(shown: &Shown, out: &mut dyn Write) -> anyhow::Result<()> {
    let Shown { rules, alerts, before } = shown;
    writeln!(out, "{rules}; on the canary {alerts} alerts, before {before}")?;
    Ok(())
}

/// `hub rules`: at the site.
pub(super) fn rules(command: &RulesOfHub, out: &mut Terminal) -> anyhow::Result<u8> {
    let (RulesOfHub::Install { site, .. }
    | RulesOfHub::Rollback { site }
    | RulesOfHub::Show { site }) = command;
    let place = Place::of(site)?;
    let folder = place.folder.join(FOLDER);
    let _lock = lock(&folder)?;
    let shelf = Shelf::open(&folder)?;
    match command {
        RulesOfHub::Install { bundle, .. } => {
            let asked = place.policy.rules.as_ref();
            let asked = asked.context("no rules are taken: the policy has no section [rules]")?;
            let bytes = match (bundle, &asked.source) {
                (Some(path), _) => from_file(path)?,
                (None, Some(source)) => {
                    let fetched = Client::new(&place.policy.tls)?;
                    let fetched = fetched.fetch(source, BYTES_MAX as u64, None)?;
                    fetched.context("the server says that nothing is new")?.bytes
                }
                (None, None) => bail!("from where? name a file, or write rules.source"),
            };
            let config = configuration(site)?;
            match install(&bytes, asked, &config, &folder, &shelf, out)? {
                Installed::Now(version) => {
                    let current = shelf.current();
                    writeln!(out, "version {version} is in force: {}", current.display())?;
                }
                Installed::Before(version) => {
                    writeln!(out, "nothing newer: version {version} was in force already")?;
                }
            }
        }
        RulesOfHub::Rollback { .. } => match shelf.roll_back()? {
            Some(version) => writeln!(out, "version {version} is in force again")?,
            None => bail!("there is nothing to go back to"),
        },
        RulesOfHub::Show { .. } => {
            let or_none =
                |version: Option<u64>| version.map_or("none".to_owned(), |v| v.to_string());
            writeln!(out, "in force   {}", or_none(shelf.version()))?;
            writeln!(out, "before it  {}", or_none(shelf.last_good()))?;
            writeln!(out, "taken      only above {}", shelf.floor())?;
        }
    }
    Ok(DONE)
}

/// What came of a bundle that is not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Installed {
    /// It is in force from now on.
    Now(u64),
    /// It is the newest that was ever in force here: nothing changes.
    Before(u64),
}

/// Puts a bundle into force if it is signed, newer, understood, loads, and keeps its head on the
/// canary. Otherwise nothing changes.
fn install(
    bytes: &[u8],
    asked: &Rules,
    config: &Config,
    folder: &Path,
    shelf: &Shelf,
    out: &mut dyn Write,
) -> anyhow::Result<Installed> {
    const WHAT: &str = "the bundle is refused, the rules in force stay";
    let bundle = Bundle::read(bytes, &asked.keys).context(WHAT)?;
    let (version, needs) = (bundle.version, bundle.requires);
    let floor = shelf.floor();
    if version == floor {
        return match shelf.is_kept(&bundle).context("cannot read the rules that are kept")? {
            Some(false) => Err(Refusal::OtherRules { version }).context(WHAT),
            Some(true) | None => Ok(Installed::Before(version)),
        };
    }
    if version < floor {
        return Err(Refusal::NotNewer { version, floor }).context(WHAT);
    }
    if needs > own() {
        return Err(Refusal::NeedsNewer { needs }).context(WHAT);
    }
    let staged = shelf.stage(&bundle).context("cannot keep the bundle")?;
    let old = shelf.version().map(|_| shelf.current());
    let shown =
        trial(asked, config, folder, &staged, old.as_deref()).map(|shown| shown.context(WHAT));
    match shown.and_then(|shown| shown) {
        Ok(shown) => {
            say(&shown, out)?;
            shelf.put_in_force(&staged, version).context("cannot put the bundle into force")?;
            Ok(Installed::Now(version))
        }
        Err(error) => {
            shelf.drop_staged(&staged)?;
            Err(error)
        }
    }
}

/// This program's version.
fn own() -> Engine {
    engine(env!("CARGO_PKG_VERSION")).unwrap_or_default()
}

/// The configuration that rules are loaded with, as the sensor does.
fn configuration(site: &SiteOptions) -> anyhow::Result<Config> {
    let line = Config {
        home_net: (!site.home_net.is_empty()).then(|| site.home_net.clone()),
        ..Config::default()
    };
    run::configuration(line, site.config.as_deref())
}

fn from_file(path: &Path) -> anyhow::Result<Vec<u8>> {
    let wrong = || format!("cannot read {}", path.display());
    let file = std::fs::File::open(path).with_context(wrong)?;
    let mut bytes = Vec::new();
    file.take(BYTES_MAX as u64 + 1).read_to_end(&mut bytes).with_context(wrong)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
