//! The streams of calls through their public API, between the testkit's two ends.

mod backpressure;
mod do_get_metadata;
mod sharing;
mod splitting;
