//! The statistics of many rounds.

/// The median; for an even number of samples, the mean of the two in the middle.
pub fn median(samples: &[f64]) -> f64 {
    let sorted = sorted(samples);
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => (sorted[n / 2 - 1] + sorted[n / 2]) / 2.0,
    }
}

fn sorted(samples: &[f64]) -> Vec<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

pub fn minimum(samples: &[f64]) -> f64 {
    samples.iter().copied().fold(f64::INFINITY, f64::min)
}

/// The ratio of each round. A disturbance of a round affects both sides, so their ratio suffers
/// less.
pub fn ratios(ours: &[f64], theirs: &[f64]) -> Vec<f64> {
    assert_eq!(ours.len(), theirs.len(), "both sides have a sample of each round");
    ours.iter().zip(theirs).map(|(a, b)| a / b).collect()
}

/// The median of the ratios of all rounds.
pub fn ratio(ours: &[f64], theirs: &[f64]) -> f64 {
    median(&ratios(ours, theirs))
}

/// The largest number of rounds: [`interval`] starts from 2 to the power of minus that many, which
/// must fit an `f64`.
pub const MOST_ROUNDS: usize = 1000;

/// The 95 % confidence interval of the median, by the sign test: a round lies above the true median
/// or below it with even odds, if rounds do not depend on each other. `None` for fewer than six
/// rounds, which are too few.
///
/// The interval holds for this run. Another run may be disturbed in another way, and give another
/// one.
pub fn interval(rounds: &[f64]) -> Option<(f64, f64)> {
    let sorted = sorted(rounds);
    let n = sorted.len();
    assert!(n <= MOST_ROUNDS);
    // `tail` is the probability that at most `cut` rounds lie below the median.
    let mut cut = 0;
    let mut exactly = 0.5_f64.powi(n as i32);
    let mut tail = exactly;
    while 2.0 * tail <= 0.05 {
        cut += 1;
        exactly *= (n + 1 - cut) as f64 / cut as f64;
        tail += exactly;
    }
    // That many rounds may be left out at each end.
    (cut > 0).then(|| (sorted[cut - 1], sorted[n - cut]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_of_odd_and_even() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn an_interval_is_the_sign_tests() {
        // The ranks of the published table for 95 %, two-sided.
        for (n, low, high) in
            [(6, 1, 6), (8, 1, 8), (9, 2, 8), (11, 2, 10), (14, 3, 12), (25, 8, 18)]
        {
            let rounds: Vec<f64> = (1..=n).rev().map(f64::from).collect();
            assert_eq!(interval(&rounds), Some((f64::from(low), f64::from(high))));
        }
        for few in 0..6 {
            assert_eq!(interval(&vec![1.0; few]), None);
        }
        assert!(interval(&vec![1.0; MOST_ROUNDS]).is_some());
    }

    #[test]
    fn a_ratio_is_taken_within_each_round() {
        // The second round was disturbed, for both sides.
        assert_eq!(ratio(&[1.0, 50.0, 1.0], &[2.0, 100.0, 2.0]), 0.5);
    }
}
