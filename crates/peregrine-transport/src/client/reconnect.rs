//! Which connection a call gets: the one that is there, the one on its way, a new one, or none during a pause.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::client::backoff::Backoff;
use crate::client::channel::ChannelConfig;
use crate::client::connect::Connector;
use crate::client::link::{Link, Linking};
use crate::client::open_calls::{closed, cut};
use crate::grpc::status::{Code, Status};

/// Makes the connections of a channel, one at a time.
pub(crate) struct Reconnect {
    connector: Arc<dyn Connector>,
    config: ChannelConfig,
    state: Mutex<State>,
}

struct State {
    stage: Stage,
    /// How many connections in a row came to nothing.
    failures: u32,
    backoff: Backoff,
    /// What errors call the server.
    address: String,
}

enum Stage {
    /// The next call connects.
    Idle,
    Linking(Linking),
    Linked(Link),
    /// Nobody connects before `until`.
    Paused {
        until: Instant,
        error: Status,
    },
    Closed,
}

impl Reconnect {
    pub(crate) fn new(connector: Arc<dyn Connector>, config: &ChannelConfig) -> Self {
        let (backoff, address) = (config.backoff.clone(), connector.address());
        let state = State { stage: Stage::Idle, failures: 0, backoff, address };
        Self { connector, config: config.clone(), state: Mutex::new(state) }
    }

    /// The connection, made if there is none.
    pub(crate) async fn link(&self) -> Result<Link, Status> {
        let linking = {
            let mut state = self.settled();
            match &state.stage {
                Stage::Linked(link) => return Ok(link.clone()),
                Stage::Paused { until, error } => return Err(paused(error, *until)),
                Stage::Closed => return Err(closed()),
                Stage::Linking(linking) => linking.clone(),
                Stage::Idle => {
                    let linking = Linking::start(Arc::clone(&self.connector), &self.config);
                    state.stage = Stage::Linking(linking.clone());
                    linking
                }
            }
        };
        let result = linking.wait().await;
        match self.settled().stage {
            Stage::Closed => Err(cut()),
            _ => result,
        }
    }

    /// When there is a next attempt to connect, during a pause.
    pub(crate) fn next_attempt(&self) -> Option<Instant> {
        match self.settled().stage {
            Stage::Paused { until, .. } => Some(until),
            _ => None,
        }
    }

    /// Lets the connection go, and makes no other.
    pub(crate) fn close(&self) {
        let stage = mem::replace(&mut self.settled().stage, Stage::Closed);
        if let Stage::Linking(linking) = stage {
            linking.give_up();
        }
    }

    /// The state as it is at this moment.
    fn settled(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.settle();
        state
    }
}

impl State {
    /// Takes note of what has happened to the connection since.
    fn settle(&mut self) {
        self.stage = match mem::replace(&mut self.stage, Stage::Idle) {
            Stage::Linking(linking) => match linking.result() {
                None => Stage::Linking(linking),
                Some(Ok(link)) => self.linked(link),
                Some(Err(error)) => self.failed(linking.started, error),
            },
            Stage::Linked(link) => self.linked(link),
            Stage::Paused { until, .. } if until <= Instant::now() => Stage::Idle,
            stage => stage,
        };
    }

    fn linked(&mut self, link: Link) -> Stage {
        let has_greeted = link.greeted.initialized();
        if has_greeted {
            self.failures = 0;
        }
        match (link.sender.is_closed(), has_greeted) {
            (false, _) => Stage::Linked(link),
            (true, true) => Stage::Idle,
            (true, false) => {
                let what = "the last connection ended before the server spoke HTTP/2";
                let error = Status::new(Code::Unavailable, format!("cannot connect to {}: {what}", self.address));
                self.failed(link.started, error)
            }
        }
    }

    fn failed(&mut self, started: Instant, error: Status) -> Stage {
        self.failures = self.failures.saturating_add(1);
        match started.checked_add(self.backoff.pause(self.failures)) {
            Some(until) if until > Instant::now() => Stage::Paused { until, error },
            _ => Stage::Idle,
        }
    }
}

/// What a call is told that begins during a pause.
fn paused(error: &Status, until: Instant) -> Status {
    let left = until.saturating_duration_since(Instant::now());
    let left = Duration::from_millis(left.as_nanos().div_ceil(1_000_000).try_into().unwrap_or(u64::MAX));
    let message = format!("{}; the next attempt is in {left:?}", error.message());
    Status::new(error.code(), message).with_source(error.clone())
}
