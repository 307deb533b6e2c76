//! Serves the shop.

carnet::allocator!();

fn main() -> std::process::ExitCode {
    shop::app().build().main()
}
