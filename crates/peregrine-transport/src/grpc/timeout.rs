//! Deadlines on the wire: the `grpc-timeout` header, both ways.

use std::time::Duration;

use tokio::time::Instant;

/// The header's value has at most this many digits.
const MAX_DIGITS: usize = 8;
const MAX_VALUE: u128 = 99_999_999;

/// Nanoseconds of each unit, finest first.
const UNITS: [(u8, u128); 6] = [
    (b'n', 1),
    (b'u', 1_000),
    (b'm', 1_000_000),
    (b'S', 1_000_000_000),
    (b'M', 60_000_000_000),
    (b'H', 3_600_000_000_000),
];

/// Reads a value of `grpc-timeout`: one to eight digits and a unit. `None` if it is anything else.
pub(crate) fn parse_timeout(value: &[u8]) -> Option<Duration> {
    let (unit, digits) = value.split_last()?;
    if digits.is_empty() || digits.len() > MAX_DIGITS || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = digits.iter().fold(0, |number, digit| number * 10 + u128::from(digit - b'0'));
    let (_, nanos) = UNITS.iter().find(|(name, _)| name == unit)?;
    let nanos = number * nanos;
    Some(Duration::new((nanos / 1_000_000_000) as u64, (nanos % 1_000_000_000) as u32))
}

/// Writes a value of `grpc-timeout` in the finest unit that holds it, rounded up, so that the peer never gives up
/// before this side does.
pub(crate) fn format_timeout(timeout: Duration) -> String {
    let nanos = timeout.as_nanos();
    let (unit, value) = UNITS
        .iter()
        .map(|(unit, per_unit)| (*unit, nanos.div_ceil(*per_unit)))
        .find(|(_, value)| *value <= MAX_VALUE)
        .unwrap_or((b'H', MAX_VALUE));
    format!("{value}{}", char::from(unit))
}

/// The point in time that a timeout from now means; `None` if it is too far away to be one.
pub(crate) fn deadline_after(timeout: Duration) -> Option<std::time::Instant> {
    Instant::now().checked_add(timeout).map(Instant::into_std)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_read() {
        let cases = [
            ("7n", Duration::from_nanos(7)),
            ("7u", Duration::from_micros(7)),
            ("7m", Duration::from_millis(7)),
            ("7S", Duration::from_secs(7)),
            ("7M", Duration::from_secs(7 * 60)),
            ("7H", Duration::from_secs(7 * 3600)),
            ("0n", Duration::ZERO),
            ("00000001S", Duration::from_secs(1)),
            ("99999999H", Duration::from_secs(99_999_999 * 3600)),
        ];
        for (text, duration) in cases {
            assert_eq!(parse_timeout(text.as_bytes()), Some(duration), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "S", "1", "1s", "1h", "123456789S", "-1S", "+1S", "1.5S", " 1S", "1S ", "0x1S", "１S"] {
            assert_eq!(parse_timeout(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn the_finest_unit_that_fits_is_written_and_rounded_up() {
        let cases = [
            (Duration::ZERO, "0n"),
            (Duration::from_nanos(99_999_999), "99999999n"),
            (Duration::from_nanos(100_000_001), "100001u"),
            (Duration::from_secs(100), "100000m"),
            (Duration::from_secs(100_000), "100000S"),
            (Duration::from_secs(100_000_000), "1666667M"),
            (Duration::from_secs(6_000_000_000), "1666667H"),
            (Duration::MAX, "99999999H"),
        ];
        for (duration, text) in cases {
            assert_eq!(format_timeout(duration), text);
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_as_no_less(nanos in 0..u64::MAX) {
            let duration = Duration::from_nanos(nanos);
            let read = parse_timeout(format_timeout(duration).as_bytes()).unwrap();
            proptest::prop_assert!(read >= duration);
            proptest::prop_assert!(read.as_secs_f64() <= duration.as_secs_f64() * 1.0001 + 1e-7);
        }
    }
}
