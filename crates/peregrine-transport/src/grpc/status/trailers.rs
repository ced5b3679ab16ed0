//! A status as trailers, within the 8 KiB that every peer takes, and back.

use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode, utf8_percent_encode};
use peregrine_proto::{Code, binary_metadata_text, first_binary_metadata};

use super::Status;
use super::flight_table::{ARROW_DETAIL, ARROW_MESSAGE, ARROW_STATUS, EXTRA_INFO, with_detail};

pub(crate) const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// What gRPC wants encoded in `grpc-message`: all but printable ASCII, and the percent sign itself.
const ENCODED: &AsciiSet = &CONTROLS.add(b'%');

/// All trailers together stay under this, counted as HTTP/2 counts them: grpc-core refuses more than 8 KiB by default.
/// An answer that is trailers alone has its `:status`, `content-type` and `grpc-accept-encoding`, 162 bytes, in the same
/// list.
const TRAILERS_LIMIT: usize = (8 << 10) - 256;
/// HTTP/2 counts so much for each header beside its name and value.
const HEADER_COST: usize = 32;
/// The trailers that are the status itself.
const KEPT: [&str; 4] = [ARROW_STATUS, ARROW_MESSAGE, ARROW_DETAIL, EXTRA_INFO];
/// A message is not cut below this many bytes to make room for `extra_info`.
const MESSAGE_FLOOR: usize = 512;

/// The trailers of a status, within the limit: where it must be the message is cut, and `extra_info` or the
/// application's own trailers are left out, the larger of them first. The message says so.
pub(crate) fn into_trailers(status: Status) -> HeaderMap {
    let fits = status.fits();
    if fits && status.is_ok() && status.message.is_empty() {
        return success(status);
    }
    let mut draft = Draft::new(status);
    if !fits && draft.cost(&draft.message) > TRAILERS_LIMIT {
        draft.make_room();
    }
    draft.into_trailers()
}

/// The trailers of a call that went well, within the limit.
fn success(status: Status) -> HeaderMap {
    let mut trailers = status.metadata.map_or_else(|| HeaderMap::with_capacity(1), |metadata| *metadata);
    trailers.insert(GRPC_STATUS, HeaderValue::from_static("0"));
    trailers
}

impl Status {
    /// The status as its peer gets it: what does not fit into trailers is left out.
    pub(crate) fn fitted(self) -> Self {
        if self.fits() {
            return self;
        }
        let (code, source) = (self.code, self.source.clone());
        let mut fitted = from_trailers(into_trailers(self)).unwrap_or_else(|| Self::new(code, ""));
        fitted.source = source;
        fitted
    }

    /// Whether it surely fits: percent-encoded a byte of the message takes three, and Arrow's copy of the message has
    /// been counted with the metadata.
    fn fits(&self) -> bool {
        let metadata: usize = self.metadata().iter().map(|(name, value)| cost(name, value.len())).sum();
        // Where there is Arrow's copy of the message, that is the one that is sent.
        let arrow = self.metadata().get(ARROW_MESSAGE).map_or(0, HeaderValue::len);
        let message = cost(&GRPC_MESSAGE, 3 * self.message.len().max(arrow));
        metadata + cost(&GRPC_STATUS, 2) + message <= TRAILERS_LIMIT
    }
}

/// The status that trailers hold; `None` where there is no `grpc-status`.
pub(crate) fn from_trailers(mut trailers: HeaderMap) -> Option<Status> {
    let code = trailers.remove(GRPC_STATUS)?;
    let message = trailers.remove(GRPC_MESSAGE);
    let message = message
        .as_ref()
        .map_or_else(String::new, |message| percent_decode(message.as_bytes()).decode_utf8_lossy().into_owned());
    let known = code.to_str().ok().and_then(|code| Code::from_number(code.parse().ok()?));
    let status = match known {
        Some(code) => Status::new(code, message),
        None => {
            Status::new(Code::Unknown, format!("the peer responded with the unknown grpc-status {code:?}: {message}"))
        }
    };
    Some(status.with_metadata(trailers))
}

/// A status on its way into trailers.
struct Draft {
    code: Code,
    /// What the application said, without the name of Flight's code.
    message: String,
    detail: Option<String>,
    /// Whether the message also goes out as Arrow's.
    is_arrow: bool,
    /// What had to be left out.
    note: String,
    metadata: HeaderMap,
}

