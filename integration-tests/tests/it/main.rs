//! The integration tests, one module an RPC or a theme: everything here goes through the API that users have, and
//! where a peer must misbehave, through bare gRPC or bare HTTP/2.

mod backpressure;
mod bare_http;
mod bare_peer;
mod broken_connections;
mod cancel;
mod codec_options;
mod concurrency;
mod connecting;
mod deadlines;
mod defined_actions;
mod do_action;
mod do_exchange;
mod do_get;
mod do_get_breaks;
mod do_get_metadata;
mod do_put;
mod error_kinds;
mod forged;
mod handshake;
mod hostile_clients;
mod hostile_servers;
mod list_flights;
mod metadata;
mod one_copy;
mod one_rpc;
mod scenario_programs;
mod scenarios;
mod sharing;
mod shutdown;
mod splitting;
mod transports;
mod unary;
mod unimplemented;
mod waiting;
