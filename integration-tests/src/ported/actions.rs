//! Actions: their results, their descriptions, and that they run whether their results are read or not.

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, ensure};
use peregrine::client::FlightClient;
use peregrine::proto::{Action, ActionResult, ActionType, FlightError, FlightErrorKind};
use peregrine::server::{FlightService, ServerCallContext};
use peregrine::stream::MessageStream;

use super::servers::Servers;

/// Describes three actions.
pub(super) struct ListActions;

impl FlightService for ListActions {
    async fn list_actions(&self, _context: ServerCallContext) -> Result<MessageStream<ActionType>, FlightError> {
        Ok(MessageStream::from_iter(ACTIONS.map(|(name, description)| ActionType::new(name, description))))
    }
}

const ACTIONS: [(&str, &str); 3] = [("action-1", "description"), ("action-2", ""), ("action-3", "more detail")];

/// Fails behind the first description.
pub(super) struct ListActionsError;

const NOT_AN_ACTION_TYPE: &str = "Results of list_actions must be ActionType or tuple";

impl FlightService for ListActionsError {
    async fn list_actions(&self, _context: ServerCallContext) -> Result<MessageStream<ActionType>, FlightError> {
        let actions = [Ok(ActionType::new("action-1", "")), Err(FlightError::failed(NOT_AN_ACTION_TYPE))];
        Ok(MessageStream::from_stream(futures_util::stream::iter(actions)))
    }
}

/// Actions that answer, fail, and go on for ever.
pub(super) struct Convenience;

const SIMPLE_RESULTS: [&str; 3] = ["foo", "bar", "baz"];

impl FlightService for Convenience {
    async fn do_action(
        &self,
        _context: ServerCallContext,
        action: Action,
    ) -> Result<MessageStream<ActionResult>, FlightError> {
        Ok(match action.action_type() {
            "simple-action" => MessageStream::from_iter(SIMPLE_RESULTS.map(ActionResult::new)),
            "echo" => MessageStream::from_iter([ActionResult::new(action.body().clone())]),
            "bad-action" => return Err(FlightError::failed("a bytes-like object is required, not 'str'")),
            "arrow-exception" => return Err(FlightError::failed("ArrowMemoryError")),
            "forever" => MessageStream::from_iter(std::iter::repeat_with(|| ActionResult::new("foo"))),
            _ => MessageStream::empty(),
        })
    }
}

/// `append` answers nothing, and `get_value` tells how often it ran.
#[derive(Default)]
pub(super) struct ActionNone {
    appended: AtomicUsize,
}

impl FlightService for ActionNone {
    async fn do_action(
        &self,
        _context: ServerCallContext,
        action: Action,
    ) -> Result<MessageStream<ActionResult>, FlightError> {
        match action.action_type() {
            "append" => {
                self.appended.fetch_add(1, Ordering::Relaxed);
                Ok(MessageStream::empty())
            }
            "get_value" => {
                let values = vec![true; self.appended.load(Ordering::Relaxed)];
                Ok(MessageStream::from_iter([ActionResult::new(serde_json::json!(values).to_string())]))
            }
            name => Err(FlightError::unimplemented(name)),
        }
    }
}

async fn results(client: &FlightClient, action: Action) -> Result<Vec<ActionResult>, FlightError> {
    client.do_action(action).await?.read_all().await
}

pub(super) async fn test_list_actions(servers: &Servers) -> Result<()> {
    let client = servers.client("ListActionsErrorFlightServer").await?;
    let actions = async { client.list_actions().await?.read_all().await };
    let error = actions.await.err().context("a list with a fault is taken")?;
    ensure!(error.kind() == FlightErrorKind::Failed, "{error}");
    ensure!(error.message().contains(NOT_AN_ACTION_TYPE), "{error}");

    let actions = servers.client("ListActionsFlightServer").await?.list_actions().await?.read_all().await?;
    let actions: Vec<_> = actions.iter().map(|action| (action.action_type(), action.description())).collect();
    ensure!(actions == ACTIONS, "{actions:?}");
    Ok(())
}

pub(super) async fn test_do_action_result_convenience(servers: &Servers) -> Result<()> {
    let client = servers.client("ConvenienceServer").await?;
    let simple = results(&client, Action::new("simple-action", "")).await?;
    ensure!(simple == SIMPLE_RESULTS.map(ActionResult::new), "{simple:?}");
    let echoed = results(&client, Action::new("echo", "the-body")).await?;
    ensure!(echoed == [ActionResult::new("the-body")], "{echoed:?}");
    Ok(())
}

pub(super) async fn test_nicer_server_exceptions(servers: &Servers) -> Result<()> {
    let client = servers.client("ConvenienceServer").await?;
    // pyarrow's server tells the name of the second only in the text of a stack.
    for (action, words) in [("bad-action", "a bytes-like object is required"), ("arrow-exception", "")] {
        let error = results(&client, Action::new(action, "")).await.err().context("no error")?;
        ensure!(error.kind() == FlightErrorKind::Failed, "{error}");
        ensure!(error.message().contains(words), "{error}");
    }
    Ok(())
}

pub(super) async fn test_streaming_do_action(servers: &Servers) -> Result<()> {
    let client = servers.client("ConvenienceServer").await?;
    let mut results = client.do_action(Action::new("forever", "")).await?;
    let first = results.read_next().await?;
    ensure!(first == Some(ActionResult::new("foo")), "{first:?}");
    // Dropping the stream cancels the call; the client goes on.
    drop(results);
    test_do_action_result_convenience_of(&client).await
}

async fn test_do_action_result_convenience_of(client: &FlightClient) -> Result<()> {
    let echoed = results(client, Action::new("echo", "again")).await?;
    ensure!(echoed == [ActionResult::new("again")], "{echoed:?}");
    Ok(())
}

pub(super) async fn test_none_action_side_effect(servers: &Servers) -> Result<()> {
    let client = servers.client("ActionNoneFlightServer").await?;
    drop(client.do_action(Action::new("append", "")).await?);
    let values = results(&client, Action::new("get_value", "")).await?;
    ensure!(values.iter().map(|value| &value.body()[..]).eq([b"[true]"]), "{values:?}");
    Ok(())
}
