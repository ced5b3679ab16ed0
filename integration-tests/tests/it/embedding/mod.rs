//! Flight beside the services of others.

mod embedded;
pub(crate) mod mounted;
mod mounted_auth;
