//! gRPC over HTTP/2, server and client, at the level of raw messages. Knows nothing of Arrow.
//!
//! Outgoing messages are [`Rope`]s that share their memory with whoever made them; incoming ones are handed on in
//! pieces as they come ([`MessagePart`]). No type of the HTTP/2 libraries below shows here.

mod accepted;
mod allocator;
mod answer;
mod backoff;
mod body;
mod call;
mod channel;
mod closing;
mod connect;
mod cutter;
mod deadline;
mod drive;
mod embed;
mod framing;
mod http2;
mod io;
mod link;
mod listen;
mod metadata;
mod mount;
mod mounted;
mod native;
mod outgoing;
mod parked;
mod parts;
mod peer;
mod reader;
mod reconnect;
mod reply;
mod rope;
mod serve;
mod service;
mod started;
mod status;
mod token;
mod wakers;
mod watched;

pub use crate::allocator::keep_freed_memory;
pub use crate::answer::IncomingReply;
pub use crate::backoff::Backoff;
pub use crate::body::IncomingBody;
pub use crate::call::{CallHandler, CallTasks, IncomingCall, ReplyFuture};
pub use crate::channel::{Channel, ChannelConfig};
pub use crate::connect::{Connecting, Connector, TcpConnector, UnixConnector};
pub use crate::embed::{EmbeddedBody, EmbeddedFuture, EmbeddedService};
pub use crate::framing::{MESSAGE_PREFIX_LENGTH, MessagePart, frame_message, message_prefix};
pub use crate::http2::Http2Config;
pub use crate::io::Io;
pub use crate::listen::{InMemoryConnector, ListenAddress, Listener};
pub use crate::metadata::{append_metadata, insert_metadata, metadata_entries, metadata_values};
pub use crate::mount::Mounts;
pub use crate::outgoing::Outgoing;
pub use crate::peer::{Peer, PeerAddress};
pub use crate::reader::MessageReader;
pub use crate::reply::{Reply, ReplyFrame};
pub use crate::rope::Rope;
pub use crate::serve::{ServeConfig, ServeHandle, Shutdown, serve};
pub use crate::started::{Abandoned, CallSender};
pub use crate::status::{Code, Status};
pub use crate::token::CallToken;
