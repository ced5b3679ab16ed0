//! `FlightInfo`: what a flight is and where its data can be had.

use std::fmt;

use arrow_array::{Array, RecordBatch};
use arrow_schema::Schema;
use bytes::Bytes;

use crate::generated::flight;
use crate::message::{Generated, flight_messages};
use crate::schema::{decode_schema, encode_schema};
use crate::{FlightDescriptor, FlightEndpoint, FlightError, MessageLimits};

/// What a flight is and where its data can be had.
///
/// Two of them are equal if all fields are; schemas are compared by their bytes.
///
/// ```
/// use arrow_schema::{DataType, Field, Schema};
/// use peregrine_proto::{FlightDescriptor, FlightEndpoint, FlightInfo, Ticket};
///
/// let schema = Schema::new(vec![Field::new("city", DataType::Utf8, false)]);
/// let info = FlightInfo::new(&schema)
///     .with_descriptor(FlightDescriptor::for_path(["trips"]))
///     .with_endpoint(FlightEndpoint::new(Ticket::new("trips")))
///     .with_total_records(3);
/// assert_eq!(info.schema().unwrap(), Some(schema));
/// assert_eq!((info.total_records(), info.total_bytes()), (3, -1));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FlightInfo {
    schema: Bytes,
    descriptor: Option<FlightDescriptor>,
    endpoints: Vec<FlightEndpoint>,
    total_records: i64,
    total_bytes: i64,
    ordered: bool,
    app_metadata: Bytes,
}

impl Default for FlightInfo {
    /// Nothing known: no schema, no descriptor, no endpoints, totals of -1.
    fn default() -> Self {
        Self {
            schema: Bytes::new(),
            descriptor: None,
            endpoints: Vec::new(),
            total_records: -1,
            total_bytes: -1,
            ordered: false,
            app_metadata: Bytes::new(),
        }
    }
}

impl FlightInfo {
    /// A flight of this schema, with totals unknown. Give it its descriptor: C++ clients refuse an info without one.
    pub fn new(schema: &Schema) -> Self {
        Self { schema: encode_schema(schema), ..Self::default() }
    }

    /// A flight of these batches, which all have the schema: their rows and bytes as its totals. The bytes are those of
    /// the rows themselves, whatever more their buffers hold.
    pub fn for_batches(schema: &Schema, descriptor: FlightDescriptor, batches: &[RecordBatch]) -> Self {
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        let bytes: usize = batches.iter().flat_map(RecordBatch::columns).map(|column| column_bytes(column)).sum();
        Self::new(schema)
            .with_descriptor(descriptor)
            .with_total_records(i64::try_from(rows).unwrap_or(-1))
            .with_total_bytes(i64::try_from(bytes).unwrap_or(-1))
    }

    /// Sets what the flight is named by.
    #[must_use]
    pub fn with_descriptor(mut self, descriptor: FlightDescriptor) -> Self {
        self.descriptor = Some(descriptor);
        self
    }

    /// Adds an endpoint.
    #[must_use]
    pub fn with_endpoint(mut self, endpoint: FlightEndpoint) -> Self {
        self.endpoints.push(endpoint);
        self
    }

    /// Adds endpoints.
    #[must_use]
    pub fn with_endpoints(mut self, endpoints: impl IntoIterator<Item = FlightEndpoint>) -> Self {
        self.endpoints.extend(endpoints);
        self
    }

    /// Sets how many rows there are; -1 for unknown.
    #[must_use]
    pub fn with_total_records(mut self, total_records: i64) -> Self {
        self.total_records = total_records;
        self
    }

    /// Sets how many bytes there are; -1 for unknown.
    #[must_use]
    pub fn with_total_bytes(mut self, total_bytes: i64) -> Self {
        self.total_bytes = total_bytes;
        self
    }

    /// Sets whether the data is in the order of the endpoints.
    #[must_use]
    pub fn with_ordered(mut self, ordered: bool) -> Self {
        self.ordered = ordered;
        self
    }

    /// Sets the application's bytes.
    #[must_use]
    pub fn with_app_metadata(mut self, app_metadata: impl Into<Bytes>) -> Self {
        self.app_metadata = app_metadata.into();
        self
    }

