/// Where the messages go that a component instance failed on.
public enum DeadLetter {
    /// First level of every topic of dead letters.
    public static let firstLevel = "$dead-letter"
    /// The output index of dead letters; no `publish` step has it.
    public static let outputIndex = 65_535

    /// The topic of an instance's dead letters: `$dead-letter/INSTANCE`. It is reserved: only a filter that
    /// names its first level matches it (MQTT 3.1.1, 4.7.2), and only that instance publishes on it.
    public static func topic(ofInstance instance: String) -> String { "\(firstLevel)/\(instance)" }
}
