import Testing
import Transforms

@Suite("A batch of readings")
struct ReadingBatchTests {
    var batch: ReadingBatch {
        var batch = ReadingBatch.of(
            .doubles("t", [1, 2, 3, 4], unit: "°C", absent: [1]), .strings("s", ["a", "b", "c", "d"]))
        batch.statuses = [3: RowStatus(.failed, reason: "why")]
        batch.traces = [0: "trace"]
        batch.isTimeDoubtful = true
        return batch
    }

    @Test("gives some of its rows")
    func select() {
        let some = batch.selecting([1, 3])
        #expect(some.readings == [batch.readings[1], batch.readings[3]])
        #expect(some.columns[0].absentRows == [0])
        #expect(some.statuses == [1: RowStatus(.failed, reason: "why")])
        #expect(some.traces.isEmpty)
        #expect(some.isTimeDoubtful)
        #expect(throws: Never.self) { try some.validate() }
    }

    @Test("gives all of its rows, none, and what is not there, without a trap")
    func selectEdges() {
        #expect(batch.selecting([0, 1, 2, 3]) == batch)
        #expect(batch.selecting([]).count == 0)
        #expect(batch.selecting([3, 1, 1, -5, 99]) == batch.selecting([1, 3]))
        #expect(batch.reading(at: 4) == nil)
        #expect(batch.reading(at: -1) == nil)
        #expect(batch.columns[0].value(at: 99) == nil)
    }

    @Test("knows which value a row lacks")
    func values() {
        #expect(batch.columns[0].value(at: 0) == .double(1))
        #expect(batch.columns[0].value(at: 1) == nil)
        #expect(batch.readings[1].fields.map(\.name) == ["s"])
        #expect(batch.readings[0].fields.map(\.unit) == ["°C", ""])
    }

    @Test("says what is inconsistent")
    func validation() {
        func problem(_ change: (inout ReadingBatch) -> Void) -> String? {
            var changed = batch
            change(&changed)
            do throws(InvalidReadingBatch) {
                try changed.validate()
                return nil
            } catch {
                return error.description
            }
        }
        #expect(problem { _ in } == nil)
        #expect(problem { $0.columns[1].name = "t" } == "the field \"t\" is there twice")
        #expect(problem { $0.columns[1].name = "" } == "a field has an empty name")
        #expect(problem { $0.times.append(0) } == "the field \"t\" has 4 values for 5 readings")
        #expect(
            problem { $0.columns[0].absentRows = [2, 1] }
                == "the absent rows of \"t\" are not ascending indices below 4")
        #expect(
            problem { $0.columns[0].absentRows = [-1] }
                == "the absent rows of \"t\" are not ascending indices below 4")
        #expect(problem { $0.statuses[9] = RowStatus(.failed, reason: "") } == "a status names row 9 of 4")
        #expect(problem { $0.traces[-1] = "" } == "a trace names row -1 of 4")
    }
}
