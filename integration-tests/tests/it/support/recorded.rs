//! A pair whose calls are recorded at both ends.

use std::time::Duration;

use peregrine::client::{FlightClient, FlightClientBuilder};
use peregrine::proto::Outcome;
use peregrine::server::{FlightServer, FlightService};
use peregrine_testkit::Pair;
use peregrine_testkit::fault::Faults;
use peregrine_testkit::waiting::idle;

use super::recorder::{Decides, Record, Seen};

/// What the stages of a pair do with calls.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Decisions {
    pub(crate) client_auth: Decides,
    pub(crate) client_inner: Decides,
    pub(crate) server_auth: Decides,
    pub(crate) server_inner: Decides,
}

/// A server and a client, each with a stage of authentication and two of middleware, `outer` and `inner`. Needs a paused
/// clock.
pub(crate) struct Recorded {
    pub(crate) pair: Pair,
    pub(crate) client: FlightClient,
    at_client: Record,
    at_server: Record,
}

/// What was seen at both ends when all was over.
#[derive(Debug)]
pub(crate) struct Ends {
    pub(crate) client: Seen,
    pub(crate) server: Seen,
}

impl Recorded {
    pub(crate) fn new(service: impl FlightService) -> Self {
        Self::with(Decisions::default(), service, &Faults::new())
    }

    pub(crate) fn with(decisions: Decisions, service: impl FlightService, faults: &Faults) -> Self {
        let (at_client, at_server) = (Record::default(), Record::default());
        let server = FlightServer::builder()
            .auth_stage(at_server.stage("auth", decisions.server_auth))
            .middleware_stage(at_server.stage("outer", Decides::LetsPass))
            .middleware_stage(at_server.stage("inner", decisions.server_inner))
            .observer(at_server.stage("observer", Decides::LetsPass));
        let pair = Pair::with_faults(server, service, faults);
        let client = pair.client_with(|client| recording_client(client, &at_client, decisions));
        Self { pair, client, at_client, at_server }
    }

    /// What was seen so far.
    pub(crate) fn seen(&self) -> Ends {
        Ends { client: self.at_client.seen(), server: self.at_server.seen() }
    }

    /// Waits until nothing goes on any more, and checks that neither the client's end nor the server's adds anything.
    pub(crate) async fn finish(self) -> Ends {
        idle().await;
        let ends = self.seen();
        let Self { pair, client, at_client, at_server } = self;
        drop(client);
        idle().await;
        pair.server().shutdown(Duration::ZERO).await;
        drop(pair);
        idle().await;
        assert_eq!(at_client.seen().len(), ends.client.len(), "all calls had ended before");
        assert_eq!(at_server.seen().len(), ends.server.len(), "all calls had ended before");
        ends
    }
}

/// A client with the three stages of a [`Recorded`].
pub(crate) fn recording_client(
    client: FlightClientBuilder,
    record: &Record,
    decisions: Decisions,
) -> FlightClientBuilder {
    client
        .auth_stage(record.stage("auth", decisions.client_auth))
        .middleware_stage(record.stage("outer", Decides::LetsPass))
        .middleware_stage(record.stage("inner", decisions.client_inner))
}

const CLIENT_BEGAN: [&str; 5] = ["auth", "outer starts", "inner starts", "outer sends headers", "inner sends headers"];
const RECEIVED: [&str; 2] = ["outer receives headers", "inner receives headers"];
const SERVER_BEGAN: [&str; 3] = ["auth", "outer starts", "inner starts"];
const SENT: [&str; 2] = ["outer sends headers", "inner sends headers"];
const ENDED: [&str; 2] = ["inner ends", "outer ends"];
const OBSERVED: [&str; 1] = ["observer sees the end"];

impl Seen {
    /// The one outcome of the one call of a method at its client. `answered` where response headers arrived.
    #[track_caller]
    pub(crate) fn client_call(&self, method: &str, answered: bool) -> &Outcome {
        let received = if answered { &RECEIVED[..] } else { &[] };
        self.outcome(method, &[&CLIENT_BEGAN, received, &ENDED].concat())
    }

    /// The one outcome of the one call of a method at its server. `answered` where response headers were sent.
    #[track_caller]
    pub(crate) fn server_call(&self, method: &str, answered: bool) -> &Outcome {
        let sent = if answered { &SENT[..] } else { &[] };
        self.outcome(method, &[&SERVER_BEGAN, sent, &ENDED, &OBSERVED].concat())
    }
}

impl Ends {
    /// The outcomes of a call that both ends ended, after its response headers.
    #[track_caller]
    pub(crate) fn answered(&self, method: &str) -> (&Outcome, &Outcome) {
        (self.client.client_call(method, true), self.server.server_call(method, true))
    }
}
