//! The settings of section `client`.

use carnet_kernel::{ByteSize, Period};
use serde::{Deserialize, Serialize};

/// Section `client`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How long one exchange may take, from the first byte sent to the last one read.
    pub timeout: Period,
    /// How long connecting may take.
    pub connect_timeout: Period,
    /// The largest answer.
    pub answer_limit: ByteSize,
    /// How many redirects are followed.
    pub redirects: u8,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            timeout: Period::seconds(10),
            connect_timeout: Period::seconds(3),
            answer_limit: ByteSize(10 << 20),
            redirects: 5,
        }
    }
}
