//! What this process used: processor time and peak memory, as Linux tells it.

use std::fs;
use std::time::{Duration, Instant};

/// A moment, to measure from.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    at: Instant,
    cpu: Option<Duration>,
}

/// What happened since a moment.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    /// Time that passed.
    pub elapsed: Duration,
    /// Processor time of all threads, in steps of 10 ms; `None` where the system does not tell.
    pub cpu: Option<Duration>,
    /// The most memory that the process ever held, in bytes; `None` where the system does not tell.
    pub peak: Option<u64>,
}

impl Usage {
    /// Now.
    pub fn now() -> Self {
        Self { at: Instant::now(), cpu: cpu_time() }
    }

    /// From this moment until now.
    pub fn measure(&self) -> Measured {
        let elapsed = self.at.elapsed();
        let cpu = cpu_time().zip(self.cpu).map(|(now, then)| now.saturating_sub(then));
        Measured { elapsed, cpu, peak: peak_memory() }
    }
}

impl Measured {
    /// The line of JSON that the bench reads at the end of a process that moved `bytes` of column data.
    pub fn to_json(&self, bytes: usize) -> String {
        let number = |value: Option<f64>| value.map_or("null".to_owned(), |value| value.to_string());
        format!(
            r#"{{"bytes": {bytes}, "seconds": {}, "cpu_s": {}, "peak_mib": {}}}"#,
            self.elapsed.as_secs_f64(),
            number(self.cpu.map(|cpu| cpu.as_secs_f64())),
            number(self.peak.map(|peak| peak as f64 / (1 << 20) as f64)),
        )
    }
}

/// User and system time. The kernel counts in ticks, a hundred a second on every architecture.
fn cpu_time() -> Option<Duration> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The program's name stands in brackets and may hold spaces; utime and stime are the 14th and 15th field.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let ticks = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 10))
}

fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_at_least_what_was_touched() {
        let block = std::hint::black_box(vec![1_u8; 64 << 20]);
        let measured = Usage::now().measure();
        assert!(measured.peak.unwrap() > 64 << 20);
        assert!(measured.cpu.is_some());
        drop(block);
    }

    #[test]
    fn the_line_of_json() {
        let measured = Measured { elapsed: Duration::from_millis(1500), cpu: None, peak: Some(3 << 20) };
        assert_eq!(measured.to_json(7), r#"{"bytes": 7, "seconds": 1.5, "cpu_s": null, "peak_mib": 3}"#);
    }
}
