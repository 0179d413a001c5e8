import Expressions
import Messaging

extension TransformRun {
    /// Sends out the rows that go on and the failed samples, as they are now.
    mutating func publish(_ publish: CompiledPublish) {
        checkFields(label: publish.label)
        var topics: [String]?
        switch publish.topic {
        case .literal: break
        case .computed(let expression): topics = self.topics(expression)
        }
        let isLong = checkSize(label: publish.label)
        var splitter = OutputSplitter(columns: columns, batch: batch, isLong: isLong)
        let published = RowList.union(rows, failedSamples)
        if topics == nil, splitter.neverSplits {
            for row in published { hasPublished[row] = true }
            if !published.isEmpty { send(published, topic: nil, publish) }
            return
        }
        var start = published.startIndex
        for (position, row) in published.enumerated() {
            hasPublished[row] = true
            if splitter.mustSplit(before: row, topic: topics?[row], isFirst: position == start) {
                send(Array(published[start..<position]), topic: splitter.topic, publish)
                start = position
                splitter.begin()
            }
            splitter.take(row, topic: topics?[row])
        }
        if start < published.endIndex {
            send(Array(published[start...]), topic: splitter.topic, publish)
        }
    }

    private mutating func send(_ sent: [Int], topic: String?, _ publish: CompiledPublish) {
        var output = ReadingBatch(
            thing: batch.thing, topic: topic ?? "",
            times: sent.count == batch.count ? batch.times : sent.map { batch.times[$0] },
            columns: columns.compactMap { $0.selecting(sent) }, isTimeDoubtful: batch.isTimeDoubtful)
        if case .literal(let topic) = publish.topic { output.topic = topic }
        if !batch.statuses.isEmpty || !batch.traces.isEmpty {
            for (index, row) in sent.enumerated() {
                // What another component failed on and this one did not is an ordinary reading again.
                if let status = batch.statuses[row], status.kind == .failed {
                    output.statuses[index] = status
                }
                if let trace = batch.traces[row] { output.traces[index] = trace }
            }
        }
        result.outputs.append(TransformResult.Output(index: publish.index, batch: output, rows: sent))
    }

    // MARK: Topics

    /// The topic of each row that goes out.
    private mutating func topics(_ expression: LabelledExpression) -> [String] {
        let evaluated = evaluate(expression)
        var topics = Array(repeating: "", count: batch.count)
        take(evaluated, of: rows, into: &topics, label: expression.label)
        if !failedSamples.isEmpty {
            // A failed sample has passed every step by: it has no fields, and no `let` has named anything.
            let ordinary = rows
            let label = "\(expression.label), failed sample"
            (rows, failedSamples, passesBindingsBy) = (failedSamples, [], true)
            let evaluated = evaluate(LabelledExpression(expression: expression.expression, label: label))
            take(evaluated, of: rows, into: &topics, label: label)
            (rows, failedSamples, passesBindingsBy) = (ordinary, rows, false)
        }
        return topics
    }

    private mutating func take(
        _ evaluated: Evaluated, of rows: [Int], into topics: inout [String], label: String
    ) {
        var faults: [(row: Int, reason: String)] = []
        var lastTopic: (text: String, fault: String?)?
        for row in rows {
            let value: Value =
                switch evaluated {
                case .constant(let value): value
                case .values(let values): values[row]
                case .doubles, .integers, .bools: .null
                }
            guard case .string(let text) = value else {
                faults.append((row, "the topic is of type \(value.typeName), not string"))
                continue
            }
            if lastTopic?.text != text { lastTopic = (text, Self.fault(ofTopic: text)) }
            if let fault = lastTopic?.fault {
                faults.append((row, fault))
            } else {
                topics[row] = text
            }
        }
        fail(faults, label: label)
    }

    /// What is wrong with a computed topic; the topic itself is not in it, so that the cause is one.
    private static func fault(ofTopic text: String) -> String? {
        do throws(InvalidTopic) {
            return try Topic(text).isReserved ? "the topic begins with $, which is reserved" : nil
        } catch {
            return switch error.rule {
            case .empty: "the topic is empty"
            case .tooLong(_, let maximum): "the topic has more than \(maximum) bytes"
            case .tooDeep(_, let maximum): "the topic has more than \(maximum) levels"
            case .containsNull: "the topic contains U+0000"
            case .wildcardInTopic, .misplacedMultiLevelWildcard, .misplacedSingleLevelWildcard:
                "the topic contains + or #, which only a topic filter may"
            }
        }
    }

    // MARK: Limits

    /// Fails rows that have no field left, or more than a reading may have.
    private mutating func checkFields(label: String) {
        let isWide = columns.count > TransformLimits.fields
        if !isWide, columns.contains(where: { $0.absentRows.isEmpty }) { return }
        var counts = Array(repeating: columns.count, count: batch.count)
        for column in columns {
            for row in column.absentRows { counts[row] -= 1 }
        }
        fail(rows.filter { counts[$0] == 0 }, "\(label): no field is left to publish")
        fail(
            rows.filter { counts[$0] > TransformLimits.fields },
            "\(label): the reading has more than \(TransformLimits.fields) fields")
    }

    /// Fails rows that are too large, and those for which there is no room any more.
    ///
    /// - Returns: whether the output may be too large for one batch.
    private mutating func checkSize(label: String) -> Bool {
        let most = OutputSplitter.mostBytes(of: columns, in: batch)
        if most <= OutputSplitter.mostBytes, publishedBytes + most <= TransformLimits.publishedBytes {
            publishedBytes += most
            return false
        }
        let splitter = OutputSplitter(columns: columns, batch: batch, isLong: true)
        var tooLarge: [Int] = []
        var beyond: [Int] = []
        for row in rows {
            let bytes = splitter.bytes(of: row)
            if bytes > OutputSplitter.mostBytes {
                tooLarge.append(row)
            } else if publishedBytes + bytes > TransformLimits.publishedBytes {
                beyond.append(row)
            } else {
                publishedBytes += bytes
            }
        }
        fail(tooLarge, "\(label): the reading is larger than \(OutputSplitter.mostBytes >> 10) KiB")
        fail(
            beyond,
            "\(label): more than \(TransformLimits.publishedBytes >> 20) MiB would be published of one batch")
        return true
    }
}
