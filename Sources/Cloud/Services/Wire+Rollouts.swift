import Components
import HedgerowAPI
import RPCSupport
import SwiftProtobuf

extension RolloutPolicy {
    /// Reads a policy.
    ///
    /// - Throws: `HedgerowError` INVALID_ARGUMENT `INVALID_FIELD` with everything that is wrong.
    init(_ message: Hedgerow_Deployment_V1_RolloutPolicy) throws(HedgerowError) {
        self.init()
        if message.hasRate {
            rate = Rate(
                maxPerMinute: Int(message.rate.maxPerMinute),
                factor: message.rate.factor == 0 ? 1 : message.rate.factor,
                successes: message.rate.successes == 0 ? 1 : Int(message.rate.successes))
        }
        if message.maxInFlight > 0 { maxInFlight = Int(message.maxInFlight) }
        if message.hasAbort {
            abort = AbortThreshold(
                failedPercent: message.abort.failedPercent,
                minimumFinished: message.abort.minimumFinished == 0 ? 1 : Int(message.abort.minimumFinished))
        }
        var violations: [HedgerowError.Violation] = []
        switch message.failurePolicy {
        case .unspecified, .rollback: failurePolicy = .rollback
        case .stay: failurePolicy = .stay
        case .UNRECOGNIZED(let value):
            violations.append(
                .init(
                    field: "rollout.failure_policy",
                    description: "is \(value); the cloud knows ROLLBACK and STAY"))
        }
        if message.hasSettlingTime {
            settlingTime = TimeSpan(milliseconds: message.settlingTime.milliseconds)
        }
        violations += problems.map { .init(field: "rollout.\($0.path)", description: $0.message) }
        if !violations.isEmpty { throw HedgerowError(violations: violations) }
    }
}

extension Hedgerow_Deployment_V1_RolloutPolicy {
    init(_ policy: RolloutPolicy) {
        self.init()
        if let rate = policy.rate {
            self.rate.maxPerMinute = UInt32(clamping: rate.maxPerMinute)
            self.rate.factor = rate.factor
            self.rate.successes = UInt32(clamping: rate.successes)
        }
        maxInFlight = UInt32(clamping: policy.maxInFlight ?? 0)
        if let abort = policy.abort {
            self.abort.failedPercent = abort.failedPercent
            self.abort.minimumFinished = UInt32(clamping: abort.minimumFinished)
        }
        failurePolicy =
            switch policy.failurePolicy {
            case .rollback: .rollback
            case .stay: .stay
            }
        if let time = policy.settlingTime {
            settlingTime = Google_Protobuf_Duration(milliseconds: time.milliseconds)
        }
    }
}

extension Hedgerow_Deployment_V1_RolloutState {
    init(_ state: RolloutState) {
        switch state {
        case .running: self = .running
        case .paused: self = .paused
        case .canceled: self = .canceled
        case .aborted: self = .aborted
        }
    }
}
