import GRDB

/// What the files of a core say, read while it runs or not.
enum CoreFiles {
    /// Messages in its streams that the cloud has not acknowledged.
    static func depth(in stateDirectory: String) throws -> UInt64 {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        let queue = try DatabaseQueue(path: stateDirectory + "/core.sqlite", configuration: configuration)
        let depth = try queue.read { db in
            try Int64.fetchOne(db, sql: "SELECT sum(next - 1 - acknowledged) FROM stream_epoch")
        }
        return UInt64(depth ?? 0)
    }
}
