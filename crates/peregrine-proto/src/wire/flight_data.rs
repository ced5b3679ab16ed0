//! A piece of a data stream in one piece.

use bytes::{BufMut, Bytes, BytesMut};

use super::head::FlightDataHead;
use super::reader::{FlightDataParts, FlightDataProgress, FlightDataReader};
use crate::descriptor::FlightDescriptor;
use crate::error::FlightError;
use crate::limits::MessageLimits;
use crate::message::FlightMessage;

/// A piece of a data stream, whole.
///
/// The data path does not use it: it writes a [`FlightDataHead`] and lets the body's buffers follow, and reads with a
/// [`FlightDataReader`].
///
/// ```
/// use peregrine_proto::{FlightData, FlightMessage};
///
/// let data = FlightData { app_metadata: "page 1".into(), ..FlightData::default() };
/// assert_eq!(FlightData::deserialize(data.serialize()).unwrap(), data);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct FlightData {
    /// In the first message of DoPut and DoExchange.
    pub flight_descriptor: Option<FlightDescriptor>,
    /// The IPC message's flatbuffer, without a prefix; empty for a message that is metadata only.
    pub data_header: Bytes,
    /// The application's bytes; empty if there are none.
    pub app_metadata: Bytes,
    /// The IPC message's body.
    pub data_body: Bytes,
}

impl FlightMessage for FlightData {
    fn serialize(&self) -> Bytes {
        let head = FlightDataHead {
            descriptor: self.flight_descriptor.as_ref(),
            data_header: &self.data_header,
            app_metadata: &self.app_metadata,
            body_length: self.data_body.len(),
        };
        let mut bytes = BytesMut::with_capacity(head.message_length(None));
        head.write(&mut bytes, None);
        bytes.put_slice(&self.data_body);
        bytes.freeze()
    }

    /// Reads a message under the default [`MessageLimits`].
    fn deserialize(mut bytes: Bytes) -> Result<Self, FlightError> {
        let mut reader = FlightDataReader::new(bytes.len(), &MessageLimits::default());
        let mut data_body = Bytes::new();
        while let FlightDataProgress::Body { length } = reader.read(&mut bytes)? {
            data_body = bytes.split_to(length);
        }
        let FlightDataParts { flight_descriptor, data_header, app_metadata } = reader.finish()?;
        Ok(Self { flight_descriptor, data_header, app_metadata, data_body })
    }
}
