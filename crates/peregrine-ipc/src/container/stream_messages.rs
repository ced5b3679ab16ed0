//! Takes the messages out of a stream, whose bytes may be cut anywhere.

use bytes::{Buf, Bytes, BytesMut};
use peregrine_proto::MessageLimits;

use super::ipc_message::IpcMessage;
use super::prefix::{CONTINUATION, WORD, word};
use crate::error::Error;
use crate::format_problem::FormatProblem;
use crate::verify;

/// The most memory that is taken at once for a part that comes in pieces; more follows as bytes come.
const FIRST_ROOM: usize = 1 << 20;

/// Takes the messages out of a stream in the format of IPC streams, as [`StreamWriter`]s of Arrow write them: each behind
/// a continuation mark and the length of its header, or, as before Arrow 0.15, behind the length alone.
///
/// Both marks of a stream's end are understood, and a stream may also just end. Bytes behind the mark are left
/// alone. What a message states about itself is held against [`MessageLimits`] before memory is taken for it, and
/// memory is taken for bytes that came. Headers are verified as flatbuffers; what they say is left to a
/// [`Decoder`](crate::Decoder) or [`PassThrough`](crate::PassThrough).
///
/// ```
/// use bytes::Bytes;
/// use peregrine_ipc::{MessageLimits, StreamMessages};
/// # use arrow_array::{ArrayRef, Int64Array, RecordBatch};
/// # let ids: ArrayRef = std::sync::Arc::new(Int64Array::from(vec![1, 2, 3]));
/// # let batch = RecordBatch::try_from_iter([("id", ids)])?;
/// # let mut writer = arrow_ipc::writer::StreamWriter::try_new(Vec::new(), batch.schema_ref())?;
/// # writer.write(&batch)?;
/// # let stream = writer.into_inner()?;
/// // let stream: Vec<u8> = ..;
/// let mut bytes = Bytes::from(stream);
/// let mut messages = StreamMessages::new(MessageLimits::default());
/// let mut count = 0;
/// while let Some(message) = messages.read(&mut bytes)? {
///     assert!(!message.header.is_empty());
///     count += 1;
/// }
/// messages.finish()?;
/// assert_eq!(count, 2, "the schema and a batch");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [`StreamWriter`]: https://docs.rs/arrow-ipc/latest/arrow_ipc/writer/struct.StreamWriter.html
#[derive(Debug)]
pub struct StreamMessages {
    limits: MessageLimits,
    next: NextPart,
    /// What came of the next part, if it comes in pieces.
    pieces: BytesMut,
    /// The bytes of all parts so far.
    position: u64,
    /// Where the message begins that is being read.
    message: u64,
}

/// What comes next.
#[derive(Debug)]
enum NextPart {
    /// The mark, or a length.
    Mark,
    /// The length behind the mark.
    Length,
    Header {
        length: usize,
    },
    Body {
        header: Bytes,
        length: usize,
    },
    /// Nothing: the stream is over, or broken.
    Nothing,
}

impl StreamMessages {
    /// The messages of one stream.
    pub fn new(limits: MessageLimits) -> Self {
        Self { limits, next: NextPart::Mark, pieces: BytesMut::new(), position: 0, message: 0 }
    }

    /// Takes bytes off the front of `bytes` up to the end of the next message. `None` asks for more bytes, or says
    /// that the stream is [over](Self::is_over).
    ///
    /// A header and a body that lie whole in `bytes` are shared; what comes in pieces is copied together.
    ///
    /// # Errors
    /// [`Error::Format`] for a header's length that is negative, [`Error::Limit`] for one, or a message, over the limits;
    /// [`Error::Header`] and [`Error::Unsupported`] for headers that are no valid flatbuffer or of an unknown version;
    /// [`Error::BodyLength`] for a negative one. The stream is then over.
    pub fn read(&mut self, bytes: &mut Bytes) -> Result<Option<IpcMessage>, Error> {
        while let Some(part) = self.take_part(bytes) {
            self.position += part.len() as u64;
            match self.enter(part) {
                Ok(None) => {}
                Ok(Some(message)) => {
                    self.message = self.position;
                    return Ok(Some(message));
                }
                Err(error) => {
                    self.next = NextPart::Nothing;
                    return Err(error);
                }
            }
        }
        Ok(None)
    }

