//! What is made of many rounds.

/// The middle one; of an even number, the middle between two.
pub fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => (sorted[n / 2 - 1] + sorted[n / 2]) / 2.0,
    }
}

pub fn minimum(samples: &[f64]) -> f64 {
    samples.iter().copied().fold(f64::INFINITY, f64::min)
}

/// Each round's ratio: what disturbed a round disturbed both sides of it.
pub fn ratios(ours: &[f64], theirs: &[f64]) -> Vec<f64> {
    ours.iter().zip(theirs).map(|(a, b)| a / b).collect()
}

/// The median of the rounds' ratios.
pub fn ratio(ours: &[f64], theirs: &[f64]) -> f64 {
    median(&ratios(ours, theirs))
}

/// Where the median would lie if the rounds never ended, in 95 of 100 runs at least: the sign
/// test's interval, as each round falls above it or below with even odds. From the smallest to
/// the largest of fewer than six rounds, which can't say it so surely.
pub fn interval(samples: &[f64]) -> (f64, f64) {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    if n == 0 {
        return (f64::NAN, f64::NAN);
    }
    // How likely it is that the median lies beyond the `cut`-th from an end.
    let mut cut = 0;
    let mut term = 2.0 * 0.5_f64.powi(n as i32);
    let mut beyond = term;
    while beyond <= 0.05 && 2 * (cut + 1) < n {
        cut += 1;
        term *= (n - cut + 1) as f64 / cut as f64;
        beyond += term;
    }
    let cut = cut.saturating_sub(1);
    (sorted[cut], sorted[n - 1 - cut])
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
    fn an_interval_leaves_out_what_the_sign_test_does() {
        let rounds = |n: usize| (1..=n).map(|round| round as f64).collect::<Vec<_>>();
        assert_eq!(interval(&rounds(1)), (1.0, 1.0));
        assert_eq!(interval(&rounds(5)), (1.0, 5.0));
        assert_eq!(interval(&rounds(6)), (1.0, 6.0));
        assert_eq!(interval(&rounds(9)), (2.0, 8.0));
        assert_eq!(interval(&rounds(25)), (8.0, 18.0));
        assert!(interval(&[]).0.is_nan());
    }

    #[test]
    fn a_ratio_is_taken_within_each_round() {
        // The second round was disturbed for both.
        assert_eq!(ratio(&[1.0, 50.0, 1.0], &[2.0, 100.0, 2.0]), 0.5);
    }
}
