//! What takes the parts of an array that the walk comes by: it writes them, or counts their bytes.

use arrow_buffer::Buffer;

/// Where the parts of an array go.
pub(super) trait Sink {
    /// An array's node comes before its buffers.
    fn node(&mut self, rows: usize, nulls: usize);
    /// A buffer that is a piece of the array's own memory.
    fn share(&mut self, buffer: &Buffer, start: usize, length: usize);
    /// A buffer of `length` bytes that is made only if it is written.
    fn make(&mut self, length: usize, make: impl FnOnce() -> Buffer);
    /// How many data buffers a view array has; comes before them.
    fn variadic(&mut self, buffers: usize);

    /// The place that the validity of unions and run ends had before metadata version 5, after their node.
    fn old_validity(&mut self);

    /// A buffer that is not there: the validity of an array without nulls.
    fn absent(&mut self) {
        self.make(0, Buffer::default);
    }
}
