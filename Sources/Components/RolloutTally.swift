/// How the cores of a deployment stand, counted, and what its policy says to that.
///
/// A pure function of what is stored, so that a restart of the cloud changes nothing.
public struct RolloutTally: Hashable, Sendable {
    /// Not begun.
    public var pending: Int
    /// Under way.
    public var inProgress: Int
    /// Run the revision.
    public var succeeded: Int
    /// Refused it, went back, or did not report in time.
    public var failed: Int
    /// Not wanted any more.
    public var canceled: Int
    /// Of all, those that were begun within the last minute.
    public var startedInLastMinute: Int

    /// Makes a tally.
    public init(
        pending: Int = 0, inProgress: Int = 0, succeeded: Int = 0, failed: Int = 0, canceled: Int = 0,
        startedInLastMinute: Int = 0
    ) {
        self.pending = pending
        self.inProgress = inProgress
        self.succeeded = succeeded
        self.failed = failed
        self.canceled = canceled
        self.startedInLastMinute = startedInLastMinute
    }

    /// Cores that came to an end by themselves.
    public var finished: Int { succeeded + failed }

    /// Cores that may be begun now.
    public func admitted(by policy: RolloutPolicy) -> Int {
        var count = pending
        if let limit = policy.maxInFlight { count = min(count, limit - inProgress) }
        if let rate = policy.rate {
            count = min(count, rate.perMinute(succeeded: succeeded) - startedInLastMinute)
        }
        return max(0, count)
    }

    /// Why the rollout is to stop, one sentence; nil where it goes on.
    public func abortion(by policy: RolloutPolicy) -> String? {
        guard let abort = policy.abort, finished >= max(1, abort.minimumFinished),
            Double(failed) * 100 > abort.failedPercent * Double(finished)
        else { return nil }
        return "\(failed) of the \(finished) cores that came to an end failed, and at most "
            + "\(Self.text(abort.failedPercent)) % may; the others keep what they run"
    }

    private static func text(_ percent: Double) -> String {
        percent == percent.rounded() ? "\(Int(percent))" : "\(percent)"
    }
}