    /// The schema; `None` if it is not known yet.
    ///
    /// # Errors
    /// As [`decode_schema`] has them, with the default limits.
    pub fn schema(&self) -> Result<Option<Schema>, FlightError> {
        if self.schema.is_empty() {
            return Ok(None);
        }
        decode_schema(&self.schema, &MessageLimits::default()).map(Some)
    }

    /// The schema as an encapsulated IPC message, as it came; empty if it is not known yet.
    pub fn schema_bytes(&self) -> &Bytes {
        &self.schema
    }

    /// What the flight is named by.
    pub fn descriptor(&self) -> Option<&FlightDescriptor> {
        self.descriptor.as_ref()
    }

    /// Where its data can be had: all of them together make up the flight.
    pub fn endpoints(&self) -> &[FlightEndpoint] {
        &self.endpoints
    }

    /// How many rows there are; -1 if unknown.
    pub fn total_records(&self) -> i64 {
        self.total_records
    }

    /// How many bytes there are; -1 if unknown.
    pub fn total_bytes(&self) -> i64 {
        self.total_bytes
    }

    /// Whether the data is in the order of the endpoints.
    pub fn ordered(&self) -> bool {
        self.ordered
    }

    /// The application's bytes; empty if there are none.
    pub fn app_metadata(&self) -> &Bytes {
        &self.app_metadata
    }
}

impl fmt::Display for FlightInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.descriptor {
            Some(descriptor) => write!(f, "{descriptor}: ")?,
            None => f.write_str("no descriptor: ")?,
        }
        for (total, unit) in [(self.total_records, "records"), (self.total_bytes, "bytes")] {
            match total {
                ..0 => write!(f, "? {unit}, ")?,
                _ => write!(f, "{total} {unit}, ")?,
            }
        }
        write!(f, "{} endpoints", self.endpoints.len())
    }
}

/// The bytes of a column's rows.
fn column_bytes(column: &dyn Array) -> usize {
    // Types that do not know the size of a slice tell that of their buffers.
    column.to_data().get_slice_memory_size().unwrap_or_else(|_| column.get_buffer_memory_size())
}

impl Generated for FlightInfo {
    type Message = flight::FlightInfo;
    const NAME: &'static str = "FlightInfo";

    fn to_generated(&self) -> Self::Message {
        Self::Message {
            schema: self.schema.clone(),
            flight_descriptor: self.descriptor.as_ref().map(Generated::to_generated),
            endpoint: self.endpoints.iter().map(Generated::to_generated).collect(),
            total_records: self.total_records,
            total_bytes: self.total_bytes,
            ordered: self.ordered,
            app_metadata: self.app_metadata.clone(),
        }
    }

    fn from_generated(message: Self::Message) -> Result<Self, FlightError> {
        Ok(Self {
            schema: message.schema,
            descriptor: message.flight_descriptor.map(Generated::from_generated).transpose()?,
            endpoints: message.endpoint.into_iter().map(Generated::from_generated).collect::<Result<_, _>>()?,
            total_records: message.total_records,
            total_bytes: message.total_bytes,
            ordered: message.ordered,
            app_metadata: message.app_metadata,
        })
    }
}

flight_messages!(FlightInfo);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array, StringArray};

    use super::*;

    #[test]
    fn for_batches_counts_rows_and_the_bytes_of_those_rows() {
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..100));
        let texts: ArrayRef = Arc::new(StringArray::from_iter_values((0..100).map(|_| "ab")));
        let batch = RecordBatch::try_from_iter([("n", numbers), ("t", texts)]).unwrap();
        let descriptor = FlightDescriptor::for_path(["x"]);

        let schema = batch.schema();
        let info = FlightInfo::for_batches(&schema, descriptor.clone(), &[batch.clone(), batch.slice(10, 10)]);
        assert_eq!(info.schema().unwrap().as_ref(), Some(schema.as_ref()));
        assert_eq!(info.descriptor(), Some(&descriptor));
        assert_eq!(info.total_records(), 110);
        // Numbers, offsets, which are one more than the rows, and texts.
        assert_eq!(info.total_bytes(), 110 * 8 + (101 + 11) * 4 + 110 * 2);

        let info = FlightInfo::for_batches(&schema, descriptor, &[]);
        assert_eq!(info.schema().unwrap().as_ref(), Some(schema.as_ref()));
        assert_eq!((info.total_records(), info.total_bytes()), (0, 0));
    }
}