impl Draft {
    fn new(mut status: Status) -> Self {
        let text = |name| {
            let value = first_binary_metadata(status.metadata(), name)?.ok()?;
            String::from_utf8(value.to_vec()).ok()
        };
        let (arrow, detail) = (text(ARROW_MESSAGE), text(ARROW_DETAIL));
        let is_arrow = arrow.is_some();
        let message = arrow.unwrap_or_else(|| std::mem::take(&mut status.message));
        Self {
            code: status.code,
            message,
            detail,
            is_arrow,
            note: String::new(),
            metadata: status.metadata.map(|metadata| *metadata).unwrap_or_default(),
        }
    }

    /// What all trailers cost if the message is cut to this one.
    fn cost(&self, message: &str) -> usize {
        let others = self.metadata.iter().filter(|(name, _)| *name != ARROW_MESSAGE);
        let others: usize = others.map(|(name, value)| cost(name, value.len())).sum();
        let full = self.full_message(message);
        let encoded = utf8_percent_encode(&with_detail(&full, self.detail.as_deref()), ENCODED).map(str::len).sum();
        let arrow = self.is_arrow.then(|| cost(ARROW_MESSAGE, full.len().div_ceil(3) * 4));
        others + cost(&GRPC_STATUS, 2) + cost(&GRPC_MESSAGE, encoded) + arrow.unwrap_or(0)
    }

    fn full_message(&self, message: &str) -> String {
        format!("{message}{}", self.note)
    }

    fn make_room(&mut self) {
        let floor = cut(&self.message, MESSAGE_FLOOR).to_owned();
        if self.cost(&floor) > TRAILERS_LIMIT {
            let own = self.metadata.iter().filter(|(name, _)| !KEPT.contains(&name.as_str()));
            let own: usize = own.map(|(name, value)| cost(name, value.len())).sum();
            let extra_info = self.metadata.get(EXTRA_INFO).map_or(0, HeaderValue::len);
            if own > extra_info {
                self.drop_metadata();
            } else {
                self.drop_extra_info();
            }
        }
        if self.cost(&floor) > TRAILERS_LIMIT {
            self.drop_metadata();
            self.drop_extra_info();
        }
        self.cut_message();
    }

    fn cut_message(&mut self) {
        if self.cost(&self.message) <= TRAILERS_LIMIT {
            return;
        }
        self.note.insert_str(0, " [cut]");
        let mut kept = cut(&self.message, TRAILERS_LIMIT);
        while self.cost(kept) > TRAILERS_LIMIT && !kept.is_empty() {
            // Small steps, so that most of what fits is kept.
            kept = cut(kept, kept.len() - kept.len().div_ceil(16));
        }
        self.message = kept.to_owned();
    }

    fn drop_extra_info(&mut self) {
        if let Some(extra_info) = self.metadata.remove(EXTRA_INFO) {
            let size = extra_info.len() / 4 * 3;
            self.note.push_str(&format!(" [extra_info of about {size} bytes left out: it does not fit the trailers]"));
        }
    }

    fn drop_metadata(&mut self) {
        let all = self.metadata.len();
        for name in self.metadata.keys().cloned().collect::<Vec<_>>() {
            if !KEPT.contains(&name.as_str()) {
                self.metadata.remove(name);
            }
        }
        let lost = all - self.metadata.len();
        if lost > 0 {
            self.note.push_str(&format!(" [{lost} trailers left out: they do not fit]"));
        }
    }

    fn into_trailers(self) -> HeaderMap {
        let full = self.full_message(&self.message);
        let message = with_detail(&full, self.detail.as_deref());
        let mut trailers = self.metadata;
        trailers.insert(GRPC_STATUS, u16::from(self.code.number()).into());
        if !message.is_empty() {
            trailers.insert(GRPC_MESSAGE, encode(&message));
        }
        if self.is_arrow {
            trailers.insert(ARROW_MESSAGE, binary_metadata_text(full.as_bytes()));
        }
        trailers
    }
}

fn cost(name: &(impl AsRef<str> + ?Sized), value: usize) -> usize {
    name.as_ref().len() + value + HEADER_COST
}

/// The longest beginning of at most `length` bytes that ends between characters.
fn cut(text: &str, length: usize) -> &str {
    let mut end = length.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn encode(message: &str) -> HeaderValue {
    let encoded = utf8_percent_encode(message, ENCODED).to_string();
    HeaderValue::try_from(encoded).unwrap_or_else(|_| HeaderValue::from_static("a message that cannot be sent"))
}
