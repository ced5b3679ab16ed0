//! Which connection a call gets: the one that is there, the one on its way, a new one, or none during a pause.

use std::mem;
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use peregrine_proto::{Code, Location};
use tokio::time::Instant;

use super::backoff::Backoff;
use super::connect::Connect;
use super::link::{Link, LinkSettings, LinkTarget, Linking};
use super::open_calls::{closed, cut};
use crate::grpc::status::Status;
use crate::mutex::Mutex;

/// Makes the connections of a channel, one at a time.
pub(crate) struct Reconnect {
    target: LinkTarget,
    settings: LinkSettings,
    state: Mutex<ConnectionState>,
}

struct ConnectionState {
    stage: ConnectionStage,
    /// How many connections in a row came to nothing.
    failures: u32,
    backoff: Backoff,
    /// What errors call the server.
    address: String,
}

enum ConnectionStage {
    /// The next call connects.
    Idle,
    Linking(Linking),
    Linked(Link),
    /// No call connects before `until`.
    Paused {
        until: Instant,
        error: Status,
    },
    Closed,
}

impl Reconnect {
    pub(crate) fn new(location: Location, connect: Arc<dyn Connect>, settings: LinkSettings, backoff: Backoff) -> Self {
        let address = connect.address(&location);
        let target = LinkTarget { location: Arc::new(location), connect };
        let state = ConnectionState { stage: ConnectionStage::Idle, failures: 0, backoff, address };
        Self { target, settings, state: Mutex::new(state) }
    }

    /// The connection, made if there is none.
    pub(crate) async fn link(&self) -> Result<Link, Status> {
        let linking = {
            let mut state = self.settled();
            match &state.stage {
                ConnectionStage::Linked(link) => return Ok(link.clone()),
                ConnectionStage::Paused { until, error } => return Err(paused(error, *until)),
                ConnectionStage::Closed => return Err(closed()),
                ConnectionStage::Linking(linking) => linking.clone(),
                ConnectionStage::Idle => {
                    let linking = Linking::start(self.target.clone(), self.settings.clone());
                    state.stage = ConnectionStage::Linking(linking.clone());
                    linking
                }
            }
        };
        let result = linking.wait().await;
        match self.settled().stage {
            ConnectionStage::Closed => Err(cut()),
            _ => result,
        }
    }

    /// How errors name the server.
    pub(crate) fn address(&self) -> String {
        self.target.connect.address(&self.target.location)
    }

    /// When there is a next attempt to connect, during a pause.
    pub(crate) fn next_attempt(&self) -> Option<Instant> {
        match self.settled().stage {
            ConnectionStage::Paused { until, .. } => Some(until),
            _ => None,
        }
    }

    /// Lets the connection go, and makes no other.
    pub(crate) fn close(&self) {
        let stage = mem::replace(&mut self.settled().stage, ConnectionStage::Closed);
        if let ConnectionStage::Linking(linking) = stage {
            linking.give_up();
        }
    }

    /// The state as it is at this moment.
    fn settled(&self) -> MutexGuard<'_, ConnectionState> {
        let mut state = self.state.lock();
        state.settle();
        state
    }
}

impl ConnectionState {
    /// Takes note of what has happened to the connection since.
    fn settle(&mut self) {
        self.stage = match mem::replace(&mut self.stage, ConnectionStage::Idle) {
            ConnectionStage::Linking(linking) => match linking.result() {
                None => ConnectionStage::Linking(linking),
                Some(Ok(link)) => self.linked(link),
                Some(Err(error)) => self.failed(linking.started, error),
            },
            ConnectionStage::Linked(link) => self.linked(link),
            ConnectionStage::Paused { until, .. } if until <= Instant::now() => ConnectionStage::Idle,
            stage => stage,
        };
    }

    fn linked(&mut self, link: Link) -> ConnectionStage {
        let has_greeted = link.greeted.initialized();
        if has_greeted {
            self.failures = 0;
        }
        match (link.sender.is_closed(), has_greeted) {
            (false, _) => ConnectionStage::Linked(link),
            (true, true) => ConnectionStage::Idle,
            (true, false) => {
                let what = "the last connection ended before the server spoke HTTP/2";
                let error = Status::new(Code::Unavailable, format!("cannot connect to {}: {what}", self.address));
                self.failed(link.started, error)
            }
        }
    }

    fn failed(&mut self, started: Instant, error: Status) -> ConnectionStage {
        self.failures = self.failures.saturating_add(1);
        match started.checked_add(self.backoff.pause(self.failures)) {
            Some(until) if until > Instant::now() => ConnectionStage::Paused { until, error },
            _ => ConnectionStage::Idle,
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
