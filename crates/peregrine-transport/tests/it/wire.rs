//! Peers made of bare frames, for what even a bare HTTP/2 library would not do.

use peregrine_transport::Io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The frames and flags that the tests use.
pub(crate) mod frame {
    pub(crate) const DATA: u8 = 0;
    pub(crate) const HEADERS: u8 = 1;
    pub(crate) const RST_STREAM: u8 = 3;
    pub(crate) const SETTINGS: u8 = 4;
    pub(crate) const PING: u8 = 6;
    pub(crate) const GOAWAY: u8 = 7;
    pub(crate) const WINDOW_UPDATE: u8 = 8;
    pub(crate) const ACK: u8 = 1;
    pub(crate) const END_STREAM: u8 = 1;
    pub(crate) const END_HEADERS: u8 = 4;
}

pub(crate) struct Wire<T> {
    io: T,
}

impl<T: Io> Wire<T> {
    /// Greets as a client, with a stream window, and opens the largest window for the connection.
    pub(crate) async fn connect(mut io: T, window: u32) -> Self {
        io.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
        let mut wire = Self { io };
        let mut setting = vec![0, 4];
        setting.extend_from_slice(&window.to_be_bytes());
        wire.write(frame::SETTINGS, 0, 0, &setting).await;
        wire.write(frame::WINDOW_UPDATE, 0, 0, &0x7000_0000_u32.to_be_bytes()).await;
        wire
    }

    /// Reads what the server sends until it closes, and closes too.
    pub(crate) async fn read_to_end(mut self) {
        self.read_to_close().await;
    }

    /// Reads what the server sends until it closes.
    pub(crate) async fn read_to_close(&mut self) {
        // Whether it closes or resets is the same here.
        let _ = self.io.read_to_end(&mut Vec::new()).await;
    }

    /// Reads frames until a ping, and answers it.
    pub(crate) async fn answer_ping(&mut self) {
        let (_, payload) = self.next_of(frame::PING).await;
        self.write(frame::PING, frame::ACK, 0, &payload).await;
    }

    /// Reads the client's preface and greets.
    pub(crate) async fn serve(mut io: T) -> Self {
        let mut preface = [0; 24];
        io.read_exact(&mut preface).await.unwrap();
        let mut wire = Self { io };
        wire.write(frame::SETTINGS, 0, 0, &[]).await;
        wire
    }

    pub(crate) async fn write(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut bytes = vec![length[1], length[2], length[3], kind, flags];
        bytes.extend_from_slice(&stream.to_be_bytes());
        bytes.extend_from_slice(payload);
        self.io.write_all(&bytes).await.unwrap();
    }

    /// Reads frames until one of a kind, and gives its stream.
    pub(crate) async fn read_until(&mut self, wanted: u8) -> u32 {
        self.next_of(wanted).await.0
    }

    async fn next_of(&mut self, wanted: u8) -> (u32, Vec<u8>) {
        loop {
            let mut head = [0; 9];
            self.io.read_exact(&mut head).await.unwrap();
            let [a, b, c, kind, _flags, stream @ ..] = head;
            let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
            self.io.read_exact(&mut payload).await.unwrap();
            if kind == wanted {
                return (u32::from_be_bytes(stream), payload);
            }
            assert!(kind != frame::GOAWAY || wanted == frame::PING, "{}", String::from_utf8_lossy(&payload));
        }
    }
}

/// Headers of a good gRPC answer, and more, as HPACK writes them without its tables.
pub(crate) fn headers(more: &[(&str, &str)]) -> Vec<u8> {
    let mut block = vec![0x88];
    for (name, value) in [("content-type", "application/grpc")].iter().chain(more) {
        block.push(0);
        for text in [name, value] {
            block.push(u8::try_from(text.len()).unwrap());
            block.extend_from_slice(text.as_bytes());
        }
    }
    block
}

/// Headers of a good gRPC request.
pub(crate) fn request() -> Vec<u8> {
    // POST, http, and names of the static table: the path is 4, the authority 1.
    let mut block = vec![0x83, 0x86, 4, 4];
    block.extend_from_slice(b"/a/b");
    block.extend_from_slice(&[1, 4]);
    block.extend_from_slice(b"wire");
    block.extend_from_slice(&headers(&[])[1..]);
    block
}
