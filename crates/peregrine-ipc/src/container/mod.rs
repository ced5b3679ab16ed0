//! What is around messages: the stream format, and files. Performs no I/O: bytes are handed in.

mod file_block;
mod file_footer;
mod ipc_message;
mod prefix;
mod stream_messages;
#[cfg(test)]
mod tests;

pub use self::file_block::FileBlock;
pub use self::file_footer::FileFooter;
pub use self::ipc_message::IpcMessage;
pub use self::stream_messages::StreamMessages;
