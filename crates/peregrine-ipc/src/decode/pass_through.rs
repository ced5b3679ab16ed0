//! Messages that are passed on as they are: headers are checked, values are not looked at.

use std::sync::Arc;

use arrow_ipc::{DictionaryBatch as WireDictionary, Message, MessageHeader, RecordBatch as WireBatch};
use arrow_schema::SchemaRef;
use bytes::Bytes;
use peregrine_proto::{MessageLimits, Verified, decode_verified_schema};

use super::body::Body;
use super::lengths::Lengths;
use crate::compression::Inflater;
use crate::container::IpcMessage;
use crate::error::Error;
use crate::format_problem::FormatProblem;
use crate::message::MessageKind;
use crate::problem::Problem;
use crate::schema::{Counts, FieldPlan, Plan, same_schema};
use crate::stats::DecodeStats;
use crate::verify::{self, Parts, checked_rows};

/// Checks the messages of a stream or a file that are passed on as they are, without a look at their values.
///
/// A message passes if a [`Decoder`](crate::Decoder) would come as far as its values: the header is a valid flatbuffer of
/// version 4 or 5, it has the nodes, buffers and variadic counts that the schema needs, every buffer lies inside the
/// body and is long enough for its rows, what compressed ones say that they hold is within the limits, and the
/// dictionaries that it needs have come. Whether offsets rise, text is UTF-8, keys lie in their dictionary or a
/// compressed buffer holds what it says remains for the receiver to check.
///
/// ```
/// use bytes::Bytes;
/// use peregrine_ipc::{IpcMessage, MessageKind, MessageLimits, PassThrough};
/// # use arrow_array::{ArrayRef, Int64Array, RecordBatch};
/// # use peregrine_ipc::{Encoder, IpcWriteOptions};
/// # let ids: ArrayRef = std::sync::Arc::new(Int64Array::from(vec![1, 2, 3]));
/// # let batch = RecordBatch::try_from_iter([("id", ids)])?;
/// # let mut encoder = Encoder::new(batch.schema(), IpcWriteOptions::default())?;
/// # let mut encoded = vec![encoder.schema_message()];
/// # encoder.encode(&batch, &mut encoded)?;
/// # let messages = encoded.iter().map(|m| IpcMessage { header: m.header.clone(), body: m.body_bytes() });
/// # let mut messages: Vec<_> = messages.collect();
/// // let messages: Vec<IpcMessage> = ..;
/// let mut check = PassThrough::for_stream(MessageLimits::default());
/// assert_eq!(check.message(&messages[0])?, MessageKind::Schema);
/// assert_eq!(check.message(&messages[1])?, MessageKind::RecordBatch);
/// messages[1].body = Bytes::new();
/// assert!(check.message(&messages[1]).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct PassThrough {
    limits: MessageLimits,
    may_replace: bool,
    stream: Option<Known>,
    rows: usize,
}

/// What is known of a stream once its schema came.
struct Known {
    schema: SchemaRef,
    plan: Plan,
    /// The dictionaries, by slot, whose values came.
    came: Vec<bool>,
}

impl PassThrough {
    /// For the messages of a stream.
    pub fn for_stream(limits: MessageLimits) -> Self {
        Self { limits, may_replace: true, stream: None, rows: 0 }
    }

    /// For the messages of a file, where no dictionary may replace another one.
    pub fn for_file(limits: MessageLimits) -> Self {
        Self { may_replace: false, ..Self::for_stream(limits) }
    }

    /// The schema, once it came.
    pub fn schema(&self) -> Option<&SchemaRef> {
        self.stream.as_ref().map(|stream| &stream.schema)
    }

