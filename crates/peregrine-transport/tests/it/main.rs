//! The transport through its public API, against itself and against hostile peers made of bare HTTP/2.

mod again;
mod cancel;
mod client_edges;
mod closing;
mod deadlines;
mod embedded;
mod flow;
mod lifecycle;
mod limits;
mod listeners;
mod mounts;
mod observers;
mod pair;
mod raw;
mod reconnect;
mod server_edges;
mod shared;
mod wire;
