//! DoPut and DoExchange: complete, cut, slow, blocked, dropped, ended early, and the two halves of one call.

mod blocked;
mod cut_uploads;
mod drops;
mod early_ends;
mod halves;
mod slow_uploads;
mod upload_ends;
mod upload_messages;
