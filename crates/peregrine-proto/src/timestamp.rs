//! A point in time as the protocol has it: seconds and nanoseconds since 1970, the same on every platform.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::FlightError;

const NANOS_PER_SECOND: u32 = 1_000_000_000;

/// A point in time, to the nanosecond. `SystemTime` is coarser on some platforms, so that a time that came from a
/// peer would not go back to it unchanged.
///
/// ```
/// use peregrine_proto::Timestamp;
///
/// let time = Timestamp::new(1_767_323_045, 6).unwrap();
/// assert_eq!(time.to_string(), "2026-01-02T03:04:05.000000006Z");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    seconds: i64,
    nanos: u32,
}

impl Timestamp {
    /// Seconds since 1970-01-01T00:00:00Z, negative before it, and nanoseconds that count forward from there.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::FlightErrorKind::InvalidArgument) if `nanos` is a second or more.
    pub fn new(seconds: i64, nanos: u32) -> Result<Self, FlightError> {
        if nanos >= NANOS_PER_SECOND {
            return Err(FlightError::invalid_argument(format!("a timestamp of {nanos} ns within its second")));
        }
        Ok(Self { seconds, nanos })
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    pub fn seconds(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds since the last whole second, below 10^9.
    pub fn nanos(self) -> u32 {
        self.nanos
    }

    /// The platform's form of it; `None` if it cannot hold it.
    pub fn to_system_time(self) -> Option<SystemTime> {
        let seconds = Duration::from_secs(self.seconds.unsigned_abs());
        let whole = if self.seconds < 0 { UNIX_EPOCH.checked_sub(seconds) } else { UNIX_EPOCH.checked_add(seconds) };
        whole?.checked_add(Duration::from_nanos(self.nanos.into()))
    }

    pub(crate) fn to_generated(self) -> prost_types::Timestamp {
        prost_types::Timestamp { seconds: self.seconds, nanos: self.nanos as i32 }
    }

    pub(crate) fn from_generated(field: &str, time: prost_types::Timestamp) -> Result<Self, FlightError> {
        u32::try_from(time.nanos)
            .ok()
            .and_then(|nanos| Self::new(time.seconds, nanos).ok())
            .ok_or_else(|| FlightError::invalid_argument(format!("{field} has {} ns within its second", time.nanos)))
    }
}

impl From<SystemTime> for Timestamp {
    /// Times out of the range of 64-bit seconds, which no clock shows, become the first or the last of it.
    fn from(time: SystemTime) -> Self {
        match time.duration_since(UNIX_EPOCH) {
            Ok(after) => {
                Self { seconds: i64::try_from(after.as_secs()).unwrap_or(i64::MAX), nanos: after.subsec_nanos() }
            }
            Err(error) => {
                let before = error.duration();
                let (carry, nanos) = match before.subsec_nanos() {
                    0 => (0, 0),
                    nanos => (1, NANOS_PER_SECOND - nanos),
                };
                let seconds = i64::try_from(before.as_secs()).map_or(i64::MIN, |seconds| -seconds - carry);
                Self { seconds, nanos }
            }
        }
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339, UTC, with as many digits of the fraction as there are: none, or nine.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, second) = (self.seconds.div_euclid(86_400), self.seconds.rem_euclid(86_400));
        let (year, month, day) = civil_date(days);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if self.nanos != 0 {
            write!(f, ".{:09}", self.nanos)?;
        }
        f.write_str("Z")
    }
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar carried on in both directions.
/// It counts from 1 March, so that the leap day is the last of its year, in eras of 400 years, all of one length.
fn civil_date(days: i64) -> (i64, i64, i64) {
    const DAYS_PER_ERA: i64 = 146_097;
    let since_march_0000 = days + 719_468;
    let era = since_march_0000.div_euclid(DAYS_PER_ERA);
    let day_of_era = since_march_0000.rem_euclid(DAYS_PER_ERA);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_rfc_3339() {
        for (seconds, nanos, text) in [
            (0, 0, "1970-01-01T00:00:00Z"),
            (-1, 999_999_999, "1969-12-31T23:59:59.999999999Z"),
            (951_827_696, 0, "2000-02-29T12:34:56Z"),
            (4_107_542_399, 0, "2100-02-28T23:59:59Z"),
            (4_107_542_400, 0, "2100-03-01T00:00:00Z"),
            (-62_135_596_800, 0, "0001-01-01T00:00:00Z"),
            (253_402_300_799, 1, "9999-12-31T23:59:59.000000001Z"),
        ] {
            assert_eq!(Timestamp::new(seconds, nanos).unwrap().to_string(), text);
        }
        for seconds in [i64::MIN, i64::MAX] {
            assert!(Timestamp::new(seconds, 0).unwrap().to_string().ends_with('Z'));
        }
    }

    #[test]
    fn goes_to_the_platforms_time_and_back() {
        for (seconds, nanos) in [(0, 0), (1_767_323_045, 6), (-1, 1), (-5, 0), (-1, 999_999_999)] {
            let time = Timestamp::new(seconds, nanos).unwrap();
            assert_eq!(Timestamp::from(time.to_system_time().unwrap()), time);
        }
    }

    #[test]
    fn refuses_nanoseconds_that_are_a_second() {
        assert!(Timestamp::new(0, NANOS_PER_SECOND).is_err());
        for nanos in [-1, NANOS_PER_SECOND as i32] {
            let error = Timestamp::from_generated(
                "FlightEndpoint.expiration_time",
                prost_types::Timestamp { seconds: 0, nanos },
            )
            .unwrap_err();
            assert!(error.message().contains("FlightEndpoint.expiration_time"));
        }
    }
}
