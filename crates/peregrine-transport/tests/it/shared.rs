//! What reaches the socket is the memory that the application gave.

use std::io::{self, IoSlice};
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::stream;
use http::HeaderMap;
use peregrine_transport::{Listener, Reply, Rope, ServeConfig, Status, frame_message, serve};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

use crate::raw::{open, raw_client_on, read_response};

/// Counts the written bytes that lie in a range of memory.
struct Counting {
    io: DuplexStream,
    memory: Range<usize>,
    shared: Arc<AtomicUsize>,
}

impl AsyncRead for Counting {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Counting {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, slices);
        if let Poll::Ready(Ok(mut left)) = written {
            for slice in slices {
                let taken = left.min(slice.len());
                left -= taken;
                if self.memory.contains(&(slice.as_ptr() as usize)) {
                    self.shared.fetch_add(taken, Ordering::Relaxed);
                }
            }
        }
        written
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn a_reply_is_written_from_the_memory_of_its_message() {
    let column = Bytes::from(vec![7; 10 << 20]);
    let start = column.as_ptr() as usize;
    let shared = Arc::new(AtomicUsize::new(0));
    let (ours, io) = tokio::io::duplex(1 << 20);
    let counting = Counting { io, memory: start..start + column.len(), shared: Arc::clone(&shared) };
    let listener = Listener::from_stream("counting", stream::iter([Ok(counting)]));
    let handler = {
        let column = column.clone();
        move |_| {
            let mut message: Rope = Rope::from(Bytes::from_static(b"a small head"));
            // As the buffers of a batch: 20 parts, of which no copy is made.
            for part in 0..20 {
                message.push(column.slice(part << 19..(part + 1) << 19));
            }
            let frames = frame_message(message).unwrap();
            async { Reply::complete(HeaderMap::new(), frames, Status::ok()) }
        }
    };
    let _server = serve(listener, handler, ServeConfig::default()).unwrap();
    let (client, _task) = raw_client_on(ours).await;
    let (response, mut upload) = open(&client).await;
    upload.send_data(Bytes::new(), true).unwrap();
    let (_, ended) = read_response(response).await;
    assert_eq!(ended.data.len(), 5 + 12 + column.len());
    assert!(ended.data[17..] == column);
    // h2 puts the first bytes of each DATA frame beside its head; the peer's frames are of 16 KiB.
    let frames = ended.data.len() >> 14;
    let shared = shared.load(Ordering::Relaxed);
    assert!(shared >= column.len() - (frames + 4) * 256, "{shared} of {}", column.len());
}