    /// The rows of the message that was checked last, if it was a record batch; 0 otherwise.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Checks one message, and says what it is. The schema may come again, as long as it is the same one.
    ///
    /// # Errors
    /// Those of [`Decoder::decode`](crate::Decoder::decode) but the ones about values, and
    /// [`FormatProblem::ReplacedDictionary`]. The message is as if it had not come.
    pub fn message(&mut self, message: &IpcMessage) -> Result<MessageKind, Error> {
        self.rows = 0;
        let verified = verify::message(&message.header, &self.limits)?;
        let body = message.body.slice(..verify::body_length(verified, message.body.len())?);
        verify::message_length(message.header.len(), message.body.len(), &self.limits)?;
        let wire = verified.get();
        match wire.header_type() {
            MessageHeader::Schema => {
                self.schema_message(verified)?;
                Ok(MessageKind::Schema)
            }
            MessageHeader::RecordBatch => {
                let kind = MessageKind::RecordBatch;
                let batch = wire.header_as_record_batch().ok_or(Error::Missing { part: "record batch" })?;
                let known = self.stream.as_ref().ok_or(Error::BeforeSchema { kind })?;
                self.rows = known.check(batch, Received { wire, body }, &known.plan.columns, &self.limits)?;
                Ok(kind)
            }
            MessageHeader::DictionaryBatch => {
                let kind = MessageKind::DictionaryBatch;
                let batch = wire.header_as_dictionary_batch().ok_or(Error::Missing { part: "dictionary batch" })?;
                let known = self.stream.as_mut().ok_or(Error::BeforeSchema { kind })?;
                known.dictionary_batch(batch, Received { wire, body }, self.may_replace, &self.limits)?;
                Ok(kind)
            }
            other => Err(verify::other_kind(other)),
        }
    }

    fn schema_message(&mut self, message: Verified<Message<'_>>) -> Result<(), Error> {
        let wire = message.schema().ok_or(Error::Missing { part: "schema" })?;
        let schema = decode_verified_schema(wire, &self.limits);
        let schema = Arc::new(schema.map_err(|source| Error::Schema { source })?);
        match &self.stream {
            Some(known) if same_schema(&known.schema, &schema) => {}
            Some(known) => return Err(Error::SchemaChanged { expected: known.schema.clone(), actual: schema }),
            None => {
                let plan = Plan::new(&schema, wire.get())?;
                let came = vec![false; plan.dictionaries.len()];
                self.stream = Some(Known { schema, plan, came });
            }
        }
        Ok(())
    }
}

/// A message and its body, cut to the length that the message states.
struct Received<'a> {
    wire: Message<'a>,
    body: Bytes,
}

impl Known {
    fn dictionary_batch(
        &mut self,
        dictionary: WireDictionary<'_>,
        message: Received<'_>,
        may_replace: bool,
        limits: &MessageLimits,
    ) -> Result<(), Error> {
        let id = dictionary.id();
        let slot = self.plan.slot(id).ok_or(Error::UnknownDictionary { id })?;
        let batch = dictionary.data().ok_or(Error::Missing { part: "record batch" })?;
        let values = &self.plan.dictionaries[slot].values;
        self.check(batch, message, std::slice::from_ref(values), limits)?;
        match (dictionary.isDelta(), self.came[slot]) {
            (true, false) => return Err(Error::field(Problem::NoDictionary { id }).within(&values.name)),
            (false, true) if !may_replace => {
                return Err(Error::format(FormatProblem::ReplacedDictionary { id: Some(id) }));
            }
            _ => {}
        }
        self.came[slot] = true;
        Ok(())
    }

    /// Checks a batch of these fields; returns its rows.
    fn check(
        &self,
        batch: WireBatch<'_>,
        message: Received<'_>,
        fields: &[FieldPlan],
        limits: &MessageLimits,
    ) -> Result<usize, Error> {
        let rows = checked_rows(batch.length())?;
        let mut counts = Counts::default();
        fields.iter().for_each(|field| counts.add(field.counts));
        let parts = Parts::new(batch, message.wire, counts, message.body.len())?;
        let (mut inflater, mut stats) = (Inflater::default(), DecodeStats::default());
        let body = Body::new(message.body.into(), parts.codec, &mut inflater, limits, &mut stats);
        let id = |slot: usize| self.plan.dictionaries[slot].id;
        let mut lengths = Lengths::new(parts, body, &self.came, &id);
        fields.iter().try_for_each(|field| lengths.column(field, rows))?;
        Ok(rows)
    }
}
