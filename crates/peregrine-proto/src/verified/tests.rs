//! Headers and footers at the limits of the verifier.

use std::sync::Arc;

use arrow_ipc::FooterBuilder;
use arrow_schema::{DataType, Field, Fields, Schema as ArrowSchema};
use flatbuffers::FlatBufferBuilder;

use super::*;
use crate::schema::{MetadataVersion, encode_schema_header};

/// A header whose types nest this deep.
fn nested(levels: usize) -> bytes::Bytes {
    let field = |data_type| Arc::new(Field::new("f", data_type, true));
    let inside = |field_inside, _| field(DataType::List(field_inside));
    let fields: Fields = [(1..levels).fold(field(DataType::Int8), inside)].into_iter().collect();
    encode_schema_header(&ArrowSchema::new(fields), MetadataVersion::V5)
}

fn limits() -> MessageLimits {
    MessageLimits::default()
}

#[test]
fn a_message_is_verified_to_one_depth_whatever_the_limit_on_schemas() {
    let shallow = MessageLimits { schema_depth: 1, ..limits() };
    assert!(Verified::message(&nested(MAX_DEPTH), &shallow).is_ok());
    let error = Verified::message(&nested(MAX_DEPTH + 10), &shallow).unwrap_err();
    assert!(matches!(error, VerifyError::TooDeep { depth: 129, limit: 1 }), "{error}");
}

#[test]
fn lengths_are_limited_and_cuts_are_invalid() {
    let header = nested(2);
    let small = MessageLimits { header: header.len() - 1, ..limits() };
    let error = Verified::message(&header, &small).unwrap_err();
    assert!(matches!(error, VerifyError::TooLong { length, limit } if length == header.len() && limit == length - 1));
    assert!(matches!(Verified::footer(&header, &small).unwrap_err(), VerifyError::TooLong { .. }));
    for length in 0..header.len() - 8 {
        let error = Verified::message(&header[..length], &limits()).unwrap_err();
        assert!(matches!(error, VerifyError::Invalid { .. } | VerifyError::Unfolds { .. }), "{error}");
        assert!(error.source().is_some() && !error.to_string().contains('\n'));
    }
}

#[test]
fn a_footer_may_lack_a_schema() {
    let mut builder = FlatBufferBuilder::new();
    let footer = FooterBuilder::new(&mut builder).finish();
    builder.finish(footer, None);
    assert!(Verified::footer(builder.finished_data(), &limits()).unwrap().schema().is_none());
}
