//! Stages of calls that record what they see, at both ends.

use std::fmt::Debug;
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use http::{HeaderMap, HeaderName, HeaderValue};
use peregrine::proto::{
    CallInfo, CallerIdentity, ClientAuthStage, ClientCallHooks, ClientMiddlewareStage, FlightError, Outcome,
    OutgoingCall, ServerAuthStage, ServerCallHooks, ServerCallObserver, ServerMiddlewareStage, append_metadata,
};

type Deciding<'a, T> = Pin<Box<dyn Future<Output = Result<T, FlightError>> + Send + 'a>>;

/// What a stage does with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Decides {
    #[default]
    LetsPass,
    LeavesAlone,
    Refuses,
    Panics,
    Waits,
    /// Lets the call pass, and panics when it ends.
    PanicsAtEnd,
    /// Lets the call pass, and panics when headers are to be sent.
    PanicsAtHeaders,
}

/// What the stages of one end have seen, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Record(Arc<Mutex<Seen>>);

/// What was seen of calls, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen(Vec<Event>);

#[derive(Debug, Clone)]
struct Event {
    method: String,
    what: String,
    outcome: Option<Outcome>,
}

/// What authentication leaves for those behind it.
#[derive(Debug, Clone)]
pub(crate) struct Tenant(pub(crate) String);

