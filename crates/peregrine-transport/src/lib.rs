//! gRPC over HTTP/2, server and client, at the level of raw messages. Knows nothing of Arrow.
//!
//! Outgoing messages are [`Rope`]s that share their memory with whoever made them; incoming ones are handed on in
//! pieces as they come ([`MessagePart`]). No type of the HTTP/2 libraries below shows here.

mod allocator;
mod call;
mod client;
mod cutter;
mod grpc;
mod http2;
mod io;
mod metadata;
mod peer;
mod rope;
mod server;
mod stall_guard;

pub use crate::allocator::keep_freed_memory;
pub use crate::call::held_body::IncomingBody;
pub use crate::call::message_reader::MessageReader;
pub use crate::call::token::CallToken;
pub use crate::client::backoff::Backoff;
pub use crate::client::channel::{Channel, ChannelConfig};
pub use crate::client::connect::{Connecting, Connector, TcpConnector, UnixConnector};
pub use crate::client::duplex::{Abandoned, CallSender};
pub use crate::client::incoming_reply::IncomingReply;
pub use crate::client::outgoing::Outgoing;
pub use crate::grpc::framing::{MESSAGE_PREFIX_LENGTH, MessagePart, frame_message, message_prefix};
pub use crate::grpc::status::{Code, Status};
pub use crate::http2::Http2Config;
pub use crate::io::Io;
pub use crate::metadata::{append_metadata, insert_metadata, metadata_entries, metadata_values};
pub use crate::peer::{Peer, PeerAddress};
pub use crate::rope::Rope;
pub use crate::server::accept::{InMemoryConnector, ListenAddress, Listener};
pub use crate::server::embed::{EmbeddedBody, EmbeddedFuture, EmbeddedService};
pub use crate::server::incoming_call::{CallHandler, CallTasks, IncomingCall, ReplyFuture};
pub use crate::server::mount::Mounts;
pub use crate::server::reply::{Reply, ReplyFrame};
pub use crate::server::serve::{ServeConfig, ServeHandle, Shutdown, serve};
