//! What a decoder knows of its stream after the schema: the plan, the projection and the dictionaries.

use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_buffer::Buffer;
use arrow_ipc::{DictionaryBatch as WireDictionary, Message, RecordBatch as WireBatch, Schema as WireSchema};
use arrow_schema::{Schema, SchemaRef};
use peregrine_proto::MessageLimits;

use super::body::Body;
use super::dictionaries::Dictionaries;
use super::reader::Reader;
use super::trust::Trust;
use crate::compression::Inflater;
use crate::error::Error;
use crate::options::IpcReadOptions;
use crate::schema::{Counts, Plan, same_schema};
use crate::stats::DecodeStats;
use crate::verify::{Parts, checked_rows};

/// A message on its way in, and what the decoder lends for it.
pub(super) struct Incoming<'a> {
    pub(super) message: Message<'a>,
    pub(super) body: Buffer,
    pub(super) trust: Trust,
    pub(super) inflater: &'a mut Inflater,
    pub(super) limits: &'a MessageLimits,
    pub(super) stats: &'a mut DecodeStats,
}

/// A stream whose schema has come.
pub(super) struct StreamState {
    /// As it came.
    schema: SchemaRef,
    /// After the projection.
    visible: SchemaRef,
    plan: Plan,
    /// Whether each column of the message is read.
    wanted: Vec<bool>,
    /// For each column of a batch, which of the columns that were read it is. `None` if they are the same.
    order: Option<Vec<usize>>,
    dictionaries: Dictionaries,
}

impl StreamState {
    pub(super) fn new(
        schema: Schema,
        wire: WireSchema<'_>,
        options: &IpcReadOptions,
        limits: &MessageLimits,
    ) -> Result<Self, Error> {
        let mut plan = Plan::new(&schema, wire)?;
        let columns = plan.columns.len();
        let schema = Arc::new(schema);
        let (visible, wanted, order) = match &options.projection {
            None => (schema.clone(), vec![true; columns], None),
            Some(projection) => project(&schema, projection)?,
        };
        (0..columns).filter(|&column| wanted[column]).for_each(|column| plan.mark_used(column));
        let dictionaries = Dictionaries::new(plan.dictionaries.iter().map(|d| d.id), limits.dictionaries);
        Ok(Self { schema, visible, plan, wanted, order, dictionaries })
    }

    pub(super) fn visible_schema(&self) -> &SchemaRef {
        &self.visible
    }

    /// A second schema message may only say what the first one said.
    pub(super) fn check_same(&self, schema: Schema) -> Result<(), Error> {
        if same_schema(&self.schema, &schema) {
            return Ok(());
        }
        Err(Error::SchemaChanged { expected: self.schema.clone(), actual: Arc::new(schema) })
    }

    pub(super) fn record_batch(
        &mut self,
        batch: WireBatch<'_>,
        incoming: &mut Incoming<'_>,
    ) -> Result<RecordBatch, Error> {
        self.dictionaries.receive(incoming.body.len());
        self.dictionaries.settle()?;
        let rows = checked_rows(batch.length())?;
        let mut reader = reader(batch, self.plan.counts, &self.dictionaries, incoming)?;
        let mut columns = Vec::with_capacity(self.plan.columns.len());
        for (plan, wanted) in self.plan.columns.iter().zip(&self.wanted) {
            if *wanted {
                columns.push(reader.column(plan, rows)?);
            } else {
                reader.skip(plan);
            }
        }
        if let Some(order) = &self.order {
            columns = order.iter().map(|&index| columns[index].clone()).collect();
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(self.visible.clone(), columns, &options);
        let batch = batch.map_err(|source| Error::Batch { source })?;
        incoming.stats.num_record_batches += 1;
        Ok(batch)
    }

    pub(super) fn dictionary_batch(
        &mut self,
        dictionary: WireDictionary<'_>,
        incoming: &mut Incoming<'_>,
    ) -> Result<(), Error> {
        let slot = self.plan.slot(dictionary.id()).ok_or(Error::UnknownDictionary { id: dictionary.id() })?;
        let batch = dictionary.data().ok_or(Error::Missing { part: "record batch" })?;
        let plan = &self.plan.dictionaries[slot];
        self.dictionaries.receive(incoming.body.len());
        if !plan.inner.is_empty() {
            // Inner dictionaries may have grown.
            self.dictionaries.settle()?;
        }
        let rows = checked_rows(batch.length())?;
        let mut reader = reader(batch, plan.values.counts, &self.dictionaries, incoming)?;
        if plan.used {
            let values = reader.column(&plan.values, rows)?;
            // The values keep those of inner dictionaries, even after these were replaced.
            let held = reader.held().saturating_add(self.dictionaries.held_by(&plan.inner));
            if dictionary.isDelta() {
                self.dictionaries.extend(slot, values, held)?;
            } else {
                let replaced = self.dictionaries.is_set(slot);
                self.dictionaries.replace(slot, values, held)?;
                incoming.stats.num_replaced_dictionaries += u64::from(replaced);
            }
        }
        incoming.stats.num_dictionary_batches += 1;
        incoming.stats.num_dictionary_deltas += u64::from(dictionary.isDelta());
        Ok(())
    }
}

fn reader<'a>(
    batch: WireBatch<'a>,
    counts: Counts,
    dictionaries: &'a Dictionaries,
    incoming: &'a mut Incoming<'_>,
) -> Result<Reader<'a>, Error> {
    let parts = Parts::new(batch, incoming.message, counts, incoming.body.len())?;
    let body =
        Body::new(incoming.body.clone(), parts.codec, &mut *incoming.inflater, incoming.limits, &mut *incoming.stats);
    Ok(Reader::new(parts, body, dictionaries, incoming.trust))
}

type Projected = (SchemaRef, Vec<bool>, Option<Vec<usize>>);

fn project(schema: &Schema, projection: &[usize]) -> Result<Projected, Error> {
    let columns = schema.fields().len();
    let mut wanted = vec![false; columns];
    for &index in projection {
        *wanted.get_mut(index).ok_or(Error::Projection { index, columns })? = true;
    }
    let read: Vec<usize> = (0..columns).filter(|&column| wanted[column]).collect();
    let order = projection.iter().map(|index| read.partition_point(|column| column < index)).collect();
    let projected = schema.project(projection).map_err(|source| Error::Batch { source })?;
    Ok((Arc::new(projected), wanted, Some(order)))
}
