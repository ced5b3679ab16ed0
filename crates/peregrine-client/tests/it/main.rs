//! The client through its public API, against the testkit's services.

mod codec_options;
mod connecting;
mod layer_edges;
mod layers;
mod locations;
mod wait_for_available;
