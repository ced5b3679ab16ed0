//! The service that `cargo xtask interop` compares: this one on our server, `interop_service.py` on pyarrow's.
//!
//! Both do the same for every action and ticket. Prints `Server listening on URI`, and stops when its standard input
//! closes.

mod asked_for;
mod noticed;
mod uploads;

use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use clap::Parser;
use futures_util::stream;
use integration_tests::{Host, counted, input_closed, numbers, numbers_schema, words, words_schema};
use peregrine::ipc::{CompressionCodec, IpcWriteOptions};
use peregrine::proto::{
    Action, ActionResult, ActionType, Criteria, FlightDescriptor, FlightEndpoint, FlightError, FlightInfo, Location,
    SchemaResult, Ticket,
};
use peregrine::server::{FlightServer, FlightService, ServerCallContext};
use peregrine::stream::{
    FlightDataStream, FlightMetadataWriter, FlightStreamChunk, FlightStreamReader, FlightStreamWriter, MessageStream,
};

use self::asked_for::{echo_headers, raise};
use self::noticed::Noticed;

/// Serves what `cargo xtask interop` compares.
#[derive(Debug, Parser)]
struct Args {
    /// The server of others that it is served within; our own if none.
    #[arg(long, value_name = "HOST")]
    within: Option<Host>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let location = Location::for_grpc_tcp("127.0.0.1", 0);
    match Args::parse().within {
        Some(host) => {
            let flight = FlightServer::builder().embed(Service::default())?;
            let server = host.serve(flight, &location).await?;
            println!("Server listening on {}", server.location());
            input_closed().await?;
            server.stop().await?;
        }
        None => {
            let server = FlightServer::builder().bind(location).await?.serve(Service::default())?;
            println!("Server listening on {}", server.location());
            input_closed().await?;
            server.shutdown(Duration::from_secs(1)).await;
        }
    }
    Ok(())
}

#[derive(Default)]
struct Service {
    noticed: Noticed,
}

impl FlightService for Service {
    async fn list_flights(
        &self,
        _context: ServerCallContext,
        criteria: Criteria,
    ) -> Result<MessageStream<FlightInfo>, FlightError> {
        let expression = String::from_utf8_lossy(criteria.expression()).into_owned();
        let flight = |name: &str| info(FlightDescriptor::for_path([name.to_owned(), expression.clone()]));
        Ok(match expression.as_str() {
            "error" => MessageStream::from_stream(stream::iter([Ok(flight("first")), Err(raise("unauthorized"))])),
            _ => MessageStream::from_iter([flight("one"), flight("two")]),
        })
    }

    async fn get_flight_info(
        &self,
        _context: ServerCallContext,
        descriptor: FlightDescriptor,
    ) -> Result<FlightInfo, FlightError> {
        check(&descriptor)?;
        Ok(info(descriptor))
    }

    async fn get_schema(
        &self,
        _context: ServerCallContext,
        descriptor: FlightDescriptor,
    ) -> Result<SchemaResult, FlightError> {
        check(&descriptor)?;
        Ok(SchemaResult::new(&numbers_schema()))
    }

    async fn do_get(&self, context: ServerCallContext, ticket: Ticket) -> Result<FlightDataStream, FlightError> {
        let ticket = String::from_utf8_lossy(ticket.ticket()).into_owned();
        let (name, argument) = ticket.split_once(':').unwrap_or((&ticket, ""));
        let numbers_of = |batches: Vec<_>| FlightDataStream::from_batches(numbers_schema(), batches);
        Ok(match name {
            "error" => return Err(raise(argument)),
            "empty" => numbers_of(vec![]),
            "batches" => numbers_of(vec![numbers(0), numbers(3)]),
            "large" => numbers_of(vec![counted(0..1_000_000)]),
            "compressed" => numbers_of(vec![counted(0..10_000)]).with_write_options(compressed(argument)?),
            "metadata" => with_metadata(),
            "dictionaries" => {
                let first = words(&["foo", "baz", "quux"]);
                let batches = [first.clone(), first, words(&["something", "else"])];
                FlightDataStream::from_batches(words_schema(), batches)
            }
            "headers" => {
                echo_headers(&context)?;
                numbers_of(vec![numbers(0)])
            }
            "late-error" => {
                let batches = [Ok(numbers(0)), Err(raise(argument))];
                FlightDataStream::from_stream(numbers_schema(), stream::iter(batches))
            }
            "endless" => {
                let end = self.noticed.on_drop(argument);
                let batches = (0..).step_by(3).map(move |first| {
                    let _held = &end;
                    numbers(first)
                });
                FlightDataStream::from_batches(numbers_schema(), batches)
            }
            _ => return Err(FlightError::not_found("no such ticket")),
        })
    }

