//! Metrics on their way to the centre, once a minute: for sites that nobody can come in to.

use std::time::{Duration, Instant};

use super::client::Client;
use super::sender::chance;
use crate::outputs::hub::identity::Identity;
use crate::outputs::hub::policy::Push;
use crate::outputs::hub::taxii::Backoff;
use crate::outputs::metrics::push::{Verdict, Waiting};
use crate::outputs::metrics::{Metrics, Pushed};
use crate::time::Timestamp;

/// Sends metrics, one request at a time.
pub(super) struct Pusher {
    metrics: Metrics,
    counts: Pushed,
    client: Client,
    url: String,
    every: Duration,
    labels: Vec<(&'static str, String)>,
    waiting: Waiting,
    backoff: Backoff,
    /// When the next values are taken.
    next: Instant,
    /// Not to be sent before.
    not_before: Instant,
}

/// Who the sensor is, in every series: nothing that its certificate does not say.
fn labels(identity: &Identity) -> Vec<(&'static str, String)> {
    let uri = identity.uri();
    let instance = uri.rsplit(':').next().unwrap_or_default().to_owned();
    vec![
        ("cosc", identity.cosc().to_string()),
        ("instance", instance),
        ("job", "rivellino".to_owned()),
    ]
}

impl Pusher {
    pub(super) fn new(
        push: &Push,
        identity: &Identity,
        client: Client,
        metrics: &Metrics,
    ) -> anyhow::Result<Self> {
        let now = Instant::now();
        let every = Duration::from_secs(push.seconds);
        Ok(Self {
            metrics: metrics.clone(),
            counts: metrics.pushed()?,
            client,
            url: push.url.clone(),
            every,
            labels: labels(identity),
            waiting: Waiting::default(),
            backoff: Backoff::default(),
            // Thousands that came up together do not come together.
            next: now + every.mul_f64(chance()),
            not_before: now,
        })
    }

    /// Takes values if it is time, sends what waits if it may be sent.
    pub(super) fn step(&mut self, may_send: bool) {
        let now = Instant::now();
        if now >= self.next {
            // One that was late by more than its span does not catch up.
            self.next = (self.next + self.every).max(now);
            let request = self.metrics.request(&self.labels, Timestamp::wall_clock());
            if self.waiting.add(request) {
                self.counts.count("shed");
            }
        }
        if may_send && now >= self.not_before {
            self.send();
        }
    }

    fn send(&mut self) {
        let Some(request) = self.waiting.oldest() else { return };
        let answer = self.client.write(&self.url, request);
        let (verdict, after, why) = match answer {
            Ok((status, after)) => (Verdict::of(status), after, format!("it answers {status}")),
            Err(why) => (Verdict::Later, None, why),
        };
        self.counts.count(verdict.name());
        let was_failing = self.backoff.failures() > 0;
        match verdict {
            Verdict::Accepted => {
                if was_failing {
                    tracing::info!("metrics are taken again");
                }
                self.backoff.worked();
                self.waiting.done();
            }
            Verdict::Refused => {
                if !was_failing {
                    tracing::error!("metrics are refused: {why}");
                }
                // Told once, until something is taken.
                self.backoff.failed(0.0, None);
                self.waiting.done();
            }
            Verdict::Later => {
                if !was_failing {
                    tracing::warn!("metrics cannot be sent, they wait: {why}");
                }
                let wait = self.backoff.failed(chance(), after);
                self.not_before =
                    Instant::now() + Duration::try_from_secs_f64(wait).unwrap_or_default();
            }
        }
    }
}

#[cfg(test)]
mod tests;
