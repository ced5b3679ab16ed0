//! DoPut: a table that replaces another as a whole, or not at all.

use arrow_schema::Schema;
use peregrine_ipc::DictionaryIds;
use peregrine_proto::FlightError;
use peregrine_stream::{FlightMetadataWriter, FlightStreamReader, Table};

use super::{MemoryService, Stored, name_of};

impl MemoryService {
    pub(super) async fn receive(
        &self,
        mut reader: FlightStreamReader,
        writer: FlightMetadataWriter,
    ) -> Result<(), FlightError> {
        let descriptor = reader.descriptor().ok_or_else(|| FlightError::invalid_argument("the upload has no name"))?;
        let name = name_of(descriptor)?;
        // Before the data comes, so that nobody sends gigabytes in vain.
        let schema = reader.schema().await?;
        check_schema(&name, self.tables().get(&name), &schema)?;
        let table = read_all(reader, writer).await?;
        self.replace(name, table)
    }

    fn replace(&self, name: String, table: Table) -> Result<(), FlightError> {
        let mut tables = self.tables();
        // Again: another upload may have been faster.
        check_schema(&name, tables.get(&name), &table.schema)?;
        tables.insert(name, Stored { table, dictionary_ids: DictionaryIds::OfFields });
        Ok(())
    }
}

/// Reads an upload and answers its metadata. An upload that was cut or given up is an error of the reader, here or in the
/// middle, so what comes out is whole.
async fn read_all(mut reader: FlightStreamReader, mut writer: FlightMetadataWriter) -> Result<Table, FlightError> {
    let mut batches = Vec::new();
    while let Some(chunk) = reader.read_chunk().await? {
        batches.extend(chunk.data);
        if let Some(app_metadata) = chunk.app_metadata {
            writer.write(app_metadata).await?;
        }
    }
    Ok(Table::new(reader.schema().await?, batches))
}

fn check_schema(name: &str, old: Option<&Stored>, schema: &Schema) -> Result<(), FlightError> {
    match old {
        Some(Stored { table, .. }) if *table.schema != *schema => {
            Err(FlightError::invalid_argument(format!("the flight {name} has another schema: {}", table.schema)))
        }
        _ => Ok(()),
    }
}
