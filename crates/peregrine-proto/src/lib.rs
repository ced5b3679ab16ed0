//! The messages of Arrow Flight as Rust types, and their layout on the wire. Performs no I/O and starts no task.

mod action;
mod action_request;
mod call;
mod cancel_flight_info;
mod descriptor;
mod endpoint;
mod error;
mod generated;
mod handshake;
mod info;
mod limits;
mod location;
mod message;
mod method;
mod poll;
mod renew_flight_endpoint;
mod schema;
mod session;
#[cfg(any(test, feature = "sql"))]
#[doc(hidden)]
pub mod sql;
mod ticket;
mod timestamp;
mod verified;
mod wire;

pub use crate::action::{Action, ActionResult, ActionType};
pub use crate::action_request::ActionRequest;
pub use crate::call::{
    CallCounter, CallInfo, CallerIdentity, ClientAuthStage, ClientCallHooks, ClientMiddlewareStage, Code, Extensions,
    Outcome, OutgoingCall, Peer, PeerAddress, ServerAuthStage, ServerCallHooks, ServerCallObserver,
    ServerMiddlewareStage, Traffic, append_metadata, insert_metadata, metadata_entries, metadata_values,
};
#[doc(hidden)]
pub use crate::call::{binary_metadata_text, first_binary_metadata};
pub use crate::cancel_flight_info::{CancelFlightInfoRequest, CancelFlightInfoResult, CancelStatus};
pub use crate::descriptor::{DescriptorType, FlightDescriptor};
pub use crate::endpoint::FlightEndpoint;
pub use crate::error::{FlightError, FlightErrorKind};
pub use crate::generated::FILE_DESCRIPTOR_SET;
pub use crate::handshake::{BasicAuth, Empty, HandshakeRequest, HandshakeResponse};
pub use crate::info::FlightInfo;
pub use crate::limits::MessageLimits;
pub use crate::location::{Location, LocationScheme};
pub use crate::message::FlightMessage;
pub use crate::method::{FLIGHT_SERVICE_NAME, FlightMethod};
pub use crate::poll::PollInfo;
pub use crate::renew_flight_endpoint::RenewFlightEndpointRequest;
pub use crate::schema::{
    MetadataVersion, SchemaResult, decode_schema, decode_schema_header, decode_verified_schema, encode_schema,
    encode_schema_header, encode_schema_header_with_ids,
};
pub use crate::session::{
    CloseSessionRequest, CloseSessionResult, CloseSessionStatus, GetSessionOptionsRequest, GetSessionOptionsResult,
    SessionOptionValue, SetSessionOptionError, SetSessionOptionsRequest, SetSessionOptionsResult,
};
pub use crate::ticket::{Criteria, PutResult, Ticket};
pub use crate::timestamp::Timestamp;
pub use crate::verified::{Verified, VerifyError};
pub use crate::wire::{FlightData, FlightDataHead, FlightDataParts, FlightDataProgress, FlightDataReader};
