//! The clients of the official scenarios against servers that do one thing wrong: each is found out, by its name.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arrow_array::{Int32Array, RecordBatch, UInt32Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use bytes::Bytes;
use futures_util::stream;
use peregrine::proto::{
    Action, ActionRequest, ActionResult, CancelFlightInfoResult, CancelStatus, FlightDescriptor, FlightEndpoint,
    FlightError, FlightInfo, Ticket,
};
use peregrine::server::{FlightService, ServerCallContext};
use peregrine::stream::{
    FlightDataStream, FlightMetadataWriter, FlightStreamChunk, FlightStreamReader, FlightStreamWriter, MessageStream,
    Table,
};
use peregrine_testkit::Pair;
use peregrine_testkit::scenario::{RoundTrip, Scenario, ScenarioError};
use peregrine_testkit::waiting::soon;

/// The outcome is a failure that says `expected`; nothing, if that is empty.
fn assert_found_out<L: std::fmt::Debug>(lie: L, outcome: Result<(), ScenarioError>, expected: &str) {
    match (outcome, expected) {
        (Ok(()), "") => {}
        (Ok(()), _) => panic!("{lie:?} passes"),
        (Err(error), "") => panic!("{lie:?}: {error}"),
        (Err(error), expected) => assert!(error.to_string().contains(expected), "{lie:?}: {error}"),
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Trip {
    AsItShould,
    WrongAcknowledgement,
    NoAcknowledgement,
    OneAcknowledgementMore,
    FailsAtTheEnd,
    OtherSchema,
    NoEndpoint,
    OtherSchemaWithTheData,
    OneRowLess,
    OtherValue,
    WrongMetadata,
    OneBatchLess,
    OneBatchMore,
}

/// Keeps nothing and answers as if it had kept [`sent`].
struct TripService(Trip);

fn sent() -> Table {
    let schema = Arc::new(Schema::new(vec![Field::new("x", DataType::Int32, true)]));
    let batches = [vec![1, 2], vec![], vec![3]].map(|values| batch(&schema, values));
    Table::new(schema, batches.into())
}

fn batch(schema: &SchemaRef, values: Vec<i32>) -> RecordBatch {
    RecordBatch::try_new(schema.clone(), vec![Arc::new(Int32Array::from(values))]).unwrap()
}

fn other_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("x", DataType::Int64, true)]))
}

impl FlightService for TripService {
    async fn get_flight_info(
        &self,
        _context: ServerCallContext,
        descriptor: FlightDescriptor,
    ) -> Result<FlightInfo, FlightError> {
        let schema = if self.0 == Trip::OtherSchema { other_schema() } else { sent().schema };
        let info = FlightInfo::new(&schema).with_descriptor(descriptor);
        let endpoint = FlightEndpoint::new(Ticket::new("x"));
        Ok(if self.0 == Trip::NoEndpoint { info } else { info.with_endpoint(endpoint) })
    }

    async fn do_get(&self, _context: ServerCallContext, _ticket: Ticket) -> Result<FlightDataStream, FlightError> {
        let Table { schema, mut batches, .. } = sent();
        match self.0 {
            Trip::OtherSchemaWithTheData => return Ok(FlightDataStream::from_batches(other_schema(), [])),
            Trip::OneRowLess => batches[0] = batches[0].slice(1, 1),
            Trip::OtherValue => batches[2] = batch(&schema, vec![4]),
            Trip::OneBatchLess => batches.truncate(2),
            Trip::OneBatchMore => batches.push(batches[0].clone()),
            _ => {}
        }
        let first = usize::from(self.0 == Trip::WrongMetadata);
        let chunks = batches.into_iter().zip(first..);
        let chunks = chunks.map(|(batch, index)| FlightStreamChunk::with_metadata(batch, index.to_string()));
        Ok(FlightDataStream::from_chunks(schema, stream::iter(chunks.map(Ok::<_, FlightError>))))
    }

