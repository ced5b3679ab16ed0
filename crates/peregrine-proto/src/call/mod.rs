//! What is known of a call at either end, independent of the transport: who calls what, with which metadata, and how it
//! ended.

mod call_counter;
mod call_info;
mod client_stages;
mod code;
mod extensions;
mod metadata;
mod outcome;
mod outgoing_call;
mod peer;
mod server_stages;

pub use self::call_counter::{CallCounter, Traffic};
pub use self::call_info::CallInfo;
pub use self::client_stages::{ClientAuthStage, ClientCallHooks, ClientMiddlewareStage};
pub use self::code::Code;
pub use self::extensions::Extensions;
pub use self::metadata::{append_metadata, insert_metadata, metadata_entries, metadata_values};
#[doc(hidden)]
pub use self::metadata::{binary_metadata_text, first_binary_metadata};
pub use self::outcome::Outcome;
pub use self::outgoing_call::OutgoingCall;
pub use self::peer::{Peer, PeerAddress};
pub use self::server_stages::{
    CallerIdentity, ServerAuthStage, ServerCallHooks, ServerCallObserver, ServerMiddlewareStage,
};
