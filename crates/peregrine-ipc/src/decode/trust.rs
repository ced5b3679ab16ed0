//! Whether arrays are validated. The one place of the crate with `unsafe`: to opt out of it is the caller's promise.

use arrow_data::{ArrayData, ArrayDataBuilder};
use peregrine_proto::MessageLimits;

use super::Decoder;
use crate::error::{Error, Problem};
use crate::options::IpcReadOptions;

/// Whether the peer is trusted to send valid arrays.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trust {
    /// Private to this file, so that only its unsafe constructor can set it.
    unvalidated: bool,
}

impl Trust {
    /// Values are checked.
    pub(super) fn none() -> Self {
        Self { unvalidated: false }
    }

    pub(super) fn is_full(self) -> bool {
        self.unvalidated
    }

    /// Builds an array, validated unless the peer is trusted.
    pub(super) fn build(self, array: ArrayDataBuilder) -> Result<ArrayData, Error> {
        // SAFETY: `unvalidated` is only set by `Decoder::new_unvalidated`, whose caller promised valid arrays.
        #[expect(unsafe_code, reason = "the opt-out of validation")]
        let array = unsafe { array.skip_validation(self.unvalidated) };
        array.build().map_err(|source| Error::field(Problem::Values { source }))
    }
}

impl Decoder {
    /// A decoder that does not look at values: offsets, UTF-8, dictionary keys and the like are taken on trust.
    /// Headers are checked as ever, and every buffer lies inside its body and is long enough for its rows.
    ///
    /// # Safety
    /// Every message that is decoded must come from a writer that wrote valid arrays, over a way that did not change
    /// them. Otherwise the arrays break arrow's rules, which is undefined behaviour once they are read.
    #[expect(unsafe_code, reason = "the opt-out of validation")]
    pub unsafe fn new_unvalidated(options: IpcReadOptions, limits: MessageLimits) -> Self {
        Self::with_trust(options, limits, Trust { unvalidated: true })
    }
}
