//! The passport application: definitions and first data on the platform, nothing else.

use carnet::prelude::*;

carnet::allocator!();

fn main() -> ExitCode {
    Platform::builder()
        .name("passport")
        .version(env!("CARGO_PKG_VERSION"))
        .definitions(carnet::embed!("definitions"))
        .seeds(carnet::embed!("seeds"))
        .build()
        .main()
}
