//! Collects what the walk finds into one message's body and the counts for its header.

use std::io;

use arrow_buffer::Buffer;
use arrow_ipc::{Buffer as WireBuffer, FieldNode};
use peregrine_proto::MetadataVersion;

use super::sink::Sink;
use crate::compression::Compressor;
use crate::message::padded;
use crate::stats::EncodeStats;

/// What a header says about its body. Kept from message to message for its memory.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub(super) version: MetadataVersion,
    pub(super) nodes: Vec<FieldNode>,
    pub(super) buffers: Vec<WireBuffer>,
    pub(super) variadic: Vec<i64>,
    pub(super) body_length: usize,
}

impl Layout {
    pub(super) fn new(version: MetadataVersion) -> Self {
        Self { version, ..Self::default() }
    }

    fn clear(&mut self) {
        self.nodes.clear();
        self.buffers.clear();
        self.variadic.clear();
        self.body_length = 0;
    }
}

/// The sink that writes.
pub(super) struct Gather<'a> {
    layout: &'a mut Layout,
    body: Vec<Buffer>,
    compressor: Option<&'a mut Compressor>,
    stats: &'a mut EncodeStats,
    failed: Option<io::Error>,
}

impl<'a> Gather<'a> {
    pub(super) fn new(
        layout: &'a mut Layout,
        compressor: Option<&'a mut Compressor>,
        stats: &'a mut EncodeStats,
    ) -> Self {
        let body = Vec::with_capacity(layout.buffers.len());
        layout.clear();
        Self { layout, body, compressor, stats, failed: None }
    }

    /// The buffers of the body, without the empty ones.
    pub(super) fn finish(self) -> io::Result<Vec<Buffer>> {
        self.failed.map_or(Ok(self.body), Err)
    }

    fn push(&mut self, buffer: Buffer) {
        self.layout.buffers.push(WireBuffer::new(self.layout.body_length as i64, buffer.len() as i64));
        if !buffer.is_empty() {
            self.layout.body_length += padded(buffer.len());
            self.body.push(buffer);
        }
    }

    fn push_compressed(&mut self, raw: &[u8]) {
        let Some(compressor) = self.compressor.as_deref_mut() else { return };
        match compressor.compress(raw) {
            Ok(buffer) => {
                self.stats.raw_bytes += raw.len() as u64;
                self.stats.copied_bytes += buffer.len() as u64;
                self.push(buffer);
            }
            Err(error) => self.failed = Some(error),
        }
    }
}

impl Sink for Gather<'_> {
    fn node(&mut self, rows: usize, nulls: usize) {
        self.layout.nodes.push(FieldNode::new(rows as i64, nulls as i64));
    }

    fn share(&mut self, buffer: &Buffer, start: usize, length: usize) {
        if length == 0 {
            self.absent();
        } else if self.compressor.is_some() {
            self.push_compressed(&buffer[start..start + length]);
        } else {
            self.stats.shared_bytes += length as u64;
            self.push(buffer.slice_with_length(start, length));
        }
    }

    fn make(&mut self, length: usize, make: impl FnOnce() -> Buffer) {
        let buffer = make();
        debug_assert_eq!(buffer.len(), length, "the measured length is the written one");
        if self.compressor.is_some() {
            self.push_compressed(&buffer);
        } else {
            self.stats.copied_bytes += length as u64;
            self.push(buffer);
        }
    }

    fn variadic(&mut self, buffers: usize) {
        self.layout.variadic.push(buffers as i64);
    }

    fn old_validity(&mut self) {
        if self.layout.version == MetadataVersion::V4 {
            self.absent();
        }
    }

    fn absent(&mut self) {
        self.layout.buffers.push(WireBuffer::new(self.layout.body_length as i64, 0));
    }
}
