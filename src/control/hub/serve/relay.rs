//! What hubs have for each other, over JetStream of NATS: what was added to a collection is published
//! to a stream; what comes in a stream is put into a collection.
//!
//! ```text
//! store ─► page ─► publish (Nats-Msg-Id) ─► all acknowledged ─► cursor      one hub
//!                        stream ─► leaf node ─► stream of streams
//! store ◄─ on the disk ◄─ looked at ◄─ pull ◄─┘        ack only then        the other
//! ```
//!
//! One object is one message, with the sensor that sent it in a header. Its identifier is made of
//! sender, object and version: a server that has seen it within [`DUPLICATES_KNOWN`] does not keep it
//! again, and the store of the other hub knows it for ever. So each step may be done twice, and the
//! process, the other hub, and each server between may end at any moment.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use async_nats::connection::State;
use async_nats::jetstream::consumer::{AckPolicy, PullConsumer, pull};
use async_nats::jetstream::message::{AckKind, PublishMessage};
use async_nats::jetstream::stream::{self, DiscardPolicy, RetentionPolicy, StorageType};
use async_nats::jetstream::{Context, Message};
use futures_util::StreamExt;
use futures_util::future::join_all;
use sha2::{Digest, Sha256};

use super::Hub;
use super::admit::named;
use super::api::looked_at;
use super::config::relay::{Publish, Relay, Take};
use super::metrics::Relayed;
use super::store::{Entry, Filter, Put, Version};
use super::tls;
use crate::control::hub::sender::chance;
use crate::outputs::hub::identity::Identity;
use crate::outputs::hub::policy::{self, Tlp};
use crate::outputs::hub::stix::marking_id;
use crate::outputs::hub::taxii::Backoff;

/// Messages that are on their way at one time, of each section; with [`MESSAGE_BYTES_MAX`] that
/// bounds memory.
const BATCH_MESSAGES: usize = 128;
/// Bytes of a message at most; a larger object stays and is counted.
const MESSAGE_BYTES_MAX: usize = 128 * 1024;
/// Messages that were handed over and are not acknowledged, at most.
const UNACKNOWLEDGED_MAX: i64 = 1024;
/// After so long without acknowledgement a message is handed over again.
const ACKNOWLEDGE: Duration = Duration::from_secs(10);
/// A message that could not be kept comes again after so long.
const AGAIN: Duration = Duration::from_secs(5);
/// How long a server knows the identifiers of messages.
const DUPLICATES_KNOWN: Duration = Duration::from_secs(3600);
/// How often it is looked for what is new, and how long the server collects for one answer.
const LOOK: Duration = Duration::from_millis(250);
/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Seconds between two attempts at most.
const WAIT_MAX: f64 = 15.0;
/// Commands that wait in the client at most.
const COMMANDS_MAX: usize = 256;
/// The header that says which sensor sent an object first.
const SENDER: &str = "Rivellino-Sender";

/// Begins: one connection, one task for each section.
///
/// # Errors
/// When the certificates cannot be used. A server that is away is waited for.
pub(super) async fn start(hub: &Arc<Hub>, relay: &Relay) -> anyhow::Result<()> {
    let tls = tls::client(&policy::Tls {
        certificate: Some(relay.tls.certificate.clone()),
        key: Some(relay.tls.key.clone()),
        authority: Some(relay.tls.authority.clone()),
    })?;
    let connected = hub.metrics.relay_connected.clone();
    let client = async_nats::ConnectOptions::new()
        .name("rivellino hub")
        .require_tls(true)
        .tls_client_config((*tls).clone())
        .retry_on_initial_connect()
        .max_reconnects(None)
        .client_capacity(COMMANDS_MAX)
        .subscription_capacity(2 * BATCH_MESSAGES)
        .request_timeout(Some(PATIENCE))
        .reconnect_delay_callback(|attempt| wait(attempt, chance()))
        .event_callback(move |event| {
            match &event {
                async_nats::Event::Connected => connected.set(1),
                async_nats::Event::Disconnected | async_nats::Event::Closed => connected.set(0),
                _ => {}
            }
            tracing::info!("relay: {event}");
            std::future::ready(())
        })
        .connect(relay.servers.as_slice())
        .await
        .context("relay: no connection can be made")?;
    let builder = async_nats::jetstream::context::ContextBuilder::new().timeout(PATIENCE);
    let context = builder.ack_timeout(PATIENCE).max_ack_inflight(BATCH_MESSAGES).build(client);
    for publish in relay.publish.clone() {
        let (hub, context) = (Arc::clone(hub), context.clone());
        tokio::spawn(async move { publishing(&hub, &context, &publish).await });
    }
    for take in relay.take.clone() {
        let (hub, context) = (Arc::clone(hub), context.clone());
        tokio::spawn(async move { taking(&hub, &context, &take).await });
    }
    Ok(())
}

