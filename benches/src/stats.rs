//! What is made of many rounds.

/// The middle one; of an even number, the middle between two.
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

/// Each round's ratio: what disturbed a round disturbed both sides of it.
pub fn ratios(ours: &[f64], theirs: &[f64]) -> Vec<f64> {
    assert_eq!(
        ours.len(),
        theirs.len(),
        "both took part in the same rounds"
    );
    ours.iter().zip(theirs).map(|(a, b)| a / b).collect()
}

/// The median of the rounds' ratios.
pub fn ratio(ours: &[f64], theirs: &[f64]) -> f64 {
    median(&ratios(ours, theirs))
}

/// More rounds than this can't be counted in an `f64`.
pub const MOST_ROUNDS: usize = 1000;

/// Where the median would lie if this run's rounds never ended, by the sign test, 95 % sure: each
/// round falls above it or below with even odds, if rounds do not depend on each other. Where one
/// disturbed hour differs from the next, another run may give another interval. None of fewer than
/// six rounds, which can't tell.
pub fn interval(rounds: &[f64]) -> Option<(f64, f64)> {
    let sorted = sorted(rounds);
    let n = sorted.len();
    assert!(n <= MOST_ROUNDS);
    // How likely it is that `cut` rounds, or fewer, fall below the median.
    let mut cut = 0;
    let mut exactly = 0.5_f64.powi(n as i32);
    let mut tail = exactly;
    while 2.0 * tail <= 0.05 {
        cut += 1;
        exactly *= (n + 1 - cut) as f64 / cut as f64;
        tail += exactly;
    }
    // As many can go at each end.
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
        // The published table's ranks, 95 %, both sides.
        for (n, low, high) in [
            (6, 1, 6),
            (8, 1, 8),
            (9, 2, 8),
            (11, 2, 10),
            (14, 3, 12),
            (25, 8, 18),
        ] {
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
        // The second round was disturbed for both.
        assert_eq!(ratio(&[1.0, 50.0, 1.0], &[2.0, 100.0, 2.0]), 0.5);
    }
}
