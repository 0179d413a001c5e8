import Shadows
import Testing

/// What documents cost grows with their size: counted in what is read and written, not in time.
@Suite struct ShadowCostTests {
    /// A sequence that counts how often its bytes are taken.
    private final class Counter {
        var bytes = 0
    }

    private struct Counted: Sequence {
        let bytes: [UInt8]
        let counter: Counter

        func makeIterator() -> AnyIterator<UInt8> {
            var inner = bytes.makeIterator()
            return AnyIterator {
                counter.bytes += 1
                return inner.next()
            }
        }
    }

    private static func fields(_ count: Int) -> [String: JSONValue] {
        var fields: [String: JSONValue] = [:]
        for index in 0..<count {
            fields["key-\(index)"] = .object([
                "a": .integer(Int64(index)), "b": .array([.number(0.5), .string("text \(index)")]),
            ])
        }
        return fields
    }

    @Test func parsingTakesEachByteOnce() throws {
        for count in [10, 100, 1_000] {
            let text = JSONValue.object(["state": .object(["reported": .object(Self.fields(count))])]).bytes
            let counter = Counter()
            _ = try ShadowUpdate(
                parsing: Counted(bytes: text, counter: counter), limits: ShadowLimits(documentBytes: 1 << 20))
            #expect(counter.bytes <= text.count + 1)
        }
    }

    @Test func answersGrowWithWhatTheyAreAbout() throws {
        // A small change of a large document is answered in small; what has everything is at most in proportion.
        var sizes: [Int] = []
        for count in [50, 100, 200, 400] {
            let limits = ShadowLimits(documentBytes: 1 << 20)
            let first = try ShadowRules.update(
                nil, ShadowUpdate(desired: Self.fields(count), reported: nil), now: 0, limits: limits,
                newIncarnation: .fixture())
            let change = try ShadowRules.update(
                first.after, ShadowUpdate(reporting: ["key-1": .integer(1)]), now: 0, limits: limits,
                newIncarnation: .fixture())
            #expect(change.acceptedText.utf8.count < 150)
            let document = try #require(change.after.document)
            sizes.append(
                document.getResponse().utf8.count + (change.documentsText?.utf8.count ?? 0)
                    + (change.deltaText?.utf8.count ?? 0))
        }
        for (small, large) in zip(sizes, sizes.dropFirst()) {
            #expect(Double(large) / Double(small) < 2.2)
        }
    }

    @Test func conflictsOfOneMergeAreBounded() {
        let document = { (offset: Int) -> ShadowDocument in
            var fields: [String: JSONValue] = [:]
            for index in 0..<500 { fields["key-\(index)"] = .integer(Int64(index + offset)) }
            return .fixture(desired: fields)
        }
        let merge = ShadowMerge(base: nil, core: document(0), cloud: document(1))
        #expect(merge.conflicts.count == ShadowMerge.maximumConflicts)
        #expect(merge.desired == document(1).desired)
    }
}
