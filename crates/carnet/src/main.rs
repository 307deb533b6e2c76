//! The generic binary: the smallest application. Its definition comes with `--definitions`.

use carnet::prelude::*;

carnet::allocator!();

fn main() -> ExitCode {
    Platform::builder().build().main()
}
