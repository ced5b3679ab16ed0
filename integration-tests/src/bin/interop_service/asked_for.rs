//! What callers ask of every handler: an error by its name, and their headers back.

use std::collections::BTreeSet;

use integration_tests::error;
use peregrine::proto::FlightError;
use peregrine::server::ServerCallContext;

/// The error of this name.
pub(crate) fn raise(name: &str) -> FlightError {
    error(name).unwrap_or_else(|| FlightError::invalid_argument(format!("no error is named {name:?}")))
}

/// Sends each header that asks for it back, as a header and as a trailer.
pub(crate) fn echo_headers(context: &ServerCallContext) -> Result<(), FlightError> {
    let names: BTreeSet<&str> = context.request_headers().keys().map(|name| name.as_str()).collect();
    for name in names {
        let Some(rest) = name.strip_prefix("x-echo-") else { continue };
        for value in context.request_header(name)? {
            context.add_header(name, &value)?;
            context.add_trailer(&format!("x-trailer-{rest}"), &value)?;
        }
    }
    Ok(())
}