/// What a middleware leaves for the handler.
#[derive(Debug, Clone)]
pub(crate) struct StartedBy(pub(crate) &'static str);

impl Record {
    pub(crate) fn stage(&self, name: &'static str, decides: Decides) -> Stage {
        Stage { name, decides, record: self.clone() }
    }

    pub(crate) fn seen(&self) -> Seen {
        self.0.lock().unwrap().clone()
    }

    fn add(&self, method: &str, what: String) {
        self.0.lock().unwrap().0.push(Event { method: method.to_owned(), what, outcome: None });
    }

    fn ended(&self, method: &str, what: String, outcome: &Outcome) {
        let outcome = Some(outcome.clone());
        self.0.lock().unwrap().0.push(Event { method: method.to_owned(), what, outcome });
    }
}

impl Seen {
    /// How much was seen in all.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// What was seen of the calls of one method.
    pub(crate) fn events(&self, method: &str) -> Vec<&str> {
        self.0.iter().filter(|event| event.method == method).map(|event| event.what.as_str()).collect()
    }

    /// The one outcome of the one call of a method, where all hooks and observers saw exactly these events.
    #[track_caller]
    pub(crate) fn outcome(&self, method: &str, expected: &[&str]) -> &Outcome {
        assert_eq!(self.events(method), expected, "{method}");
        let of_method = self.0.iter().filter(|event| event.method == method);
        let outcomes: Vec<&Outcome> = of_method.filter_map(|event| event.outcome.as_ref()).collect();
        let first = outcomes.first().expect("an outcome");
        for outcome in &outcomes {
            assert_eq!(text(outcome), text(first), "{method}: all see the same");
        }
        first
    }
}

fn text(value: &impl Debug) -> String {
    format!("{value:?}")
}

/// Any stage of either end, under a name. The one of authentication is named `auth`.
pub(crate) struct Stage {
    name: &'static str,
    decides: Decides,
    record: Record,
}

impl Stage {
    fn decide(&self) -> Result<(), FlightError> {
        match self.decides {
            Decides::LetsPass | Decides::LeavesAlone | Decides::PanicsAtEnd | Decides::PanicsAtHeaders => Ok(()),
            Decides::Refuses => Err(refusal(self.name)),
            Decides::Panics => panic!("{} panics", self.name),
            Decides::Waits => unreachable!("middleware must not"),
        }
    }

    async fn decide_later(&self) -> Result<(), FlightError> {
        if self.decides == Decides::Waits {
            pending::<()>().await;
        }
        tokio::task::yield_now().await;
        self.decide()
    }

    fn hooks(&self, method: &str) -> Option<StageHooks> {
        let hooks = StageHooks {
            name: self.name,
            method: method.to_owned(),
            decides: self.decides,
            record: self.record.clone(),
        };
        (self.decides != Decides::LeavesAlone).then_some(hooks)
    }
}

/// What a stage refuses a call with.
pub(crate) fn refusal(stage: &str) -> FlightError {
    FlightError::unauthenticated(format!("{stage} refuses")).with_extra_info(stage.to_owned())
}

impl ClientAuthStage for Stage {
    fn authorize<'a>(&'a self, call: &'a mut OutgoingCall) -> Deciding<'a, ()> {
        Box::pin(async move {
            self.record.add(call.method().name(), "auth".to_owned());
            self.decide_later().await?;
            call.add_header("x-token", "secret")
        })
    }
}

impl ClientMiddlewareStage for Stage {
    fn start_call(&self, call: &OutgoingCall) -> Result<Option<Box<dyn ClientCallHooks>>, FlightError> {
        assert_eq!(call.headers()["x-token"], "secret", "authentication comes first");
        self.record.add(call.method().name(), format!("{} starts", self.name));
        self.decide()?;
        Ok(self.hooks(call.method().name()).map(|hooks| Box::new(hooks) as Box<dyn ClientCallHooks>))
    }
}

/// Knows the caller by the header `x-token`.
impl ServerAuthStage for Stage {
    fn authenticate<'a>(&'a self, call: &'a CallInfo) -> Deciding<'a, Option<CallerIdentity>> {
        Box::pin(async move {
            self.record.add(name_of(call), "auth".to_owned());
            self.decide_later().await?;
            call.extensions().insert(Tenant("north".to_owned()));
            let token = call.header("x-token")?;
            Ok(token.first().map(|token| CallerIdentity::new(String::from_utf8_lossy(token))))
        })
    }
}

impl ServerMiddlewareStage for Stage {
    fn start_call(&self, call: &CallInfo) -> Result<Option<Box<dyn ServerCallHooks>>, FlightError> {
        assert_eq!(call.extensions().get::<Tenant>().unwrap().0, "north", "authentication comes first");
        self.record.add(name_of(call), format!("{} starts", self.name));
        self.decide()?;
        call.extensions().insert(StartedBy(self.name));
        Ok(self.hooks(name_of(call)).map(|hooks| Box::new(hooks) as Box<dyn ServerCallHooks>))
    }
}

impl ServerCallObserver for Stage {
    fn call_ended(&self, call: &CallInfo, outcome: &Outcome) {
        self.record.ended(name_of(call), format!("{} sees the end", self.name), outcome);
    }
}

/// The last part of the path: methods that do not exist have one too.
fn name_of(call: &CallInfo) -> &str {
    call.path().rsplit('/').next().unwrap_or_default()
}

struct StageHooks {
    name: &'static str,
    method: String,
    decides: Decides,
    record: Record,
}

impl StageHooks {
    fn sending(&self, headers: &mut HeaderMap) {
        self.record.add(&self.method, format!("{} sends headers", self.name));
        assert_ne!(self.decides, Decides::PanicsAtHeaders);
        append_metadata(headers, &format!("x-{}", self.name), "was here").unwrap();
    }

    fn ended(&self, outcome: &Outcome) {
        self.record.ended(&self.method, format!("{} ends", self.name), outcome);
        assert_ne!(self.decides, Decides::PanicsAtEnd);
    }
}

impl ClientCallHooks for StageHooks {
    fn sending_headers(&self, headers: &mut HeaderMap) {
        self.sending(headers);
    }

    fn received_headers(&self, _: &HeaderMap) {
        self.record.add(&self.method, format!("{} receives headers", self.name));
    }

    fn call_completed(&self, outcome: &Outcome) {
        self.ended(outcome);
    }
}

impl ServerCallHooks for StageHooks {
    fn sending_headers(&self, headers: &mut HeaderMap) {
        self.sending(headers);
    }

    fn call_completed(&self, outcome: &Outcome) {
        self.ended(outcome);
    }
}

/// Headers out of names and values.
pub(crate) fn headers<const N: usize>(pairs: [(&'static str, &str); N]) -> HeaderMap {
    let pair =
        |(name, value): (&'static str, &str)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    pairs.into_iter().map(pair).collect()
}
