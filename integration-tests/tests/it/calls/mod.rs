//! One RPC or what holds for all of them: data, errors and metadata both ways, and ends that one side wants.

mod cancel;
mod closing;
mod concurrency;
mod deadlines;
mod defined_actions;
mod do_get;
mod do_put;
mod forwarding;
mod memory_service;
mod metadata;
mod one_end;
mod transports;
