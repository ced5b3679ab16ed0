//! How long a channel waits after a connection that failed, before it makes the next one.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// Each pause is so many times the one before.
const FACTOR: f64 = 1.6;
/// A pause is off by at most this part of it, at random: clients that lost one server must not come back all at once.
const JITTER: f64 = 0.2;

/// The pauses between attempts to connect, while they fail: each 1.6 times the one before up to a limit, and each off by
/// up to a fifth of itself at random. A connection that speaks HTTP/2 puts them back to the first.
///
/// ```
/// use std::time::Duration;
///
/// use peregrine_transport::Backoff;
///
/// let backoff = Backoff { initial: Duration::from_millis(100), max: Duration::from_secs(10) };
/// assert!((80..=120).contains(&backoff.pause(1).as_millis()));
/// assert!((128..=192).contains(&backoff.pause(2).as_millis()));
/// assert!((8..=12).contains(&backoff.pause(1000).as_secs()));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backoff {
    /// The pause after the first failure, counted from the start of the attempt. 100 ms; with zero there is no pause at
    /// all.
    pub initial: Duration,
    /// What no pause grows over, but for its random part. So long a server that is back may go unnoticed. 10 s.
    pub max: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { initial: Duration::from_millis(100), max: Duration::from_secs(10) }
    }
}

impl Backoff {
    /// The pause after so many failures in a row, its random part included.
    pub fn pause(&self, failures: u32) -> Duration {
        // 53 random bits are a fraction.
        let random = (RandomState::new().hash_one(()) >> 11) as f64 / (1_u64 << 53) as f64;
        self.pause_with(failures, random)
    }

    /// The pause with a random fraction of 0 to 1.
    fn pause_with(&self, failures: u32, random: f64) -> Duration {
        // A hundred steps take a nanosecond beyond any limit; many more are infinite.
        let steps = failures.saturating_sub(1).min(100) as i32;
        let exact = (self.initial.as_secs_f64() * FACTOR.powi(steps)).min(self.max.as_secs_f64());
        let seconds = exact * (1.0 - JITTER + 2.0 * JITTER * random);
        Duration::try_from_secs_f64(seconds).unwrap_or(self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff { initial: Duration::from_millis(100), max: Duration::from_secs(1) };

    #[test]
    fn pauses_grow_to_their_limit() {
        let pauses: Vec<u128> = (1..8).map(|failures| BACKOFF.pause_with(failures, 0.5).as_millis()).collect();
        assert_eq!(pauses, [100, 160, 256, 409, 655, 1000, 1000]);
    }

    #[test]
    fn the_random_part_is_a_fifth_either_way() {
        assert_eq!(BACKOFF.pause_with(1, 0.0).as_millis(), 80);
        assert_eq!(BACKOFF.pause_with(1, 1.0).as_millis(), 120);
        let pauses: Vec<Duration> = (0..100).map(|_| BACKOFF.pause(1)).collect();
        assert!(pauses.iter().any(|pause| *pause != pauses[0]), "all pauses are the same: {pauses:?}");
    }

    #[test]
    fn extremes_neither_panic_nor_overflow() {
        let longest = Backoff { initial: Duration::MAX, max: Duration::MAX };
        assert!(longest.pause(u32::MAX) >= Duration::MAX / 2);
        let none = Backoff { initial: Duration::ZERO, max: Duration::MAX };
        assert_eq!(none.pause(u32::MAX), Duration::ZERO);
    }
}
