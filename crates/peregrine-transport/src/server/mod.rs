//! The server: connections, their requests, and what is sent in response.

pub(crate) mod accept;
pub(crate) mod accepted;
pub(crate) mod call_service;
pub(crate) mod embed;
pub(crate) mod incoming_call;
pub(crate) mod mount;
pub(crate) mod native;
pub(crate) mod reply;
pub(crate) mod serve;
