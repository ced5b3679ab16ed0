//! Dictionaries that grow: sent as deltas or as replacements, as each stream's options say.

use anyhow::{Result, ensure};
use peregrine::client::FlightCallOptions;
use peregrine::ipc::IpcWriteOptions;
use peregrine::proto::{FlightDescriptor, FlightError};
use peregrine::server::{FlightService, ServerCallContext};
use peregrine::stream::{FlightStreamReader, FlightStreamStats, FlightStreamWriter, Table};

use super::constant::counts;
use super::servers::Servers;
use super::tables::{dicts, ensure_equal, must};

/// Wants a table with a dictionary that grows, in the form that the command names, and sends it back in that form.
pub(super) struct Deltas;

impl FlightService for Deltas {
    async fn do_exchange(
        &self,
        _context: ServerCallContext,
        mut reader: FlightStreamReader,
        mut writer: FlightStreamWriter,
    ) -> Result<(), FlightError> {
        let deltas = reader.descriptor().is_some_and(|descriptor| descriptor.command() == "dict_deltas");
        let (table, stats) = read(&mut reader).await?;
        ensure_equal(&table, &dicts()).map_err(|error| FlightError::failed(error.to_string()))?;
        must(counts(stats) == expected_counts(deltas), || format!("{stats:?}"))?;
        writer.begin_with(table.schema, options(deltas)).await?;
        writer.write_table(&dicts(), None).await
    }
}

fn options(deltas: bool) -> IpcWriteOptions {
    IpcWriteOptions::default().with_dictionary_deltas(deltas)
}

fn expected_counts(deltas: bool) -> [u64; 5] {
    if deltas { [6, 3, 2, 1, 0] } else { [6, 3, 2, 0, 1] }
}

async fn read(reader: &mut FlightStreamReader) -> Result<(Table, FlightStreamStats), FlightError> {
    Ok((reader.read_all().await?, reader.stats()))
}

pub(super) async fn test_flight_dictionary_deltas_do_exchange(servers: &Servers) -> Result<()> {
    let client = servers.client("DeltaFlightServer").await?;
    // The call's options say one thing, and those of the stream, which count, another.
    let call_options = FlightCallOptions::new().with_write_options(options(true));
    for (command, deltas) in [("dict_deltas", true), ("dict_replacement", false)] {
        let descriptor = FlightDescriptor::for_command(command);
        let (mut writer, mut reader) = client.with(call_options.clone()).do_exchange(descriptor).await?;
        writer.begin_with(dicts().schema, options(deltas)).await?;
        writer.write_table(&dicts(), None).await?;
        writer.done_writing().await?;
        let (came, stats) = read(&mut reader).await?;
        ensure_equal(&came, &dicts())?;
        ensure!(counts(stats) == expected_counts(deltas), "{command}: {stats:?}");
        writer.close().await?;
    }
    Ok(())
}
