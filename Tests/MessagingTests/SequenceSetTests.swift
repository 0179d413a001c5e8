import Messaging
import TestSupport
import Testing

@Suite struct SequenceSetTests {
    private func range(_ first: UInt64, _ last: UInt64) throws -> SequenceRange {
        try #require(SequenceRange(first, last))
    }

    @Test func mergesRangesThatOverlapOrTouch() throws {
        var set = SequenceSet()
        set.insert(try range(1, 3))
        set.insert(try range(7, 9))
        #expect(set.ranges.count == 2)
        set.insert(try range(4, 6))
        #expect(set.ranges == [try range(1, 9)])
        #expect(set.gaps.isEmpty)
    }

    @Test func namesWhatIsMissing() throws {
        let set = SequenceSet([try range(5, 6), try range(10, 12)])
        #expect(set.missing(from: try range(4, 13)) == [try range(4, 4), try range(7, 9), try range(13, 13)])
        #expect(set.gaps == [try range(7, 9)])
        #expect(set.contains(10) && !set.contains(9))
    }

    @Test func holdsTheExtremes() throws {
        var set = SequenceSet()
        set.insert(try range(0, 0))
        set.insert(try range(.max, .max))
        #expect(set.count == 2)
        set.remove(try range(0, .max))
        #expect(set.ranges.isEmpty)
    }

    /// Random histories against a plain set of numbers.
    @Test(arguments: 0..<50) func agreesWithASetOfNumbers(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        var model: Set<UInt64> = []
        var set = SequenceSet()
        for _ in 0..<200 {
            let first = UInt64.random(in: 0...60, using: &random)
            let last = first + UInt64.random(in: 0...8, using: &random)
            let next = try range(first, last)
            if Bool.random(using: &random) {
                set.insert(next)
                model.formUnion(first...last)
            } else {
                set.remove(next)
                model.subtract(first...last)
            }
            #expect(set.count == UInt64(model.count))
            for number in UInt64(0)...70 { #expect(set.contains(number) == model.contains(number)) }
            #expect(zip(set.ranges, set.ranges.dropFirst()).allSatisfy { $0.last + 1 < $1.first })
        }
    }
}