/// How long until a server is tried again: exponential, with full jitter.
fn wait(attempt: usize, chance: f64) -> Duration {
    let doublings = i32::try_from(attempt.min(10)).unwrap_or(10);
    let most = (0.25 * 2_f64.powi(doublings)).min(WAIT_MAX);
    Duration::from_secs_f64(most * chance.clamp(0.0, 1.0))
}

/// Waits after something went wrong; while there is no connection until there is one.
async fn pause(
    hub: &Hub,
    context: &Context,
    backoff: &mut Backoff,
    name: &str,
    why: &anyhow::Error,
) {
    hub.metrics.relayed(Relayed::Failed, 1);
    let seconds = backoff.failed(chance(), None).min(WAIT_MAX);
    // The first time, and when it goes on; else the log would fill.
    if backoff.failures().is_power_of_two() {
        tracing::warn!("relay: {name}: {why:#}; again in {seconds:.1} s");
    }
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    while context.client().connection_state() != State::Connected {
        tokio::time::sleep(LOOK).await;
    }
}

/// Publishes what is added to a collection, for ever.
async fn publishing(hub: &Arc<Hub>, context: &Context, of: &Publish) {
    let mut backoff = Backoff::default();
    let mut is_ready = false;
    loop {
        let done = async {
            if !is_ready {
                stream_of(context, of.config()).await?;
            }
            publish(hub, context, of).await
        };
        match done.await {
            Ok(more) => {
                is_ready = true;
                backoff.worked();
                if !more {
                    tokio::time::sleep(LOOK).await;
                }
            }
            Err(error) => {
                is_ready = false;
                pause(hub, context, &mut backoff, &of.stream, &error).await;
            }
        }
    }
}

/// Makes a stream if it is not there. One that is there is left as whoever made it wants it.
async fn stream_of(context: &Context, config: stream::Config) -> anyhow::Result<stream::Stream> {
    let name = config.name.clone();
    let found = context.get_or_create_stream(config).await;
    found.with_context(|| format!("no stream {name}"))
}

/// Publishes one page; false when there was nothing. The cursor moves on only behind what the server
/// has acknowledged.
async fn publish(hub: &Arc<Hub>, context: &Context, of: &Publish) -> anyhow::Result<bool> {
    let (entries, names, next) = page(hub, of).await?;
    let Some(next) = next else { return Ok(false) };
    let most = context.client().server_info().max_payload.min(MESSAGE_BYTES_MAX);
    if most == 0 {
        bail!("the server has not said what it takes");
    }
    let mut acknowledgements = Vec::with_capacity(entries.len());
    for entry in entries {
        if let Some(why) = withheld(&entry, of.tlp(), most) {
            hub.metrics.relayed(Relayed::Withheld, 1);
            tracing::debug!("relay: {} stays: {why}", entry.id);
            continue;
        }
        let sender = names.get(&entry.sender).map(String::as_str).unwrap_or_default();
        let id = message_id(sender, &entry);
        let mut message = PublishMessage::build().message_id(id).payload(entry.body.into());
        if !sender.is_empty() {
            message = message.header(SENDER, sender);
        }
        let sent = context.send_publish(of.subject.clone(), message);
        let sent = tokio::time::timeout(PATIENCE, sent).await.context("no way to the server")?;
        acknowledgements.push(sent.context("cannot publish")?.into_future());
    }
    for acknowledged in join_all(acknowledgements).await {
        let acknowledged = acknowledged.context("not acknowledged")?;
        if acknowledged.stream != of.stream {
            bail!("the subject {} is of another stream, {}", of.subject, acknowledged.stream);
        }
        let outcome = if acknowledged.duplicate { Relayed::Repeated } else { Relayed::Published };
        hub.metrics.relayed(outcome, 1);
    }
    let (keeper, key) = (Arc::clone(hub), of.key());
    tokio::task::spawn_blocking(move || keeper.store.set_relayed(&key, next)).await??;
    Ok(true)
}

type Published = (Vec<Entry>, BTreeMap<u64, String>, Option<u64>);

/// What comes next of a collection, the names of those who sent it, and where it ends.
async fn page(hub: &Arc<Hub>, of: &Publish) -> anyhow::Result<Published> {
    let (hub, of) = (Arc::clone(hub), of.clone());
    let read = move || -> anyhow::Result<Published> {
        let after = hub.store.relayed(&of.key())?;
        let whole = hub.store.view(&of.collection, None);
        let filter = Filter { versions: vec![Version::All], ..Filter::default() };
        let page = hub.store.page([whole, whole], &filter, after, BATCH_MESSAGES)?;
        let last = page.entries.last().map(|entry| entry.added);
        let senders = page.entries.iter().map(|entry| entry.sender).filter(|sender| *sender != 0);
        let names = hub.store.names(&senders.collect())?;
        Ok((page.entries, names, page.next.or(last)))
    };
    tokio::task::spawn_blocking(read).await?
}