    /// How many bytes are missing to the end of the part that comes next: the mark, the length, the header or the body of
    /// a message. Who reads just so many, and hands them to [`read`](Self::read), has them shared. `None` if the stream
    /// is over.
    pub fn missing(&self) -> Option<usize> {
        let length = match self.next {
            NextPart::Mark | NextPart::Length => WORD,
            NextPart::Header { length } | NextPart::Body { length, .. } => length,
            NextPart::Nothing => return None,
        };
        Some(length - self.pieces.len())
    }

    /// Whether the mark of the end came, or an error ended the stream.
    pub fn is_over(&self) -> bool {
        matches!(self.next, NextPart::Nothing)
    }

    /// Says that no more bytes come.
    ///
    /// # Errors
    /// [`FormatProblem::Cut`] if they end inside a message.
    pub fn finish(&self) -> Result<(), Error> {
        let (part, needed) = match self.next {
            NextPart::Mark if self.pieces.is_empty() => return Ok(()),
            NextPart::Nothing => return Ok(()),
            NextPart::Mark | NextPart::Length => ("prefix", WORD),
            NextPart::Header { length } => ("header", length),
            NextPart::Body { length, .. } => ("body", length),
        };
        let actual = self.pieces.len();
        Err(Error::format(FormatProblem::Cut { message: self.message, part, needed, actual }))
    }

    /// The next part, once it is there whole.
    fn take_part(&mut self, bytes: &mut Bytes) -> Option<Bytes> {
        let missing = self.missing()?;
        if self.pieces.is_empty() && bytes.len() >= missing {
            return Some(bytes.split_to(missing));
        }
        let piece = missing.min(bytes.len());
        self.pieces.reserve(piece.max(missing.min(FIRST_ROOM)));
        self.pieces.extend_from_slice(&bytes[..piece]);
        bytes.advance(piece);
        (piece == missing).then(|| std::mem::take(&mut self.pieces).freeze())
    }

    fn enter(&mut self, part: Bytes) -> Result<Option<IpcMessage>, Error> {
        match std::mem::replace(&mut self.next, NextPart::Mark) {
            NextPart::Mark if word(&part, 0) == Some(CONTINUATION) => self.next = NextPart::Length,
            NextPart::Mark | NextPart::Length => self.next = self.header(word(&part, 0).unwrap_or_default())?,
            NextPart::Header { .. } => {
                let length = self.body_length(&part)?;
                if length == 0 {
                    return Ok(Some(IpcMessage { header: part, body: Bytes::new() }));
                }
                self.next = NextPart::Body { header: part, length };
            }
            NextPart::Body { header, .. } => return Ok(Some(IpcMessage { header, body: part })),
            NextPart::Nothing => self.next = NextPart::Nothing,
        }
        Ok(None)
    }

    /// What follows a length.
    fn header(&self, stated: u32) -> Result<NextPart, Error> {
        match i32::try_from(stated) {
            Ok(0) => Ok(NextPart::Nothing),
            Ok(length) => {
                let length = length as usize;
                verify::header_length(length, &self.limits)?;
                Ok(NextPart::Header { length })
            }
            Err(_) => {
                let stated = stated as i32;
                Err(Error::format(FormatProblem::HeaderLength { message: self.message, stated }))
            }
        }
    }

    fn body_length(&self, header: &[u8]) -> Result<usize, Error> {
        let stated = verify::message(header, &self.limits)?.get().bodyLength();
        let length = usize::try_from(stated).map_err(|_| Error::BodyLength { stated, actual: 0 })?;
        verify::message_length(header.len(), length, &self.limits)?;
        Ok(length)
    }
}
