import Foundation
import GRDB
import TestSupport
import Testing

@testable import StreamStore

/// Files that the disk damaged anywhere: they are opened, what can be read is served, the rest is named as lost.
///
/// `HEDGEROW_DAMAGE_PLACES` sets at how many places each kind of damage is tried, `HEDGEROW_DAMAGE_SEED` with which
/// seed the first is drawn.
@Suite(.serialized, .timeLimit(.minutes(10))) struct DamagedFilesTests {
    private static func setting(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }

    @Test("any damage leaves a database that serves the rest", arguments: DamageTrial.Damage.allCases)
    func anyDamage(_ damage: DamageTrial.Damage) async throws {
        let first = Self.setting("HEDGEROW_DAMAGE_SEED") ?? .random(in: 0..<1_000_000)
        let count = Self.setting("HEDGEROW_DAMAGE_PLACES") ?? 50
        print("damaged files: \(damage) at \(count) places, seed \(first)")
        try await withTemporaryDirectory { directory in
            let trial = try DamageTrial(directory: directory)
            var salvaged = 0
            for seed in first..<first + count {
                do {
                    if try trial.run(damage, seed: seed) { salvaged += 1 }
                } catch {
                    Issue.record("\(error)")
                }
            }
            print("damaged files: \(damage): \(salvaged) of \(count) needed a new file")
        }
    }
}