    async fn do_put(
        &self,
        context: ServerCallContext,
        reader: FlightStreamReader,
        writer: FlightMetadataWriter,
    ) -> Result<(), FlightError> {
        uploads::put(context, reader, writer, &self.noticed).await
    }

    async fn do_exchange(
        &self,
        context: ServerCallContext,
        reader: FlightStreamReader,
        writer: FlightStreamWriter,
    ) -> Result<(), FlightError> {
        uploads::exchange(context, reader, writer, &self.noticed).await
    }

    async fn do_action(
        &self,
        context: ServerCallContext,
        action: Action,
    ) -> Result<MessageStream<ActionResult>, FlightError> {
        let (name, argument) = action.action_type().split_once(':').unwrap_or((action.action_type(), ""));
        let one = |body: &'static str| MessageStream::from_iter([ActionResult::new(body)]);
        Ok(match name {
            "error" => return Err(raise(argument)),
            "echo" => MessageStream::from_iter([action.body().clone(), Bytes::new()].map(ActionResult::new)),
            "late-error" => {
                MessageStream::from_stream(stream::iter([Ok(ActionResult::new("first")), Err(raise(argument))]))
            }
            "headers" => {
                echo_headers(&context)?;
                if argument == "error" {
                    return Err(raise("unauthorized"));
                }
                one("done")
            }
            "slow" => {
                let _end = self.noticed.on_drop("slow");
                std::future::pending().await
            }
            "noticed" => one(if self.noticed.has(argument) { "yes" } else { "no" }),
            _ => return Err(FlightError::not_found("no such action")),
        })
    }

    async fn list_actions(&self, _context: ServerCallContext) -> Result<MessageStream<ActionType>, FlightError> {
        Ok(MessageStream::from_iter([
            ActionType::new("echo", "Sends the body back."),
            ActionType::new("slow", "Waits for the caller to lose patience."),
        ]))
    }
}

/// A command can ask for an error.
fn check(descriptor: &FlightDescriptor) -> Result<(), FlightError> {
    match descriptor.command().strip_prefix(b"error:") {
        Some(name) => Err(raise(&String::from_utf8_lossy(name))),
        None => Ok(()),
    }
}

fn info(descriptor: FlightDescriptor) -> FlightInfo {
    FlightInfo::new(&numbers_schema())
        .with_descriptor(descriptor)
        .with_endpoint(FlightEndpoint::new(Ticket::new("batches")))
        .with_total_records(6)
        .with_total_bytes(48)
        .with_ordered(true)
        .with_app_metadata("app")
}

fn compressed(codec: &str) -> Result<IpcWriteOptions, FlightError> {
    let codec = match codec {
        "lz4" => CompressionCodec::Lz4,
        "zstd" => CompressionCodec::Zstd,
        _ => return Err(FlightError::invalid_argument(format!("no codec is named {codec:?}"))),
    };
    Ok(IpcWriteOptions::default().with_compression(codec))
}

fn with_metadata() -> FlightDataStream {
    let chunks = [
        FlightStreamChunk::with_metadata(numbers(0), "zero"),
        FlightStreamChunk::with_metadata(numbers(3), &b"\x00\xff"[..]),
        FlightStreamChunk::batch(numbers(6)),
    ];
    FlightDataStream::from_chunks(numbers_schema(), stream::iter(chunks.map(Ok::<_, FlightError>)))
}
