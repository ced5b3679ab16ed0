//! The opt-out of validation, which no flag or configuration reaches.

use peregrine_proto::MessageLimits;

use super::decoder::Decoder;
use super::trust::Trust;
use crate::options::IpcReadOptions;

impl Decoder {
    /// A decoder that does not look at values: offsets, UTF-8, dictionary keys and the like are taken on trust.
    /// Headers are checked as ever, and every buffer lies inside its body and is long enough for its rows.
    ///
    /// # Safety
    /// Every message that is decoded must come from a writer that wrote valid arrays, over a way that did not change
    /// them. Otherwise the arrays break arrow's rules, which is undefined behaviour once they are read.
    #[expect(unsafe_code, reason = "the opt-out of validation")]
    pub unsafe fn new_unvalidated(options: IpcReadOptions, limits: MessageLimits) -> Self {
        // SAFETY: the caller promises the same.
        let trust = unsafe { Trust::full() };
        Self::with_trust(options, limits, trust)
    }
}
