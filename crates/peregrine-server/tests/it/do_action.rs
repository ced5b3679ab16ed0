//! DoAction and ListActions: results as they come, actions that run unread.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use peregrine_proto::{Action, ActionResult, ActionType, FlightError, FlightErrorKind};
use peregrine_stream::MessageStream;
use peregrine_testkit::one_rpc::DoAction;
use peregrine_testkit::waiting::{OnDrop, Once, idle, soon};
use peregrine_testkit::{MemoryService, Pair};
use tokio::sync::{mpsc, oneshot};

#[tokio::test]
async fn type_and_body_of_an_action_arrive_as_they_are() {
    let pair = Pair::new(DoAction(|_, action: Action| async move {
        let both = [Bytes::from(action.action_type().to_owned()), action.body().clone()];
        Ok(MessageStream::from_iter(both.map(ActionResult::new)))
    }));
    for (name, body) in [("drop", &b"\0\xff"[..]), ("größe", b""), ("", b"of no type")] {
        let answers = pair.client().do_action(Action::new(name, body)).await.unwrap().read_all().await.unwrap();
        assert_eq!(answers, [ActionResult::new(name.to_owned()), ActionResult::new(body)]);
    }
}

#[tokio::test]
async fn an_action_may_have_no_result() {
    let pair = Pair::new(DoAction(|_, _| async { Ok(MessageStream::empty()) }));
    assert_eq!(pair.client().do_action(Action::new("x", "")).await.unwrap().read_all().await.unwrap(), []);
}

#[tokio::test]
async fn results_of_many_sizes_arrive_whole() {
    let bodies: Vec<Bytes> =
        [0, 1, 2047, 2048, 2049, 65_536, 5 << 20].iter().map(|&size| vec![size as u8; size].into()).collect();
    let sent = bodies.clone();
    let pair = Pair::new(DoAction(move |_, _| {
        let results = MessageStream::from_iter(sent.clone().into_iter().map(ActionResult::new));
        async { Ok(results) }
    }));
    let answers = pair.client().do_action(Action::new("x", "")).await.unwrap().read_all().await.unwrap();
    assert!(answers.into_iter().map(|answer| answer.body().clone()).eq(bodies));
}

#[tokio::test(start_paused = true)]
async fn results_come_while_the_action_goes_on() {
    let (sender, results) = mpsc::unbounded_channel::<ActionResult>();
    let once = Once::new(results);
    let pair = Pair::new(DoAction(move |_, _| {
        let results = stream::unfold(once.take(), async |mut results| Some((results.recv().await?, results)));
        async { Ok(MessageStream::from_stream(results.map(Ok::<_, FlightError>))) }
    }));
    sender.send(ActionResult::new("0")).unwrap();
    let mut answers = soon(pair.client().do_action(Action::new("x", ""))).await.unwrap();
    for at in 0..5 {
        assert_eq!(soon(answers.read_next()).await.unwrap(), Some(ActionResult::new(at.to_string())));
        sender.send(ActionResult::new((at + 1).to_string())).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn an_endless_action_ends_when_its_results_are_dropped() {
    let (guard, dropped) = OnDrop::new();
    let once = Once::new(guard);
    let made = Arc::new(AtomicUsize::new(0));
    let counted = made.clone();
    let pair = Pair::new(DoAction(move |_, _| {
        let (guard, counted) = (once.take(), counted.clone());
        let endless = stream::repeat_with(move || {
            let _held = &guard;
            counted.fetch_add(1, Ordering::Relaxed);
            Ok::<_, FlightError>(ActionResult::new(vec![7; 64 << 10]))
        });
        async { Ok(MessageStream::from_stream(endless)) }
    }));
    let mut answers = pair.client().do_action(Action::new("x", "")).await.unwrap();
    for _ in 0..3 {
        assert_eq!(soon(answers.read_next()).await.unwrap().unwrap().body().len(), 64 << 10);
    }
    // Windows are finite: what is not read is not made for ever.
    idle().await;
    assert!(made.load(Ordering::Relaxed) < 1000, "{made:?} results of 64 KiB were made for a reader of 3");
    drop(answers);
    dropped.wait().await;
}

#[tokio::test(start_paused = true)]
async fn an_action_runs_though_nobody_reads_its_results() {
    let (ran, has_run) = oneshot::channel();
    let once = Once::new(ran);
    let pair = Pair::new(DoAction(move |_, _| {
        let mut ran = Some(once.take());
        let results = stream::iter(0..3).map(move |at| {
            if at == 2 {
                ran.take().unwrap().send(()).unwrap();
            }
            Ok::<_, FlightError>(ActionResult::new("done"))
        });
        async { Ok(MessageStream::from_stream(results)) }
    }));
    let _unread = soon(pair.client().do_action(Action::new("x", ""))).await.unwrap();
    soon(has_run).await.unwrap();
}

#[tokio::test]
async fn an_action_that_nobody_knows_is_unimplemented() {
    let pair = Pair::new(MemoryService::new());
    let answers = async { pair.client().do_action(Action::new("fly", "")).await?.read_all().await };
    assert_eq!(answers.await.unwrap_err().kind(), FlightErrorKind::Unimplemented);
    let answers = pair.client().do_action(Action::new("echo", "x")).await.unwrap().read_all().await.unwrap();
    assert_eq!(answers, [ActionResult::new("x")]);
}

#[tokio::test]
async fn a_panic_while_results_are_made_fails_the_action_alone() {
    let pair = Pair::new(DoAction(|_, action: Action| async move {
        let panics = action.body() == "panic";
        Ok(MessageStream::from_iter((0..2).map(move |at| {
            assert!(at == 0 || !panics, "a secret");
            ActionResult::new("fine")
        })))
    }));
    let answers = async { pair.client().do_action(Action::new("x", "panic")).await?.read_all().await };
    assert_eq!(answers.await.unwrap_err().kind(), FlightErrorKind::Internal);
    assert_eq!(pair.client().do_action(Action::new("x", "")).await.unwrap().read_all().await.unwrap().len(), 2);
}

#[tokio::test]
async fn list_actions_lists_them() {
    let pair = Pair::new(MemoryService::new());
    let actions = pair.client().list_actions().await.unwrap().read_all().await.unwrap();
    let names: Vec<_> = actions.iter().map(ActionType::action_type).collect();
    assert_eq!(names, ["echo", "drop", ActionType::CANCEL_FLIGHT_INFO]);
}
