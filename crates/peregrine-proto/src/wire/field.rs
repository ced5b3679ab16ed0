//! The numbers of the fields of `FlightData`.

pub(super) const DESCRIPTOR: u32 = 1;
pub(super) const DATA_HEADER: u32 = 2;
pub(super) const APP_METADATA: u32 = 3;
pub(super) const DATA_BODY: u32 = 1000;
