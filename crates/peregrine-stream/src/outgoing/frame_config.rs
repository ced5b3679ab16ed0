//! `FrameConfig`: how messages are put into frames.

use std::sync::Arc;

use peregrine_proto::CallCounter;

use crate::outgoing::body_alignment::BodyAlignment;

/// How the messages of one call are put into frames.
#[derive(Debug, Clone, Default)]
pub struct FrameConfig {
    /// From where the alignment of bodies is counted.
    pub alignment: BodyAlignment,
    /// Counts what is sent; `None` where that is of no interest.
    pub counter: Option<Arc<CallCounter>>,
}
