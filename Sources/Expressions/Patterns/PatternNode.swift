/// A regular expression as written.
indirect enum PatternNode {
    case empty
    case set(ScalarSet)
    case place(Pattern.Place)
    case sequence([PatternNode])
    case choice([PatternNode])
    /// Without a maximum: any number.
    case repetition(PatternNode, minimum: Int, maximum: Int?)
}
