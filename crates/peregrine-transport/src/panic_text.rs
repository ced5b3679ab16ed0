//! The text of a panic.

use std::any::Any;

/// What a panic said; a fixed text where it said nothing readable. For logs: a peer gets none of it. For the crates of
/// this workspace.
pub fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let string = || panic.downcast_ref::<String>().map(String::as_str);
    panic.downcast_ref::<&str>().copied().or_else(string).unwrap_or("(not a string)")
}
