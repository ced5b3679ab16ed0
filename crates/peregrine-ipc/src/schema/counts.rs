//! How many nodes and buffers the fields of a message take.

use arrow_schema::UnionMode;

use super::shape::Shape;

/// What a field and all fields below it take of a message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) nodes: usize,
    pub(crate) buffers: usize,
    /// View arrays: each adds as many buffers as the message says.
    pub(crate) views: usize,
    /// Unions and run ends: each had one more buffer before metadata version 5.
    pub(crate) old_validity: usize,
}

impl Counts {
    /// The nodes and buffers of a type itself, without its children.
    pub(super) fn of(shape: Shape) -> Self {
        let (buffers, views, old_validity) = match shape {
            Shape::Null => (0, 0, 0),
            Shape::Runs => (0, 0, 1),
            Shape::FixedList { .. } | Shape::Struct => (1, 0, 0),
            Shape::Boolean | Shape::Primitive { .. } | Shape::FixedBinary { .. } => (2, 0, 0),
            Shape::List { .. } | Shape::Dictionary { .. } => (2, 0, 0),
            Shape::View => (2, 1, 0),
            Shape::Bytes { .. } | Shape::ListView { .. } => (3, 0, 0),
            Shape::Union { mode: UnionMode::Sparse } => (1, 0, 1),
            Shape::Union { mode: UnionMode::Dense } => (2, 0, 1),
        };
        Self { nodes: 1, buffers, views, old_validity }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.nodes += other.nodes;
        self.buffers += other.buffers;
        self.views += other.views;
        self.old_validity += other.old_validity;
    }
}