/// Why an object does not go: it is marked for fewer, or too large.
fn withheld(entry: &Entry, ceiling: Tlp, bytes_max: usize) -> Option<&'static str> {
    // A header takes a few hundred bytes of the server's bound.
    if entry.body.len() + 1024 > bytes_max {
        return Some("too large for a message");
    }
    let stricter = Tlp::ALL.into_iter().filter(|tlp| *tlp > ceiling);
    let mut marks = stricter.map(marking_id);
    let is_marked = marks.any(|id| memchr::memmem::find(&entry.body, id.as_bytes()).is_some());
    is_marked.then_some("marked for fewer than the stream reaches")
}

/// The identifier of a message: the same object, version and sender give the same one.
fn message_id(sender: &str, entry: &Entry) -> String {
    let of = format!("{sender}|{}|{}", entry.id, entry.version);
    Sha256::digest(of.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Takes what comes in a stream, for ever.
async fn taking(hub: &Arc<Hub>, context: &Context, of: &Take) {
    let mut backoff = Backoff::default();
    loop {
        let error = match consumer(context, of).await {
            Ok(consumer) => loop {
                match take(hub, context, &consumer, of).await {
                    Ok(0) => {}
                    Ok(_) => backoff.worked(),
                    Err(error) => break error,
                }
            },
            Err(error) => error,
        };
        pause(hub, context, &mut backoff, &of.stream, &error).await;
    }
}

/// The durable consumer of a stream; makes both if they are not there.
async fn consumer(context: &Context, of: &Take) -> anyhow::Result<PullConsumer> {
    let stream = match of.config() {
        Some(config) => stream_of(context, config).await?,
        None => {
            let found = context.get_stream(&of.stream).await;
            found.with_context(|| format!("no stream {}", of.stream))?
        }
    };
    let config = pull::Config {
        durable_name: Some(of.consumer.clone()),
        ack_policy: AckPolicy::Explicit,
        ack_wait: ACKNOWLEDGE,
        max_ack_pending: UNACKNOWLEDGED_MAX,
        ..pull::Config::default()
    };
    let made = stream.get_or_create_consumer(&of.consumer, config).await;
    made.with_context(|| format!("no consumer {} of {}", of.consumer, of.stream))
}

/// Takes a batch: how many messages came. They are acknowledged when they are on the disk.
async fn take(
    hub: &Arc<Hub>,
    context: &Context,
    consumer: &PullConsumer,
    of: &Take,
) -> anyhow::Result<usize> {
    let batch = consumer.batch().max_messages(BATCH_MESSAGES).expires(LOOK);
    let mut batch = batch.messages().await.context("nothing can be asked for")?;
    let mut messages = Vec::new();
    let mut failed = None;
    while let Some(message) =
        tokio::time::timeout(PATIENCE, batch.next()).await.context("no answer")?
    {
        match message {
            Ok(message) => messages.push(message),
            Err(error) => {
                failed = Some(anyhow::anyhow!("{error}"));
                break;
            }
        }
    }
    let count = messages.len();
    keep(hub, of, messages).await;
    if count > 0 {
        context.client().flush().await.context("acknowledgements do not go")?;
    }
    match failed {
        Some(error) if count == 0 => Err(error),
        // What came before the trouble counts.
        _ => Ok(count),
    }
}

/// Puts messages into the store, those of one sender together, and answers for each.
async fn keep(hub: &Arc<Hub>, of: &Take, messages: Vec<Message>) {
    let mut by_sender: BTreeMap<String, Vec<Message>> = BTreeMap::new();
    for message in messages {
        let sender = message.headers.as_ref().and_then(|headers| headers.get(SENDER));
        let sender = sender.map(|sender| sender.as_str().to_owned()).unwrap_or_default();
        by_sender.entry(sender).or_default().push(message);
    }
    let puts = by_sender.into_iter().map(|(sender, messages)| async move {
        let Ok(identity) = (!sender.is_empty()).then(|| sender.parse::<Identity>()).transpose()
        else {
            hub.metrics.relayed(Relayed::Unreadable, messages.len() as u64);
            return answer(&messages, AckKind::Term).await;
        };
        put(hub, of, identity.as_ref(), messages).await;
    });
    join_all(puts).await;
}

/// Puts the messages of one sender into the store; without one they are the other hub's own.
async fn put(hub: &Arc<Hub>, of: &Take, sender: Option<&Identity>, messages: Vec<Message>) {
    let Some(collection) = hub.config.collection.iter().find(|known| known.id == of.collection)
    else {
        return;
    };
    let (mut objects, mut sound, mut unreadable) = (Vec::new(), Vec::new(), Vec::new());
    for message in messages {
        match serde_json::from_slice::<serde_json::Value>(&message.payload) {
            Ok(object) if named(&object).is_some() => {
                objects.push(object);
                sound.push(message);
            }
            _ => unreadable.push(message),
        }
    }
    hub.metrics.relayed(Relayed::Unreadable, unreadable.len() as u64);
    answer(&unreadable, AckKind::Term).await;
    if sound.is_empty() {
        return;
    }
    let who = sender.map_or_else(|| format!("relay {}", of.stream), Identity::uri);
    let mut envelope = looked_at(hub, sender, &who, collection, &objects);
    // The hub that took it first has counted it against the sensor's share.
    envelope.is_relayed = true;
    match hub.queue.put(envelope).await {
        Ok(Put::Done(_, report)) => {
            hub.metrics.put(&report);
            hub.metrics.relayed(Relayed::Taken, sound.len() as u64);
            answer(&sound, AckKind::Ack).await;
        }
        Ok(Put::Share) | Err(_) => {
            hub.metrics.relayed(Relayed::Failed, 1);
            answer(&sound, AckKind::Nak(Some(AGAIN))).await;
        }
    }
}

/// Answers for messages. An answer that does not arrive only means that they come again.
async fn answer(messages: &[Message], kind: AckKind) {
    for message in messages {
        if let Err(error) = message.ack_with(kind).await {
            tracing::debug!("relay: not acknowledged: {error}");
        }
    }
}

impl Publish {
    /// The stream, if it has to be made. When it is full nothing is published, and what waits stays
    /// in the store: nothing that somebody may still want is let go for what is new.
    fn config(&self) -> stream::Config {
        stream::Config {
            name: self.stream.clone(),
            subjects: vec![self.subject.clone()],
            discard: DiscardPolicy::New,
            ..self.limits.config()
        }
    }
}

impl Take {
    /// The stream, if it has to be made of others.
    fn config(&self) -> Option<stream::Config> {
        let source = |of: &super::config::relay::Source| stream::Source {
            name: of.stream.clone(),
            domain: Some(of.domain.clone()),
            ..stream::Source::default()
        };
        (!self.source.is_empty()).then(|| stream::Config {
            name: self.stream.clone(),
            sources: Some(self.source.iter().map(source).collect()),
            // The streams that it is made of keep what it let go.
            discard: DiscardPolicy::Old,
            ..self.limits.config()
        })
    }
}

impl super::config::relay::Limits {
    fn config(&self) -> stream::Config {
        let age = Duration::from_secs(u64::from(self.days) * 86_400);
        stream::Config {
            max_bytes: i64::from(self.mib) << 20,
            max_age: age,
            max_messages: -1,
            max_messages_per_subject: -1,
            max_consumers: -1,
            max_message_size: i32::try_from(MESSAGE_BYTES_MAX).unwrap_or(i32::MAX),
            duplicate_window: DUPLICATES_KNOWN.min(age),
            retention: RetentionPolicy::Limits,
            storage: StorageType::File,
            num_replicas: 1,
            ..stream::Config::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(body: &str) -> Entry {
        let [id, version] = ["note--1", "2026-01-01T00:00:00Z"].map(str::to_owned);
        Entry { added: 1, id, version, sender: 1, body: body.as_bytes().to_vec() }
    }

    #[test]
    fn servers_are_tried_again_by_chance_and_not_ever_later() {
        assert_eq!(wait(0, 1.0), Duration::from_millis(250));
        assert_eq!(wait(1, 1.0), Duration::from_millis(500));
        assert_eq!(wait(2, 0.0), Duration::ZERO);
        assert_eq!(wait(usize::MAX, 1.0), Duration::from_secs(15));
    }

    #[test]
    fn what_is_marked_for_fewer_or_too_large_stays() {
        let marked =
            entry(&format!("{{\"object_marking_refs\":[\"{}\"]}}", marking_id(Tlp::Amber)));
        assert_eq!(withheld(&marked, Tlp::Amber, 4096), None);
        assert!(withheld(&marked, Tlp::Green, 4096).is_some());
        assert!(withheld(&entry(&"x".repeat(3073)), Tlp::Amber, 4096).is_some());
        assert_eq!(withheld(&entry(&"x".repeat(3072)), Tlp::Amber, 4096), None);
    }

    #[test]
    fn a_message_has_the_identifier_of_what_it_is() {
        let (first, other) = (entry("{}"), entry("{ }"));
        assert_eq!(message_id("a", &first), message_id("a", &other));
        assert_ne!(message_id("a", &first), message_id("b", &first));
        let later = Entry { version: "2026-01-02T00:00:00Z".to_owned(), ..first.clone() };
        assert_ne!(message_id("a", &first), message_id("a", &later));
        assert_eq!(message_id("a", &first).len(), 32);
    }
}
