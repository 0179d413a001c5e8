public import Components
public import HedgerowAPI
import Shadows
import SwiftProtobuf

/// What the shadows of a group on the wire are not, one sentence.
public struct UnreadableShadowSettings: Error, Hashable, Sendable, CustomStringConvertible {
    /// The field, below that of the group's revision.
    public let field: String
    /// What is wrong.
    public let description: String
}

extension Hedgerow_Type_V1_ShadowSettings {
    /// Settings as they go over the wire.
    public init(_ settings: ShadowSettings) {
        self.init()
        sync = settings.sync.map { rule in
            var message = Hedgerow_Type_V1_ShadowSyncRule()
            message.things = rule.things.text
            message.direction =
                switch rule.direction {
                case .both: .both
                case .toCloud: .toCloud
                case .toEdge: .toEdge
                }
            if rule.interval.milliseconds != 0 {
                message.interval = Google_Protobuf_Duration(milliseconds: rule.interval.milliseconds)
            }
            return message
        }
        home = settings.home ?? ""
    }
}

extension ShadowSettings {
    /// Settings from the wire.
    ///
    /// - Throws: ``UnreadableShadowSettings`` where a direction is newer than this program.
    public init(_ message: Hedgerow_Type_V1_ShadowSettings) throws(UnreadableShadowSettings) {
        self.init(home: message.home.isEmpty ? nil : message.home)
        for (index, rule) in message.sync.enumerated() {
            let direction: ShadowDirection
            switch rule.direction {
            case .unspecified, .both: direction = .both
            case .toCloud: direction = .toCloud
            case .toEdge: direction = .toEdge
            case .UNRECOGNIZED(let value):
                throw UnreadableShadowSettings(
                    field: "shadows.sync[\(index)].direction",
                    description: "the direction \(value) is not known to this version")
            }
            sync.append(
                ShadowSyncRule(
                    things: ThingPattern(rule.things), direction: direction,
                    interval: TimeSpan(milliseconds: rule.hasInterval ? rule.interval.milliseconds : 0)))
        }
    }
}
