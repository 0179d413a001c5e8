import Foundation
import TestSupport
import Testing

/// Real processes behind bad lines, on bad disks, by wrong clocks: whatever goes wrong, what was acknowledged is in the
/// cloud exactly once, as it was published and in order, or, where a stream may drop, named by the ledger.
///
/// `make test` runs each kind of fault once; `make soak` goes on as long as it is told to.
@Suite(.serialized) struct SoakTests {
    private static let settings = SoakSettings()

    @Test(
        "whatever goes wrong, the acknowledged is stored once and in order, or named where it may be dropped",
        .timeLimit(.minutes(settings.minutes * 2 + 15)))
    func losesNothing() async throws {
        let settings = Self.settings
        let directory =
            settings.directory ?? NSTemporaryDirectory() + "hedgerow-soak-\(UInt64.random(in: .min ... .max))"
        let notes = SoakNotes()
        notes.add("HEDGEROW_SOAK_SEED=\(settings.seed), in \(directory)")
        do {
            try await ProcessFleet.with(directory: directory) { fleet in
                try await FaultProxy.with { proxy in
                    let scenario = try await SoakScenario.start(fleet, proxy, settings, notes)
                    var soak = Soak(scenario, settings)
                    try await soak.run()
                }
            }
        } catch {
            notes.add(
                "FAILED, HEDGEROW_SOAK_SEED=\(settings.seed); everything is kept in \(directory): \(error)")
            try? notes.write(to: directory + "/soak.log")
            try await SmallDisk.keepFiles(of: directory + "/" + SoakGroup.coreWithSmallDisk)
            throw error
        }
        try notes.write(to: directory + "/soak.log")
        try await SmallDisk.unmount(directory + "/" + SoakGroup.coreWithSmallDisk)
        if settings.directory == nil { try FileManager.default.removeItem(atPath: directory) }
    }
}
