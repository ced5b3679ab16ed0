//! The server: connections, their requests, and what is sent in response.

pub(crate) mod accept;
pub(crate) mod accepted;
pub(crate) mod call_service;
pub(crate) mod connection_service;
pub(crate) mod control;
pub(crate) mod embed;
pub(crate) mod http_service;
pub(crate) mod incoming_body;
pub(crate) mod incoming_call;
pub(crate) mod mount;
pub(crate) mod reply;
pub(crate) mod response_body;
pub(crate) mod router;
pub(crate) mod serve;
pub(crate) mod serve_config;
