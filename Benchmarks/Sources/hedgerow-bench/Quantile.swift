/// Quantiles of what was measured, by the nearest rank.
enum Quantile {
    /// The value that a share of the values does not exceed; -1 where there are none.
    static func of(_ values: [Double], _ share: Double) -> Double {
        let sorted = values.sorted()
        guard let last = sorted.indices.last else { return -1 }
        return sorted[min(last, max(0, Int((Double(sorted.count) * share).rounded(.up)) - 1))]
    }
}
