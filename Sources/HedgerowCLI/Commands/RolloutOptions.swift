import ArgumentParser
import Components
import HedgerowAPI
import RPCSupport
import SwiftProtobuf

/// How a deployment comes to its cores.
struct RolloutOptions: ParsableArguments {
    /// What a core does where the revision fails after the switch.
    enum OnFailure: String, ExpressibleByArgument, CaseIterable {
        case rollback
        case stay
    }

    @Option(help: ArgumentHelp("Begin at most so many cores in any minute.", valueName: "cores"))
    var maxPerMinute: UInt32?

    @Option(help: ArgumentHelp("Multiply that by this, again and again.", valueName: "factor"))
    var growBy: Double?

    @Option(help: ArgumentHelp("Do so each time that so many cores have succeeded.", valueName: "cores"))
    var growAfter: UInt32?

    @Option(help: ArgumentHelp("At most so many cores are under way at once.", valueName: "cores"))
    var maxInFlight: UInt32?

    @Option(help: ArgumentHelp("Stop where more than so many per cent fail.", valueName: "percent"))
    var abortAbove: Double?

    @Option(
        help: ArgumentHelp("Judge that once so many cores came to an end (default: 1).", valueName: "cores"))
    var abortAfter: UInt32?

    @Option(help: "What a core does where the revision fails after the switch: rollback or stay.")
    var onFailure = OnFailure.rollback

    @Option(
        help: ArgumentHelp(
            "How long a core watches the new components (default: as they ask).", valueName: "time"))
    var settle: TimeSpanArgument?

    func validate() throws {
        if growBy != nil || growAfter != nil, maxPerMinute == nil {
            throw ValidationError("--grow-by and --grow-after need --max-per-minute.")
        }
        if growAfter != nil, growBy == nil { throw ValidationError("--grow-after needs --grow-by.") }
        if abortAfter != nil, abortAbove == nil {
            throw ValidationError("--abort-after needs --abort-above.")
        }
        if maxInFlight == 0 { throw ValidationError("--max-in-flight is at least 1.") }
    }

    /// The policy; nil where nothing was said. The cloud checks the numbers.
    var policy: Hedgerow_Deployment_V1_RolloutPolicy? {
        var policy = Hedgerow_Deployment_V1_RolloutPolicy()
        if let maxPerMinute {
            policy.rate.maxPerMinute = maxPerMinute
            policy.rate.factor = growBy ?? 1
            policy.rate.successes = growAfter ?? 1
        }
        policy.maxInFlight = maxInFlight ?? 0
        if let abortAbove {
            policy.abort.failedPercent = abortAbove
            policy.abort.minimumFinished = abortAfter ?? 1
        }
        if onFailure == .stay { policy.failurePolicy = .stay }
        if let settle {
            policy.settlingTime = Google_Protobuf_Duration(milliseconds: settle.span.milliseconds)
        }
        return policy == Hedgerow_Deployment_V1_RolloutPolicy() ? nil : policy
    }
}

/// A span of time on the command line: `90s`, `5m`.
struct TimeSpanArgument: ExpressibleByArgument {
    let span: TimeSpan

    init?(argument: String) {
        guard let span = try? TimeSpan(parsing: argument) else { return nil }
        self.span = span
    }
}
