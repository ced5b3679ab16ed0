//! What the tests share: bare peers, and uploads to test with.

pub(crate) mod bare_http;
pub(crate) mod bare_peer;
pub(crate) mod marked;
pub(crate) mod recorded;
pub(crate) mod recorder;
pub(crate) mod stuck;
pub(crate) mod uploads;
pub(crate) mod watched_uploads;
