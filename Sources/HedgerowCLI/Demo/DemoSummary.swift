/// What the demo found out.
struct DemoSummary: Sendable {
    var sent: UInt64
    var acknowledged: Int
    var stored: Int
    var duplicates: Int
    var lost: Int
    /// From the cloud's own ledger.
    var ledgerReceived: UInt64
    var ledgerLost: UInt64
    var ledgerMissing: UInt64
    var copiesDropped: UInt64
    var commandActedOn: Bool
    var secondsCutOff: Double
    var seconds: Double

    /// Whether nothing acknowledged was lost or doubled, and the demo did what it shows.
    var isClean: Bool { lost == 0 && duplicates == 0 && acknowledged > 0 && commandActedOn }

    var json: JSONValue {
        .object([
            ("sent", .unsigned(sent)), ("acknowledged", .integer(Int64(acknowledged))),
            ("stored", .integer(Int64(stored))), ("duplicates", .integer(Int64(duplicates))),
            ("lost", .integer(Int64(lost))),
            (
                "ledger",
                .object([
                    ("received", .unsigned(ledgerReceived)), ("lost", .unsigned(ledgerLost)),
                    ("missing", .unsigned(ledgerMissing)), ("copiesDropped", .unsigned(copiesDropped)),
                ])
            ),
            ("commandActedOn", .boolean(commandActedOn)), ("secondsCutOff", .number(secondsCutOff)),
            ("seconds", .number(seconds)), ("clean", .boolean(isClean)),
        ])
    }
}
