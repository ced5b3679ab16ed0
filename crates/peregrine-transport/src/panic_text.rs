//! The text of a panic.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a panic said; a fixed text where it said nothing readable. For logs: a peer gets none of it. For the crates of
/// this workspace.
pub fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let string = || panic.downcast_ref::<String>().map(String::as_str);
    panic.downcast_ref::<&str>().copied().or_else(string).unwrap_or("(not a string)")
}

/// Runs code of others, whose panic is logged and keeps nothing from those that come after it.
pub fn run_guarded(what: &str, code: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(code)) {
        tracing::error!(panic = panic_text(&*panic), "{what} panicked");
    }
}
