//! `CallCounter`: what a call has sent and received so far.

use std::sync::atomic::{AtomicU64, Ordering};

/// What went in one direction of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Traffic {
    /// gRPC messages.
    pub messages: u64,
    /// Rows of record batches.
    pub rows: u64,
    /// Bytes of the messages, without gRPC's prefix of five bytes each.
    pub bytes: u64,
}

/// Counts the messages of one call, in both directions. Shared by all that send and read them.
///
/// ```
/// use peregrine_proto::CallCounter;
///
/// let counter = CallCounter::default();
/// counter.count_sent(1, 64);
/// counter.count_sent_rows(10);
/// assert_eq!((counter.sent().messages, counter.sent().rows, counter.sent().bytes), (1, 10, 64));
/// ```
#[derive(Debug, Default)]
pub struct CallCounter {
    sent: Direction,
    received: Direction,
}

#[derive(Debug, Default)]
struct Direction {
    messages: AtomicU64,
    rows: AtomicU64,
    bytes: AtomicU64,
}

impl CallCounter {
    /// Counts messages that were handed to the network, and their bytes.
    pub fn count_sent(&self, messages: u64, bytes: u64) {
        self.sent.count(messages, bytes);
    }

    /// Counts rows in messages that were handed to the network.
    pub fn count_sent_rows(&self, rows: u64) {
        self.sent.rows.fetch_add(rows, Ordering::Relaxed);
    }

    /// Counts messages that began to arrive, and their bytes.
    pub fn count_received(&self, messages: u64, bytes: u64) {
        self.received.count(messages, bytes);
    }

    /// Counts rows that were decoded.
    pub fn count_received_rows(&self, rows: u64) {
        self.received.rows.fetch_add(rows, Ordering::Relaxed);
    }

    /// What was sent so far.
    pub fn sent(&self) -> Traffic {
        self.sent.traffic()
    }

    /// What was received so far.
    pub fn received(&self) -> Traffic {
        self.received.traffic()
    }
}

impl Direction {
    fn count(&self, messages: u64, bytes: u64) {
        self.messages.fetch_add(messages, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn traffic(&self) -> Traffic {
        let [messages, rows, bytes] =
            [&self.messages, &self.rows, &self.bytes].map(|count| count.load(Ordering::Relaxed));
        Traffic { messages, rows, bytes }
    }
}
