//! gRPC over HTTP/2, server and client, at the level of raw messages. Knows nothing of Arrow.
//!
//! Outgoing messages are [`Rope`]s that share the memory they were made of; incoming ones are handed on in
//! pieces as they arrive ([`MessagePart`]). No type of the HTTP/2 libraries below shows here.

mod allocator;
mod call;
mod client;
mod cutter;
mod grpc;
mod http2;
mod io;
mod listen_address;
mod memory;
mod mutex;
mod panic_text;
mod rope;
mod security;
mod server;
mod shared_service;
mod stall_guard;

pub use crate::allocator::keep_freed_memory;
pub use crate::call::message_reader::MessageReader;
pub use crate::call::shared_reader::{Abandoned, CallSender};
pub use crate::call::token::{CallObserver, CallToken};
pub use crate::client::backoff::Backoff;
pub use crate::client::call_start::CallStart;
pub use crate::client::channel::Channel;
pub use crate::client::channel_config::ChannelConfig;
pub use crate::client::connect::{Connect, Connecting, SocketConnect};
pub use crate::client::http_channel::{ChannelLayers, HttpChannel, ReceivedBody};
pub use crate::client::outgoing::Outgoing;
#[doc(hidden)]
pub use crate::grpc::framing::MessageParser;
pub use crate::grpc::framing::{MESSAGE_PREFIX_LENGTH, MessagePart, frame_message, message_prefix};
#[doc(hidden)]
pub use crate::grpc::message_collector::MessageCollector;
pub use crate::grpc::status::Status;
pub use crate::http2::Http2Config;
pub use crate::io::Io;
pub use crate::listen_address::ListenAddress;
pub use crate::memory::InMemoryConnect;
#[doc(hidden)]
pub use crate::mutex::Mutex;
#[doc(hidden)]
pub use crate::panic_text::{panic_text, run_guarded};
pub use crate::rope::Rope;
pub use crate::server::accept::{Accept, Accepting, Listener};
pub use crate::server::embed::{EmbeddedBody, EmbeddedFuture, EmbeddedService};
pub use crate::server::http_service::{HttpFuture, HttpService, ServeLayers};
pub use crate::server::incoming_body::IncomingBody;
pub use crate::server::incoming_call::{CallHandler, CallTasks, IncomingCall, ReplyFuture};
pub use crate::server::mount::{MountGate, Mounts};
pub use crate::server::reply::{Reply, ReplyFrame};
pub use crate::server::response_body::ResponseBody;
pub use crate::server::serve::{ServeHandle, Shutdown, serve};
pub use crate::server::serve_config::ServeConfig;
