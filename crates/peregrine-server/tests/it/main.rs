//! The server through its public API, called by the testkit's client.

mod concurrency_limit;
mod do_action;
mod do_exchange;
mod do_get_breaks;
mod error_kinds;
mod handshake;
mod layers;
mod list_flights;
mod mounts;
mod shutdown;
mod unary;
mod unimplemented;
