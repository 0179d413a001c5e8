/// What the demo found out.
struct DemoSummary: Sendable {
    var sent: UInt64
    var acknowledged: Int
    /// Messages in the cloud's history as the sensor gave them.
    var storedRaw: Int
    /// Messages in the cloud's history as the transform made them.
    var storedCorrected: Int
    var duplicates: Int
    var lost: Int
    /// Corrected values that are not what the formula gives.
    var wrong: Int
    /// Corrected messages by version of the transform.
    var versions: [String: Int]
    /// Whether the one version took over from the other at one message, in the process that ran before.
    var tookOverCleanly: Bool
    /// From the cloud's own ledger.
    var ledgerReceived: UInt64
    var ledgerLost: UInt64
    var ledgerMissing: UInt64
    var copiesDropped: UInt64
    var commandActedOn: Bool
    /// Whether the programs' traces told the whole way of a reading that waited for the cloud.
    var traceComplete: Bool
    var secondsCutOff: Double
    var seconds: Double

    /// Whether nothing acknowledged was lost or doubled, and the demo did what it shows.
    var isClean: Bool {
        lost == 0 && duplicates == 0 && wrong == 0 && acknowledged > 0 && commandActedOn && tookOverCleanly
            && versions.count == 2 && traceComplete
    }

    var json: JSONValue {
        .object([
            ("sent", .unsigned(sent)), ("acknowledged", .integer(Int64(acknowledged))),
            ("stored", .integer(Int64(storedRaw))), ("corrected", .integer(Int64(storedCorrected))),
            ("duplicates", .integer(Int64(duplicates))), ("lost", .integer(Int64(lost))),
            ("wrong", .integer(Int64(wrong))),
            (
                "versions",
                .object(versions.sorted { $0.key < $1.key }.map { ($0.key, .integer(Int64($0.value))) })
            ),
            ("tookOverCleanly", .boolean(tookOverCleanly)),
            (
                "ledger",
                .object([
                    ("received", .unsigned(ledgerReceived)), ("lost", .unsigned(ledgerLost)),
                    ("missing", .unsigned(ledgerMissing)), ("copiesDropped", .unsigned(copiesDropped)),
                ])
            ),
            ("commandActedOn", .boolean(commandActedOn)), ("traceComplete", .boolean(traceComplete)),
            ("secondsCutOff", .number(secondsCutOff)),
            ("seconds", .number(seconds)), ("clean", .boolean(isClean)),
        ])
    }
}
