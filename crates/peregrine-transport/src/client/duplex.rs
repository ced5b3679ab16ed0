//! Calls whose request is written while the response is read.

use tokio::task::JoinHandle;

use super::call_start::CallStart;
use super::channel::Channel;
use super::outgoing::Outgoing;
use crate::call::message_reader::MessageReader;
use crate::call::parts::PartReader;
use crate::call::shared_reader::{Abandoned, CallSender, share};
use crate::grpc::status::Status;

impl Channel {
    /// Starts a call and returns before it is sent, for requests that are written while the response is read. Must be
    /// called within a tokio runtime.
    ///
    /// The reader may be dropped before the call's end: what still arrives is discarded, in the background. Once
    /// the sender is gone too, `abandoned` says what becomes of the call.
    ///
    /// # Errors
    /// [`InvalidArgument`](peregrine_proto::Code::InvalidArgument) if the channel is closed. Later errors come from the
    /// reader and the sender.
    pub fn start(
        &self,
        start: CallStart,
        request: Outgoing,
        abandoned: Abandoned,
    ) -> Result<(MessageReader, CallSender), Status> {
        let call = self.begin(start)?;
        let (channel, token, counter) = (self.clone(), call.token.clone(), call.counter.clone());
        let response: JoinHandle<Result<PartReader, Status>> = tokio::spawn({
            let token = token.clone();
            async move {
                let response = tokio::select! {
                    biased;
                    status = token.cancelled() => Err(status),
                    // An attempt of its own: the end of the call is reported by whoever reads it to its end.
                    response = channel.attempts(&call, request, true) => response,
                };
                // The writer that waits for room learns of it at once.
                if let Err(status) = &response {
                    token.cancel(status.clone());
                }
                response
            }
        });
        let (reader, sender) = share(token, response, counter, abandoned);
        Ok((MessageReader::shared(reader), sender))
    }
}
