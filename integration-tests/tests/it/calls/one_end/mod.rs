//! Every call begins once and ends once at each end, however it ends: stages that record what they see of it tell.

mod calls_at_once;
mod calls_made_again;
mod cancelled_calls;
mod embedded_calls;
mod ended_at_deadlines;
mod every_rpc;
mod failed_calls;
mod refused_calls;
