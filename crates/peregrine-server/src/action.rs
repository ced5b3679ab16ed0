//! The actions that Flight defines: a DoAction that names one goes to the service's method for it, and to `do_action`
//! where the service has none.

use std::error::Error;
use std::fmt;

use bytes::Bytes;
use peregrine_proto::{Action, ActionResult, ActionType, FlightError, FlightMessage};
use peregrine_stream::MessageStream;

use crate::context::ServerCallContext;
use crate::service::FlightService;

/// Runs an action, by the method of its own if Flight defines it and the service has that.
pub(crate) async fn run<S: FlightService>(
    service: &S,
    context: ServerCallContext,
    action: Action,
) -> Result<MessageStream<ActionResult>, FlightError> {
    let its = context.clone();
    let answer = match action.action_type() {
        ActionType::CANCEL_FLIGHT_INFO => hook(&action, |request| service.cancel_flight_info(its, request)).await,
        ActionType::RENEW_FLIGHT_ENDPOINT => hook(&action, |request| service.renew_flight_endpoint(its, request)).await,
        ActionType::SET_SESSION_OPTIONS => hook(&action, |request| service.set_session_options(its, request)).await,
        ActionType::GET_SESSION_OPTIONS => hook(&action, |request| service.get_session_options(its, request)).await,
        ActionType::CLOSE_SESSION => hook(&action, |request| service.close_session(its, request)).await,
        _ => return service.do_action(context, action).await,
    };
    match answer {
        Ok(body) => Ok(MessageStream::from_iter([ActionResult::new(body)])),
        Err(error) if is_no_hook(&error) => service.do_action(context, action).await,
        Err(error) => Err(error),
    }
}

/// Reads the action's body, calls its method, and writes what that answers.
async fn hook<Q, A, F>(action: &Action, call: impl FnOnce(Q) -> F) -> Result<Bytes, FlightError>
where
    Q: FlightMessage,
    A: FlightMessage,
    F: Future<Output = Result<A, FlightError>>,
{
    let request = Q::deserialize(action.body().clone()).map_err(|error| {
        let name = action.action_type();
        FlightError::new(error.kind(), format!("the body of the action {name}: {}", error.message())).with_source(error)
    })?;
    Ok(call(request).await?.serialize())
}

/// The answer of a method that the service does not have: recognised here, and an error that says so to whoever else
/// calls it.
pub(crate) fn no_hook<T: Send>(name: &str) -> impl Future<Output = Result<T, FlightError>> + Send + use<T> {
    let error = FlightError::unimplemented(format!("this service does not implement {name}"));
    std::future::ready(Err(error.with_source(NoHook)))
}

fn is_no_hook(error: &FlightError) -> bool {
    error.source().is_some_and(|source| source.is::<NoHook>())
}

/// Marks the answer of [`no_hook`].
#[derive(Debug)]
struct NoHook;

impl fmt::Display for NoHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the action's method is not implemented")
    }
}

impl Error for NoHook {}
