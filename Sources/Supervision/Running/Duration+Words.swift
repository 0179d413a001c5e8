extension Duration {
    /// For people: `15 s`, `0.5 s`.
    var inWords: String {
        let milliseconds = Int(self / .milliseconds(1))
        let seconds = milliseconds / 1_000
        return milliseconds % 1_000 == 0 ? "\(seconds) s" : "\(Double(milliseconds) / 1_000) s"
    }
}
