//! Uploads to test with: the two RPCs that have them, under one face.

use peregrine::client::{FlightCallOptions, FlightClient};
use peregrine::proto::{FlightDescriptor, FlightError};
use peregrine::stream::{FlightMetadataReader, FlightStreamReader, FlightStreamWriter};
use peregrine_testkit::batches;

/// The RPCs that upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rpc {
    DoPut,
    DoExchange,
}

pub(crate) const BOTH_RPCS: [Rpc; 2] = [Rpc::DoPut, Rpc::DoExchange];

/// What the client reads of the answer.
pub(crate) enum Answers {
    Put(FlightMetadataReader),
    Exchange(Box<FlightStreamReader>),
}

impl Answers {
    /// The bytes of the next answer; `None` at the end.
    pub(crate) async fn read(&mut self) -> Result<Option<bytes::Bytes>, FlightError> {
        match self {
            Self::Put(reader) => reader.read().await,
            Self::Exchange(reader) => Ok(reader.read_chunk().await?.and_then(|chunk| chunk.app_metadata)),
        }
    }

    pub(crate) fn cancel(&mut self) {
        match self {
            Self::Put(reader) => reader.cancel(),
            Self::Exchange(reader) => reader.cancel(),
        }
    }
}

/// Opens an upload of batches of [`batches::int64`].
pub(crate) async fn open(client: &FlightClient, rpc: Rpc) -> (FlightStreamWriter, Answers) {
    open_with(client, rpc, &FlightCallOptions::new()).await
}

pub(crate) async fn open_with(
    client: &FlightClient,
    rpc: Rpc,
    options: &FlightCallOptions,
) -> (FlightStreamWriter, Answers) {
    let (descriptor, schema) = (FlightDescriptor::for_path(["up"]), batches::int64(0).schema());
    match rpc {
        Rpc::DoPut => {
            let (writer, answers) = client.with(options.clone()).do_put(descriptor, schema).await.unwrap();
            (writer, Answers::Put(answers))
        }
        Rpc::DoExchange => {
            let (mut writer, answers) = client.with(options.clone()).do_exchange(descriptor).await.unwrap();
            // A server that ends the call at once may be faster; whatever is written next gives its error again.
            let _ = writer.begin(schema).await;
            (writer, Answers::Exchange(Box::new(answers)))
        }
    }
}
