//! The loop: changes the seeds, and inputs to which something new happened, and runs them.

use std::collections::HashSet;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use fuzz::{Outcome, Target};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::counting::peak_of;
use crate::record::Record;

/// What one input may take. No valid seed takes a tenth of it; what a peer only states would take more.
const MEMORY: usize = 32 << 20;
/// Of the clock on the wall, as others may use the machine.
const TIME: Duration = Duration::from_secs(10);
/// Inputs to which something new happened are kept up to this number.
const KEPT: usize = 5_000;

/// One target, its inputs so far, and what became of them.
pub(crate) struct Trial {
    target: &'static Target,
    random: SmallRng,
    inputs: Vec<Vec<u8>>,
    notes: HashSet<u64>,
    record: Option<Record>,
    executions: u64,
    accepted: u64,
    slowest: Duration,
    largest: usize,
}

impl Trial {
    pub(crate) fn new(target: &'static Target, seed: u64, record: Option<&Path>) -> Result<Self> {
        // Also a panic that somebody would catch is one.
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            print(panic);
            std::process::abort();
        }));
        Ok(Self {
            target,
            random: SmallRng::seed_from_u64(seed),
            inputs: (target.seeds)(),
            notes: HashSet::new(),
            record: record.map(Record::create).transpose()?,
            executions: 0,
            accepted: 0,
            slowest: Duration::ZERO,
            largest: 0,
        })
    }

    /// Runs the seeds, and then changes of inputs until so many seconds of processor time are gone.
    ///
    /// # Errors
    /// If an input takes too much time or memory. What else is wrong with one ends the process.
    pub(crate) fn run(&mut self, seconds: u64) -> Result<()> {
        let start = Instant::now();
        for place in 0..self.inputs.len() {
            let outcome = self.execute(&self.inputs[place].clone())?;
            self.notes.extend(outcome.notes);
        }
        let mut said = Instant::now();
        loop {
            let input = self.next_input();
            let outcome = self.execute(&input)?;
            let known = self.notes.len();
            self.notes.extend(outcome.notes);
            if self.notes.len() > known && self.inputs.len() < KEPT {
                self.inputs.push(input);
            }
            if self.executions.is_multiple_of(1024) || said.elapsed() > Duration::from_secs(1) {
                let used = processor_time().unwrap_or_else(|| start.elapsed());
                if said.elapsed() > Duration::from_secs(1) || used.as_secs() >= seconds {
                    said = Instant::now();
                    println!("{}", self.summary(used));
                }
                if used.as_secs() >= seconds {
                    return Ok(());
                }
            }
        }
    }

    /// Runs one input.
    ///
    /// # Errors
    /// If it takes too much time or memory.
    pub(crate) fn execute(&mut self, input: &[u8]) -> Result<Outcome> {
        if let Some(record) = &mut self.record {
            record.write(input)?;
        }
        let start = Instant::now();
        let (outcome, peak) = peak_of(|| (self.target.run)(input));
        let took = start.elapsed();
        ensure!(peak <= MEMORY, "an input of {} bytes took {peak} bytes of memory", input.len());
        ensure!(took <= TIME, "an input of {} bytes took {} ms", input.len(), took.as_millis());
        self.executions += 1;
        self.accepted += u64::from(outcome.accepted);
        self.slowest = self.slowest.max(took);
        // The first ones set up what the others share.
        self.largest = self.largest.max(if self.executions > 1 { peak } else { 0 });
        Ok(outcome)
    }

    fn next_input(&mut self) -> Vec<u8> {
        let count = self.inputs.len();
        let mut input = self.inputs[self.random.random_range(0..count)].clone();
        let other = &self.inputs[self.random.random_range(0..count)];
        (self.target.mutate)(&mut input, other, &mut self.random);
        input
    }

    fn summary(&self, used: Duration) -> String {
        format!(
            "{:.1} s, {} executions, {} accepted, {} inputs kept, slowest {} ms, most memory {} KiB",
            used.as_secs_f64(),
            self.executions,
            self.accepted,
            self.inputs.len(),
            self.slowest.as_millis(),
            self.largest >> 10,
        )
    }
}

/// What all threads of this process used, in steps of 10 ms; `None` where the system does not report it.
fn processor_time() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // User and system time are the 14th and 15th field; the second one, the name, stands in brackets and may hold spaces.
    let ticks = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11).take(2);
    let ticks = ticks.map(|ticks| ticks.parse::<u64>().ok()).sum::<Option<u64>>()?;
    Some(Duration::from_millis(ticks * 10))
}