    async fn do_put(
        &self,
        _context: ServerCallContext,
        mut reader: FlightStreamReader,
        mut writer: FlightMetadataWriter,
    ) -> Result<(), FlightError> {
        while let Some(chunk) = reader.read_chunk().await? {
            match self.0 {
                Trip::WrongAcknowledgement => writer.write("7").await?,
                Trip::NoAcknowledgement => return Ok(()),
                _ => writer.write(chunk.app_metadata.unwrap_or_default()).await?,
            }
        }
        match self.0 {
            Trip::OneAcknowledgementMore => writer.write("3").await,
            Trip::FailsAtTheEnd => Err(FlightError::failed("the disk is full")),
            _ => Ok(()),
        }
    }
}

#[tokio::test]
async fn a_round_trip_finds_out_what_is_lost_changed_or_added() {
    for (lie, expected) in [
        (Trip::AsItShould, ""),
        (Trip::WrongAcknowledgement, "DoPut of batch 0: acknowledgement: expected Some(b\"0\"), got Some(b\"7\")"),
        (Trip::NoAcknowledgement, "DoPut of batch 0"),
        (Trip::OneAcknowledgementMore, "what follows the last acknowledgement: expected None, got Some(b\"3\")"),
        (Trip::FailsAtTheEnd, "the end of DoPut failed: failed: the disk is full"),
        (Trip::OtherSchema, "the schema of GetFlightInfo: expected"),
        (Trip::NoEndpoint, "endpoints: expected 1 or more, got 0"),
        (Trip::OtherSchemaWithTheData, "the schema of DoGet: expected"),
        (Trip::OneRowLess, "rows of batch 0: expected 2, got 1"),
        (Trip::OtherValue, "batch 2, column \"x\": expected"),
        (Trip::WrongMetadata, "app_metadata of batch 0: expected Some(b\"0\"), got Some(b\"1\")"),
        (Trip::OneBatchLess, "batch 2: expected a batch, got none"),
        (Trip::OneBatchMore, "what follows the last batch: expected None, got Some("),
    ] {
        let pair = Pair::new(TripService(lie));
        assert_found_out(lie, soon(RoundTrip::new("x", sent()).run(pair.client())).await, expected);
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Expiration {
    AsItShould,
    NothingExpires,
    TheFirstExpires,
    CannotBeCancelled,
    IsReadThoughCancelled,
    RenewedToTheSameTime,
    RenewedToATicketOfAnother,
}

/// Serves the scenarios of endpoints that expire, without any state.
struct ExpirationService(Expiration);

impl ExpirationService {
    fn renew(&self, before: FlightEndpoint) -> FlightEndpoint {
        let later = SystemTime::now() + Duration::from_secs(10);
        match self.0 {
            Expiration::RenewedToTheSameTime => before,
            Expiration::RenewedToATicketOfAnother => FlightEndpoint::new(Ticket::new("0")).with_expiration_time(later),
            _ => before.with_expiration_time(later),
        }
    }
}

impl FlightService for ExpirationService {
    async fn get_flight_info(
        &self,
        _context: ServerCallContext,
        descriptor: FlightDescriptor,
    ) -> Result<FlightInfo, FlightError> {
        let expiring = match self.0 {
            Expiration::NothingExpires => 3..3,
            Expiration::TheFirstExpires => 0..3,
            _ => 1..3,
        };
        let endpoints = (0..3).map(|index| {
            let endpoint = FlightEndpoint::new(Ticket::new(index.to_string()));
            let expires = expiring.contains(&index).then(|| SystemTime::now() + Duration::from_secs(5));
            expires.into_iter().fold(endpoint, FlightEndpoint::with_expiration_time)
        });
        Ok(FlightInfo::new(&Schema::empty()).with_descriptor(descriptor).with_endpoints(endpoints))
    }

    async fn do_get(&self, _context: ServerCallContext, ticket: Ticket) -> Result<FlightDataStream, FlightError> {
        let number: u32 = String::from_utf8_lossy(ticket.ticket()).parse().unwrap();
        let schema = Arc::new(Schema::new(vec![Field::new("number", DataType::UInt32, false)]));
        let column = Arc::new(UInt32Array::from(vec![number]));
        let batch = RecordBatch::try_new(schema.clone(), vec![column])?;
        Ok(FlightDataStream::from_batches(schema, [batch]))
    }

    async fn do_action(
        &self,
        _context: ServerCallContext,
        action: Action,
    ) -> Result<MessageStream<ActionResult>, FlightError> {
        let result = match action.request()? {
            ActionRequest::CancelFlightInfo(_) => CancelFlightInfoResult::new(match self.0 {
                Expiration::CannotBeCancelled => CancelStatus::NotCancellable,
                _ => CancelStatus::Cancelled,
            })
            .into(),
            ActionRequest::RenewFlightEndpoint(request) => self.renew(request.endpoint().clone()).into(),
            _ => return Err(FlightError::unimplemented(action.to_string())),
        };
        Ok(MessageStream::from_iter([result]))
    }
}

#[tokio::test]
async fn endpoints_that_do_not_do_what_they_should_at_their_time_are_found_out() {
    use Scenario::{
        ExpirationTimeCancelFlightInfo as Cancel, ExpirationTimeDoGet as DoGet,
        ExpirationTimeRenewFlightEndpoint as Renew,
    };
    for (scenario, lie, expected) in [
        (DoGet, Expiration::AsItShould, ""),
        (DoGet, Expiration::NothingExpires, "the expiration time of endpoint 1: expected one, got None"),
        (DoGet, Expiration::TheFirstExpires, "the expiration time of endpoint 0: expected none, got Some("),
        (Cancel, Expiration::CannotBeCancelled, "the cancellation: expected Cancelled, got NotCancellable"),
        (Cancel, Expiration::IsReadThoughCancelled, "DoGet(0) of a cancelled flight"),
        (Renew, Expiration::AsItShould, ""),
        (Renew, Expiration::NothingExpires, "rows of what was renewed"),
        (Renew, Expiration::RenewedToTheSameTime, "expiration time: expected one after"),
        (Renew, Expiration::RenewedToATicketOfAnother, "rows of what was renewed"),
    ] {
        let pair = Pair::new(ExpirationService(lie));
        assert_found_out((scenario, lie), soon(scenario.run(pair.client())).await, expected);
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Echo {
    AsItShould,
    WithoutMetadata,
    WithMetadataAlways,
    TheFirstForEver,
    OneMore,
    FailsAtTheEnd,
}

/// Echoes with a twist.
struct EchoService(Echo);

impl FlightService for EchoService {
    async fn do_exchange(
        &self,
        _context: ServerCallContext,
        mut reader: FlightStreamReader,
        mut writer: FlightStreamWriter,
    ) -> Result<(), FlightError> {
        writer.begin(reader.schema().await?).await?;
        let mut first: Option<RecordBatch> = None;
        while let Some(chunk) = reader.read_chunk().await? {
            let batch = chunk.data.expect("the client sends batches alone");
            let first = first.get_or_insert_with(|| batch.clone());
            match self.0 {
                Echo::WithoutMetadata => writer.write_batch(&batch).await?,
                Echo::WithMetadataAlways => writer.write_with_metadata(&batch, Bytes::from("0")).await?,
                Echo::TheFirstForEver => writer.write_with_metadata(first, Bytes::from("0")).await?,
                _ => match chunk.app_metadata {
                    Some(app_metadata) => writer.write_with_metadata(&batch, app_metadata).await?,
                    None => writer.write_batch(&batch).await?,
                },
            }
        }
        match self.0 {
            Echo::OneMore => writer.write_metadata("bye").await,
            Echo::FailsAtTheEnd => Err(FlightError::failed("the disk is full")),
            _ => Ok(()),
        }
    }
}

#[tokio::test]
async fn an_echo_that_is_not_what_was_called_is_found_out() {
    for (lie, expected) in [
        (Echo::AsItShould, ""),
        (Echo::WithoutMetadata, "reading batch 0 back"),
        (Echo::WithMetadataAlways, "reading batch 1 back"),
        (Echo::TheFirstForEver, "reading batch 1 back"),
        (Echo::OneMore, "what follows the last batch: expected None, got Some("),
        (Echo::FailsAtTheEnd, "failed: the disk is full"),
    ] {
        let pair = Pair::new(EchoService(lie));
        assert_found_out(lie, soon(Scenario::DoExchangeEcho.run(pair.client())).await, expected);
    }
}
