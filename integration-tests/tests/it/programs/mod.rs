//! The conformance programs and what they consist of: official scenarios and pyarrow's tests.

mod ported;
mod scenario_lies;
mod scenario_programs;
mod scenarios;
