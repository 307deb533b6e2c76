//! Black-box API tests as data: a file of steps, each a request, what must come back, and the
//! journal rows that must have been written. Not for tests that look inside a process.

mod compare;
mod file;
mod run;
mod substitute;
mod yaml;

pub use file::{Expectation, Request, Scenario, Step};
pub use run::{Engine, Outcome, Suite, run_folder, run_scenario};
pub use yaml::parse as parse_yaml;
