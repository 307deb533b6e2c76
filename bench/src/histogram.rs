//! Latencies in buckets: about 1 % wide, from a microsecond to minutes, of constant size.

use std::time::Duration;

/// Buckets of one power of two.
const STEPS: u64 = 64;

/// How often each latency was seen.
#[derive(Clone, Debug)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
    max: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            counts: vec![0; 64 * STEPS as usize],
            total: 0,
            max: 0,
        }
    }
}

impl Histogram {
    /// Notes one latency.
    pub fn record(&mut self, took: Duration) {
        let micros = took.as_micros() as u64;
        if let Some(count) = self.counts.get_mut(bucket(micros)) {
            *count += 1;
        }
        self.total += 1;
        self.max = self.max.max(micros);
    }

    /// Adds what another one saw.
    pub fn merge(&mut self, other: &Self) {
        for (own, more) in self.counts.iter_mut().zip(&other.counts) {
            *own += more;
        }
        self.total += other.total;
        self.max = self.max.max(other.max);
    }

    /// The latency in microseconds that `share` (0 to 1) of all did not exceed.
    pub fn quantile(&self, share: f64) -> u64 {
        let wanted = (self.total as f64 * share).ceil() as u64;
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted && *count > 0 {
                return upper(index as u64).min(self.max);
            }
        }
        self.max
    }

    /// The largest latency in microseconds.
    pub fn max(&self) -> u64 {
        self.max
    }
}

fn bucket(micros: u64) -> usize {
    if micros < STEPS {
        return micros as usize;
    }
    let power = u64::from(micros.ilog2());
    let shift = power - u64::from(STEPS.ilog2());
    ((shift + 1) * STEPS + ((micros >> shift) - STEPS)) as usize
}

fn upper(index: u64) -> u64 {
    if index < STEPS {
        return index;
    }
    let shift = index / STEPS - 1;
    ((index % STEPS + STEPS + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_hold_what_falls_into_them() {
        for micros in (0..4_000).chain([65_535, 65_536, 1 << 30]) {
            let top = upper(bucket(micros) as u64);
            assert!(top >= micros, "{micros} {top}");
            assert!(top <= micros + micros / 32, "{micros} {top}");
        }
    }

    #[test]
    fn quantiles() {
        let mut histogram = Histogram::default();
        for micros in 1..=100 {
            histogram.record(Duration::from_micros(micros));
        }
        assert_eq!(histogram.quantile(0.5), 50);
        assert_eq!(histogram.quantile(0.99), 99);
        assert_eq!(histogram.quantile(1.0), 100);
    }
}
