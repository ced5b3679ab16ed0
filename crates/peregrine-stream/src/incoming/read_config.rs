//! `ReadConfig`: how a data stream is read.

use peregrine_ipc::IpcReadOptions;
use peregrine_proto::MessageLimits;

use crate::buffers::ReceiveBuffers;

/// How a stream is read: options of the codec, limits, and memory to share with other streams.
#[derive(Clone, Default)]
pub struct ReadConfig {
    /// What to decode and how.
    pub options: IpcReadOptions,
    /// What the peer may make us hold.
    pub limits: MessageLimits,
    /// Receive buffers, shared by the streams of one client or server.
    pub buffers: ReceiveBuffers,
}
