import Components
import HedgerowAPI
import RPCSupport

extension StreamSettings {
    /// Reads a stream's settings as a revision brings them; what is absent has its default.
    ///
    /// - Parameter path: where the stream is in the revision, for errors.
    /// - Throws: ``UnreadableRevision`` where a value is newer than this core.
    init(_ settings: Hedgerow_Type_V1_StreamSettings, path: String) throws(UnreadableRevision) {
        if case .UNRECOGNIZED(let number) = settings.onFull {
            throw UnreadableRevision(
                path: "\(path).on_full",
                message: "policy \(number) is newer than this core; update hedgerow-core")
        }
        if case .UNRECOGNIZED(let number) = settings.persistence {
            throw UnreadableRevision(
                path: "\(path).persistence",
                message: "persistence \(number) is newer than this core; update hedgerow-core")
        }
        if let index = settings.exports.firstIndex(where: { $0.target == nil }) {
            throw UnreadableRevision(
                path: "\(path).exports[\(index)]",
                message: "the export's target is newer than this core; update hedgerow-core")
        }
        self.init(settings)
    }
}
