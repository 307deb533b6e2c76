//! Serves the catalog.

carnet::allocator!();

fn main() -> std::process::ExitCode {
    catalog::app().build().main()
}
