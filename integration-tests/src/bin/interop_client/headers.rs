//! Headers that the service sends back.

use anyhow::Result;
use peregrine::client::FlightCallOptions;

/// Names behind `x-echo-`, and values. One name has two.
pub(crate) const HEADERS: [(&str, &[u8]); 5] =
    [("text", b"one"), ("text", b"two"), ("odd", b"a,b; c=d  e"), ("raw-bin", b"\x00\x01\xfe\xff"), ("empty-bin", b"")];

/// Options that send each of the headers that the service sends back.
pub(crate) fn with_headers() -> Result<FlightCallOptions> {
    let mut options = FlightCallOptions::new();
    for (name, value) in HEADERS {
        options = options.with_header(&format!("x-echo-{name}"), value)?;
    }
    Ok(options)
}
