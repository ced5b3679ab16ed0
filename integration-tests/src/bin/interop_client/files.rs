//! The sample files, read from pyarrow's server and from the files themselves.

use std::fs::File;
use std::path::Path;

use anyhow::{Result, ensure};
use arrow_array::RecordBatch;
use arrow_ipc::reader::FileReader;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use peregrine::client::FlightClient;
use peregrine::proto::Ticket;
use peregrine::stream::Table;

use crate::report::report;

pub(crate) async fn check(client: &FlightClient, folder: &Path) {
    for name in ["trips.parquet", "deep/er/wide.parquet", "sensors.arrow"] {
        report(format!("DoGet of {name}"), reads_the_file(client, folder, name)).await;
    }
}

async fn reads_the_file(client: &FlightClient, folder: &Path, name: &str) -> Result<()> {
    let came = client.do_get(Ticket::new(format!("file:{name}"))).await?.read_all().await?;
    let stands = read(&folder.join(name))?;
    ensure!(came.schema.fields() == stands.schema.fields(), "fields {:?} and {:?}", came.schema, stands.schema);
    let (came, stands) = (came.to_batch()?, stands.to_batch()?);
    ensure!(came.num_rows() == stands.num_rows(), "{} rows and {}", came.num_rows(), stands.num_rows());
    for (index, field) in stands.schema().fields().iter().enumerate() {
        ensure!(came.column(index) == stands.column(index), "column {} differs", field.name());
    }
    Ok(())
}

fn read(path: &Path) -> Result<Table> {
    let file = File::open(path)?;
    if path.extension().is_some_and(|ending| ending == "parquet") {
        let reader = ParquetRecordBatchReaderBuilder::try_new(file)?;
        let schema = reader.schema().clone();
        let batches: Vec<RecordBatch> = reader.build()?.collect::<Result<_, _>>()?;
        return Ok(Table::new(schema, batches));
    }
    let reader = FileReader::try_new(file, None)?;
    let schema = reader.schema();
    Ok(Table::new(schema, reader.collect::<Result<_, _>>()?))
}
