//! What a hub is told of other hubs: the servers of NATS, what it publishes, what it takes.

use std::path::PathBuf;

use anyhow::bail;
use serde::Deserialize;

use crate::outputs::hub::policy::Tlp;

/// Servers at most.
const SERVERS_MAX: usize = 8;
/// Sections of what is published, and of what is taken, at most.
const SECTIONS_MAX: usize = 16;
/// Streams of which one is made, at most: one for each regional centre and section.
const SOURCES_MAX: usize = 128;

/// The section `[relay]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in super::super) struct Relay {
    /// `tls://host:port`; one is used, the others stand by.
    pub(in super::super) servers: Vec<String>,
    pub(in super::super) tls: Tls,
    #[serde(default)]
    pub(in super::super) publish: Vec<Publish>,
    #[serde(default)]
    pub(in super::super) take: Vec<Take>,
}

/// Files of the mutual TLS, PEM, relative to the configuration.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in super::super) struct Tls {
    pub(in super::super) certificate: PathBuf,
    pub(in super::super) key: PathBuf,
    /// The roots that the server's certificate has to come from.
    pub(in super::super) authority: PathBuf,
}

/// What is published: a collection, to a stream.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in super::super) struct Publish {
    pub(in super::super) collection: String,
    pub(in super::super) stream: String,
    pub(in super::super) subject: String,
    /// The strictest mark that goes.
    #[serde(default = "amber")]
    tlp: String,
    #[serde(default)]
    pub(in super::super) limits: Limits,
}

/// What is taken: a stream, into a collection.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in super::super) struct Take {
    pub(in super::super) stream: String,
    /// The name under which the server remembers how far it has come.
    pub(in super::super) consumer: String,
    pub(in super::super) collection: String,
    /// Streams of leaf nodes that the stream is made of; none when it is there.
    #[serde(default)]
    pub(in super::super) source: Vec<Source>,
    #[serde(default)]
    pub(in super::super) limits: Limits,
}

/// A stream of a leaf node.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in super::super) struct Source {
    pub(in super::super) stream: String,
    /// The domain of its JetStream.
    pub(in super::super) domain: String,
}

/// How much a stream keeps that has to be made.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(in super::super) struct Limits {
    pub(in super::super) days: u32,
    pub(in super::super) mib: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { days: 7, mib: 8192 }
    }
}

fn amber() -> String {
    Tlp::Amber.name().to_owned()
}

impl Publish {
    /// The strictest mark that goes.
    pub(in super::super) fn tlp(&self) -> Tlp {
        // The configuration is only used when it names one.
        self.ceiling().unwrap_or(Tlp::Clear)
    }

    fn ceiling(&self) -> Option<Tlp> {
        Tlp::ALL.into_iter().find(|tlp| tlp.name() == self.tlp)
    }

    /// What the place in the collection is kept under.
    pub(in super::super) fn key(&self) -> String {
        format!("{} {}", self.collection, self.stream)
    }
}

impl Relay {
    /// Files are relative to the configuration.
    pub(super) fn files(&mut self) -> [&mut PathBuf; 3] {
        let tls = &mut self.tls;
        [&mut tls.certificate, &mut tls.key, &mut tls.authority]
    }

    /// Whether it can be meant; `collections` are those of the hub.
    pub(super) fn sound(&self, collections: &[&str]) -> anyhow::Result<()> {
        if self.servers.is_empty() || self.servers.len() > SERVERS_MAX {
            bail!("relay: servers has 1 to {SERVERS_MAX} addresses");
        }
        if let Some(wrong) = self.servers.iter().find(|server| !server.starts_with("tls://")) {
            bail!("relay: server {wrong:?}: write tls://host:4222, nothing goes in clear");
        }
        if self.publish.len().max(self.take.len()) > SECTIONS_MAX {
            bail!("relay: at most {SECTIONS_MAX} sections publish, and as many take");
        }
        let streams = self.publish.iter().map(|of| (&of.collection, &of.stream, of.limits));
        let taken = self.take.iter().map(|of| (&of.collection, &of.stream, of.limits));
        for (collection, stream, limits) in streams.chain(taken) {
            if !collections.contains(&collection.as_str()) {
                bail!("relay: there is no collection {collection:?}");
            }
            name("stream", stream)?;
            if !(1..=90).contains(&limits.days) || !(1..=1_048_576).contains(&limits.mib) {
                bail!("relay: {stream}: limits: days from 1 to 90, mib from 1 to 1048576");
            }
        }
        for of in &self.publish {
            for part in of.subject.split('.') {
                name("subject", part)?;
            }
            if of.ceiling().is_none() {
                bail!(
                    "relay: {}: tlp {:?}: clear, green, amber or amber+strict",
                    of.stream,
                    of.tlp
                );
            }
        }
        for of in &self.take {
            name("consumer", &of.consumer)?;
            if of.source.len() > SOURCES_MAX {
                bail!("relay: {}: at most {SOURCES_MAX} sources", of.stream);
            }
            for source in &of.source {
                name("stream", &source.stream)?;
                name("domain", &source.domain)?;
            }
        }
        Ok(())
    }
}

/// A name that servers take as it is.
fn name(what: &str, text: &str) -> anyhow::Result<()> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !(1..=64).contains(&text.len()) || !text.bytes().all(plain) {
        bail!("relay: {what} {text:?}: letters, digits, - and _, at most 64");
    }
    Ok(())
}
