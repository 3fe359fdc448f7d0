import Glibc

/// How likely counts are in bytes that are really random.
///
/// The tails of the binomial distribution are bounded after Chernoff, so that a small sample errs to the side of silence.
enum Chance {
    /// A verdict may be wrong for random bytes this often, whatever number of things was looked at for it.
    static let error = 1e-6

    /// The natural logarithm of a bound of the chance that an event of `probability` happens at least `hits` times out
    /// of `trials`, or at most so often when that is less than expected.
    static func logTail(hits: Int, of trials: Int, probability: Double) -> Double {
        guard trials > 0 else { return 0 }
        let share = Double(hits) / Double(trials)
        return -Double(trials) * divergence(share, probability)
    }

    /// Whether it is too unlikely to be chance, when `looks` such counts were looked at.
    static func isTooUnlikely(hits: Int, of trials: Int, probability: Double, looks: Int) -> Bool {
        logTail(hits: hits, of: trials, probability: probability) + log(Double(max(looks, 1))) < log(error)
    }

    /// The chance of a chi-squared value of at least `value`, after Wilson and Hilferty.
    static func chiSquaredTail(_ value: Double, degrees: Int) -> Double {
        let spread = 2 / (9 * Double(degrees))
        let deviation = (cbrt(value / Double(degrees)) - (1 - spread)) / spread.squareRoot()
        return erfc(deviation / 2.0.squareRoot()) / 2
    }

    /// Kullback and Leibler's, between two coins, in nats.
    private static func divergence(_ share: Double, _ probability: Double) -> Double {
        var sum = 0.0
        if share > 0 { sum += share * log(share / probability) }
        if share < 1 { sum += (1 - share) * log((1 - share) / (1 - probability)) }
        return sum
    }
}
