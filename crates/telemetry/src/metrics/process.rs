//! The figures of the process itself, read from `/proc` when they are asked for (Linux).
//! Elsewhere there are none.

use super::{Kind, Metric};
use std::fmt::Write as _;

pub(super) const METRICS: &[Metric] = &[
    Metric {
        name: "process_resident_memory_bytes",
        kind: Kind::Gauge,
        labels: &[],
        help: "Resident memory of the process in bytes.",
    },
    Metric {
        name: "process_cpu_seconds_total",
        kind: Kind::Counter,
        labels: &[],
        help: "Processor time used by the process, user and system, in seconds.",
    },
    Metric {
        name: "process_start_time_seconds",
        kind: Kind::Gauge,
        labels: &[],
        help: "When the process started, in seconds since 1970.",
    },
    Metric {
        name: "process_open_fds",
        kind: Kind::Gauge,
        labels: &[],
        help: "How many file descriptors are open.",
    },
];

/// `/proc` counts time in ticks of a hundredth of a second on every Linux (USER_HZ).
const TICKS: f64 = 100.0;

/// Appends the figures in the text format, each with its help and type.
pub(super) fn append(out: &mut String) {
    for (metric, value) in METRICS.iter().zip(sample()) {
        let Some(value) = value else { continue };
        let kind = match metric.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let name = metric.name;
        // INVARIANT: writing to a string cannot fail.
        let written = write!(
            out,
            "# HELP {name} {}\n# TYPE {name} {kind}\n{name} {value}\n\n",
            metric.help
        );
        debug_assert!(written.is_ok());
    }
}

/// The values in the order of [`METRICS`].
fn sample() -> [Option<f64>; 4] {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let stat = read("/proc/self/stat");
    let open = std::fs::read_dir("/proc/self/fd")
        .ok()
        // Reading the folder holds one descriptor itself.
        .map(|entries| entries.count().saturating_sub(1) as f64);
    [
        resident(&read("/proc/self/status")),
        processor_seconds(&stat),
        start_seconds(&stat, &read("/proc/stat")),
        open,
    ]
}

/// `VmRSS` of `/proc/self/status`, given there in kB.
fn resident(status: &str) -> Option<f64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1_024.0)
}

/// The field of `/proc/self/stat` with that number in proc(5). The second field is the program's
/// name in parentheses and may hold anything, so counting starts after the last parenthesis.
fn field(stat: &str, number: usize) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace()
        .nth(number.checked_sub(3)?)?
        .parse()
        .ok()
}

fn processor_seconds(stat: &str) -> Option<f64> {
    Some((field(stat, 14)? + field(stat, 15)?) / TICKS)
}

fn start_seconds(stat: &str, system: &str) -> Option<f64> {
    let boot: f64 = system
        .lines()
        .find_map(|line| line.strip_prefix("btime "))?
        .trim()
        .parse()
        .ok()?;
    Some(boot + field(stat, 22)? / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "42 (a) b) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 8 0 12345 999 888";

    #[test]
    fn fields_after_a_hostile_name() {
        assert_eq!(processor_seconds(STAT), Some(2.0));
        assert_eq!(start_seconds(STAT, "cpu 1\nbtime 1000\n"), Some(1_123.45));
        assert_eq!(
            resident("Name:\tx\nVmRSS:\t   2048 kB\n"),
            Some(2_097_152.0)
        );
    }

    #[test]
    fn what_cannot_be_read_is_left_out() {
        assert_eq!(processor_seconds(""), None);
        assert_eq!(processor_seconds("1 (x) S 1"), None);
        assert_eq!(start_seconds(STAT, ""), None);
        assert_eq!(resident("VmRSS: many"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_figures() {
        let mut text = String::new();
        append(&mut text);
        for metric in METRICS {
            assert!(text.contains(&format!("\n{} ", metric.name)), "{text}");
        }
    }
}
