//! A status as trailers, within the 8 KiB that every peer takes, and back.

use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode, utf8_percent_encode};

use super::table::{ARROW_DETAIL, ARROW_MESSAGE, EXTRA_INFO, with_detail};
use super::{Code, Status};
use crate::metadata::{binary_text, binary_value};

pub(crate) const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// What gRPC wants encoded in `grpc-message`: all but printable ASCII, and the percent sign itself.
const ENCODED: &AsciiSet = &CONTROLS.add(b'%');

/// All trailers together stay under this, counted as HTTP/2 counts them: grpc-core refuses more by default.
const TRAILERS_LIMIT: usize = 8 << 10;
/// HTTP/2 counts so much for each header beside its name and value.
const HEADER_COST: usize = 32;
/// A message is not cut below this many bytes to make room for `extra_info`.
const MESSAGE_FLOOR: usize = 512;

/// The trailers of a status, within the limit: the message is cut where it must be, then `extra_info` and at last the
/// application's own trailers are left out, and the message says so.
pub(crate) fn into_trailers(status: Status) -> HeaderMap {
    let mut draft = Draft::new(status);
    if draft.cost() > TRAILERS_LIMIT {
        draft.cut_message();
    }
    if draft.cost() > TRAILERS_LIMIT {
        draft.drop_extra_info();
    }
    if draft.cost() > TRAILERS_LIMIT {
        draft.drop_metadata();
    }
    draft.into_trailers()
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
            Status::new(Code::Unknown, format!("the peer answered with the unknown grpc-status {code:?}: {message}"))
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
            let value = binary_value(&status.metadata, name)?.ok()?;
            String::from_utf8(value.to_vec()).ok()
        };
        let (arrow, detail) = (text(ARROW_MESSAGE), text(ARROW_DETAIL));
        let is_arrow = arrow.is_some();
        let message = arrow.unwrap_or_else(|| std::mem::take(&mut status.message));
        Self { code: status.code, message, detail, is_arrow, note: String::new(), metadata: *status.metadata }
    }

    fn cost(&self) -> usize {
        let others = self.metadata.iter().filter(|(name, _)| *name != ARROW_MESSAGE);
        let others: usize = others.map(|(name, value)| name.as_str().len() + value.len() + HEADER_COST).sum();
        let status = GRPC_STATUS.as_str().len() + 2 + HEADER_COST;
        let message = GRPC_MESSAGE.as_str().len() + HEADER_COST + encode(&self.grpc_message()).len();
        let arrow = ARROW_MESSAGE.len() + HEADER_COST + self.full_message().len().div_ceil(3) * 4;
        others + status + message + if self.is_arrow { arrow } else { 0 }
    }

    fn full_message(&self) -> String {
        format!("{}{}", self.message, self.note)
    }

    fn grpc_message(&self) -> String {
        with_detail(&self.full_message(), self.detail.as_deref())
    }

    fn cut_message(&mut self) {
        const MARK: &str = " [cut]";
        while self.cost() > TRAILERS_LIMIT && self.message.len() > MESSAGE_FLOOR {
            if !self.note.starts_with(MARK) {
                self.note.insert_str(0, MARK);
            }
            // Small steps, so that most of what fits is kept.
            let end = self.message.len() - (self.message.len() / 16).max(1);
            let end = (0..=end).rev().find(|end| self.message.is_char_boundary(*end)).unwrap_or(0);
            self.message.truncate(end);
        }
    }

    fn drop_extra_info(&mut self) {
        let Some(extra_info) = self.metadata.remove(EXTRA_INFO) else { return };
        let size = extra_info.len() / 4 * 3;
        self.note.push_str(&format!(" [extra_info of about {size} bytes left out: it does not fit into the trailers]"));
    }

    fn drop_metadata(&mut self) {
        let kept = [super::table::ARROW_STATUS, ARROW_MESSAGE, ARROW_DETAIL, EXTRA_INFO];
        let all = self.metadata.len();
        let own = self.metadata.drain().filter_map(|(name, value)| {
            let name = name.filter(|name| kept.contains(&name.as_str()))?;
            Some((name, value))
        });
        self.metadata = own.collect();
        let lost = all - self.metadata.len();
        self.note.push_str(&format!(" [{lost} trailers left out: they do not fit]"));
    }

    fn into_trailers(self) -> HeaderMap {
        let (full, message) = (self.full_message(), self.grpc_message());
        let mut trailers = self.metadata;
        trailers.insert(GRPC_STATUS, u16::from(self.code.number()).into());
        if !message.is_empty() {
            trailers.insert(GRPC_MESSAGE, encode(&message));
        }
        if self.is_arrow {
            trailers.insert(ARROW_MESSAGE, binary_text(full.as_bytes()));
        }
        trailers
    }
}

fn encode(message: &str) -> HeaderValue {
    let encoded = utf8_percent_encode(message, ENCODED).to_string();
    HeaderValue::try_from(encoded).unwrap_or_else(|_| HeaderValue::from_static("a message that cannot be sent"))
}
