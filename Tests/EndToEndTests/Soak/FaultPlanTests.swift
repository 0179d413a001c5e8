import Testing

/// The schedule of a soak is what its seed says.
@Suite struct FaultPlanTests {
    private func plan(_ seed: UInt64) -> FaultPlan {
        FaultPlan(
            seed: seed, programs: ["cloud", "core-a", "core-b"], things: ["press-1", "press-2"],
            lines: ["things to core-a", "core-a to cloud"], disks: ["core-b"])
    }

    @Test("the same seed gives the same rounds, another one gives others") func repeats() {
        for number in 0..<50 {
            #expect(plan(7).round(number) == plan(7).round(number))
            #expect(plan(7).round(number) != plan(8).round(number))
            #expect(plan(7).round(number) != plan(7).round(number + 1))
        }
    }

    @Test("every kind of fault comes once in two rounds", arguments: 0..<20 as Range<UInt64>)
    func isComplete(seed: UInt64) {
        for first in stride(from: 0, to: 40, by: 2) {
            let kinds = (first..<first + 2).flatMap { plan(seed).round($0).faults.map(\.kind) }
            #expect(Set(kinds) == Set(Fault.Kind.allCases))
            #expect(kinds.count == Fault.Kind.allCases.count)
        }
    }

    @Test("rounds are in order of time, and some faults overlap") func overlaps() {
        var overlapping = 0
        for number in 0..<50 {
            let faults = plan(3).round(number).faults
            #expect(faults.map(\.start) == faults.map(\.start).sorted())
            #expect(faults.allSatisfy { $0.start <= FaultPlan.window && $0.length >= 0 })
            for (earlier, later) in zip(faults, faults.dropFirst()) where later.start < earlier.end {
                overlapping += 1
            }
        }
        #expect(overlapping > 25)
    }
}
