/// Which traces are recorded, decided where a trace begins.
///
/// The names are those of `OTEL_TRACES_SAMPLER` (OpenTelemetry, "General SDK Configuration").
public struct TraceSampler: Hashable, Sendable {
    /// What decides where there is no parent, or the parent is not asked.
    public enum Root: Hashable, Sendable {
        /// Every trace.
        case always
        /// None.
        case never
        /// This share of the traces, 0 to 1, by their identity: every program decides alike.
        case ratio(Double)
    }

    /// What decides about a trace that begins here.
    public let root: Root
    /// Whether a trace that began elsewhere is recorded exactly where it was recorded there.
    public let followsParent: Bool

    /// Makes a sampler. Default: `parentbased_always_on`.
    public init(root: Root = .always, followsParent: Bool = true) {
        self.root = root
        self.followsParent = followsParent
    }

    /// The sampler of a name and its argument; nil where there is no such name.
    ///
    /// - Parameter ratio: for those that take one; 1 where it is nil.
    public init?(name: String, ratio: Double?) {
        let share = Root.ratio(min(1, max(0, ratio ?? 1)))
        switch name {
        case "always_on": self.init(root: .always, followsParent: false)
        case "always_off": self.init(root: .never, followsParent: false)
        case "traceidratio": self.init(root: share, followsParent: false)
        case "parentbased_always_on": self.init(root: .always)
        case "parentbased_always_off": self.init(root: .never)
        case "parentbased_traceidratio": self.init(root: share)
        default: return nil
        }
    }

    /// Whether a span is recorded.
    ///
    /// - Parameters:
    ///   - parent: where the span continues a trace.
    ///   - traceLow: last eight bytes of the trace's identity.
    public func samples(parent: TraceContext?, traceLow: UInt64) -> Bool {
        if followsParent, let parent { return parent.isSampled }
        switch root {
        case .always: return true
        case .never: return false
        case .ratio(let share):
            // The lowest 56 bits are the random ones of W3C Trace Context, level 2.
            return Double(traceLow & 0x00FF_FFFF_FFFF_FFFF) < share * Double(1 << 56)
        }
    }
}
