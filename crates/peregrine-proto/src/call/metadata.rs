//! Metadata of calls: text headers, and binary ones whose names end in `-bin`.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::FlightError;

/// Writes without padding and reads with and without, as gRPC asks.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Names that gRPC and HTTP/2 keep for themselves, beside all that begin with `grpc-`.
const RESERVED: [&str; 9] = [
    "connection",
    "content-length",
    "content-type",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// Adds a value that the application gave. A name that ends in `-bin` takes any bytes; any other takes printable
/// ASCII. Names are lowercased; one name may have many values.
///
/// # Errors
/// [`InvalidArgument`](crate::FlightErrorKind::InvalidArgument), naming the key, if it is not a header's
/// name, is reserved (`grpc-*`, `content-type`, `te` and the like), or if the value cannot be sent.
///
/// ```
/// use http::HeaderMap;
/// use peregrine_proto::{append_metadata, metadata_values};
///
/// let mut headers = HeaderMap::new();
/// append_metadata(&mut headers, "Trace-bin", [0, 159, 146])?;
/// assert_eq!(metadata_values(&headers, "trace-bin")?, [&[0, 159, 146][..]]);
/// assert!(append_metadata(&mut headers, "grpc-timeout", "1S").is_err());
/// # Ok::<(), peregrine_proto::FlightError>(())
/// ```
pub fn append_metadata(headers: &mut HeaderMap, key: &str, value: impl AsRef<[u8]>) -> Result<(), FlightError> {
    let name = checked_name(key)?;
    let value = checked_value(&name, value.as_ref())?;
    headers.append(name, value);
    Ok(())
}

/// Sets a value in place of all that the name had; otherwise as [`append_metadata`].
///
/// # Errors
/// As [`append_metadata`].
pub fn insert_metadata(headers: &mut HeaderMap, key: &str, value: impl AsRef<[u8]>) -> Result<(), FlightError> {
    let name = checked_name(key)?;
    let value = checked_value(&name, value.as_ref())?;
    headers.insert(name, value);
    Ok(())
}

/// All values of a name, in their order, binary ones decoded. Binary values may be padded or not, and several may
/// have been joined with commas on the way.
///
/// # Errors
/// [`InvalidArgument`](crate::FlightErrorKind::InvalidArgument), naming the key, for a binary value that is
/// not base64.
pub fn metadata_values(headers: &HeaderMap, key: &str) -> Result<Vec<Bytes>, FlightError> {
    let key = key.to_ascii_lowercase();
    let mut values = Vec::new();
    for value in headers.get_all(key.as_str()) {
        if !is_binary(&key) {
            values.push(Bytes::copy_from_slice(value.as_bytes()));
            continue;
        }
        for piece in value.as_bytes().split(|byte| *byte == b',') {
            values.push(decode(&key, piece)?);
        }
    }
    Ok(values)
}

/// All names and values, binary values decoded; one that is not base64 comes as it is.
pub fn metadata_entries(headers: &HeaderMap) -> impl Iterator<Item = (&str, Bytes)> {
    headers.keys().flat_map(|name| {
        let name = name.as_str();
        let raw = || headers.get_all(name).iter().map(|value| Bytes::copy_from_slice(value.as_bytes())).collect();
        let values: Vec<Bytes> = metadata_values(headers, name).unwrap_or_else(|_| raw());
        values.into_iter().map(move |value| (name, value))
    })
}

/// The first value of a binary name. For the crates of this workspace.
pub fn first_binary_metadata(headers: &HeaderMap, name: &str) -> Option<Result<Bytes, FlightError>> {
    let value = headers.get(name)?.as_bytes();
    let first = value.split(|byte| *byte == b',').next().unwrap_or(value);
    Some(decode(name, first))
}

/// Bytes as the value of a binary name. For the crates of this workspace.
pub fn binary_metadata_text(value: &[u8]) -> HeaderValue {
    // Base64 is always a valid header value.
    HeaderValue::try_from(BASE64.encode(value)).unwrap_or_else(|_| HeaderValue::from_static(""))
}

fn is_binary(name: &str) -> bool {
    name.ends_with("-bin")
}

fn decode(key: &str, value: &[u8]) -> Result<Bytes, FlightError> {
    match BASE64.decode(value.trim_ascii()) {
        Ok(value) => Ok(value.into()),
        Err(error) => {
            let message = format!("a value of the header {key:?} is not base64: {error}");
            Err(FlightError::invalid_argument(message).with_source(error))
        }
    }
}

fn checked_name(key: &str) -> Result<HeaderName, FlightError> {
    let name = HeaderName::try_from(key)
        .map_err(|_| FlightError::invalid_argument(format!("{key:?} cannot be the name of a header")))?;
    if name.as_str().starts_with("grpc-") || RESERVED.contains(&name.as_str()) {
        return Err(FlightError::invalid_argument(format!("the header {key:?} is reserved")));
    }
    Ok(name)
}

fn checked_value(name: &HeaderName, value: &[u8]) -> Result<HeaderValue, FlightError> {
    if is_binary(name.as_str()) {
        return Ok(binary_metadata_text(value));
    }
    let is_text = value.iter().all(|byte| matches!(byte, 0x20..=0x7e));
    match HeaderValue::from_bytes(value) {
        Ok(value) if is_text => Ok(value),
        _ => {
            let message = format!(
                "the value of the header {:?} is not printable ASCII: a name that ends in -bin takes any bytes",
                name.as_str()
            );
            Err(FlightError::invalid_argument(message))
        }
    }
}

#[cfg(test)]
mod tests;
