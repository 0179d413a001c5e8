import Messaging

/// Streams: what their parameters may be, and where they go.
extension GroupCheck {
    mutating func checkStreams() {
        if definition.streams.count > GroupDefinition.Limits.streams {
            add(
                "streams",
                "\(definition.streams.count) streams are too many; a group has at most "
                    + "\(GroupDefinition.Limits.streams)")
        }
        var directories: [String: String] = [:]
        for (name, settings) in definition.streams.sorted(by: { $0.key < $1.key }) {
            let path = "streams.\(name)"
            if let problem = nameProblem(name) { add(path, "the stream's \(problem)") }
            checkRoom(settings, path: path)
            checkUplink(settings, path: path)
            checkExports(settings, stream: name, path: "\(path).exports", directories: &directories)
        }
    }

    /// What a stream holds, and for how long.
    private mutating func checkRoom(_ settings: StreamSettings, path: String) {
        if settings.maxSize < StreamSettings.minimumSize {
            add(
                "\(path).maxSize",
                "\(settings.maxSize) is too small; a stream has at least \(StreamSettings.minimumSize)")
        } else if settings.maxSize.bytes > UInt64(Int64.max) {
            add("\(path).maxSize", "\(settings.maxSize) is too large; a stream has less than 8192 PiB")
        }
        if let span = settings.timeToLive, span < StreamSettings.minimumTimeToLive {
            add(
                "\(path).timeToLive",
                "\(span) is too short; write at least \(StreamSettings.minimumTimeToLive), or leave timeToLive out "
                    + "to keep messages until they are exported")
        }
    }

    /// How a stream uses the uplink.
    private mutating func checkUplink(_ settings: StreamSettings, path: String) {
        if !StreamSettings.priorities.contains(settings.priority) {
            add(
                "\(path).priority",
                "\(settings.priority) is no priority; write 1 (drains first) to 10, 5 is the default")
        }
        if !StreamSettings.batchSizes.contains(settings.batchSize) {
            add(
                "\(path).batchSize",
                "\(settings.batchSize) is no size of a batch; write \(StreamSettings.batchSizes.lowerBound) to "
                    + "\(StreamSettings.batchSizes.upperBound) messages, 500 is the default")
        }
        if !StreamSettings.batchIntervals.contains(settings.batchInterval) {
            add(
                "\(path).batchInterval",
                "\(settings.batchInterval) is out of range; write \(StreamSettings.batchIntervals.lowerBound) to "
                    + "\(StreamSettings.batchIntervals.upperBound), 10ms is the default")
        }
        if !StreamSettings.liveShares.contains(settings.liveShare) {
            add(
                "\(path).liveShare",
                "\(settings.liveShare) is out of range; write 0 (off, the default) to "
                    + "\(StreamSettings.liveShares.upperBound), the share of live messages")
        }
        if let rate = settings.maxRate, rate < StreamSettings.minimumRate {
            add(
                "\(path).maxRate",
                "\(rate) per second is too slow; write at least \(StreamSettings.minimumRate), or leave maxRate "
                    + "out for no limit")
        }
    }

    // MARK: Exports

    private mutating func checkExports(
        _ settings: StreamSettings, stream: String, path: String, directories: inout [String: String]
    ) {
        if settings.exports.isEmpty {
            add(path, "a stream without an export keeps nothing; name one, cloud is the default")
        } else if settings.exports.count > StreamExport.Limits.exports {
            add(
                path,
                "\(settings.exports.count) exports are too many; a stream has at most \(StreamExport.Limits.exports)"
            )
            return
        }
        if settings.persistence == .memory, settings.exports.contains(where: { $0.target != .cloud }) {
            add(
                path,
                "a stream in memory goes to the cloud alone; write persistence: disk, or leave the exports away"
            )
        }
        var names = Set<String>()
        for (index, export) in settings.exports.enumerated() {
            let place = "\(path)[\(index)]"
            if !names.insert(export.name).inserted {
                add(
                    place,
                    "the export \"\(export.name)\" is listed twice; remove one, or give it another name")
            }
            if let name = export.givenName, export.target != .cloud {
                if let problem = nameProblem(name) {
                    add("\(place).name", "the export's \(problem)")
                } else if name == StreamExport.cloudName {
                    add(
                        "\(place).name", "\"cloud\" is the name of the export to the cloud; write another one"
                    )
                }
            }
            switch export.target {
            case .cloud: break
            case .topic(let topic): checkTopic(topic, path: "\(place).topic")
            case .directory(let directory):
                checkDirectory(directory, stream: stream, path: place, directories: &directories)
            }
        }
    }

    private mutating func checkTopic(_ text: String, path: String) {
        do throws(InvalidTopic) {
            if try Topic(text).isReserved {
                add(path, "topics that begin with $ are reserved; write another one")
            }
        } catch {
            add(path, error.description)
        }
    }

    private mutating func checkDirectory(
        _ directory: StreamDirectory, stream: String, path: String, directories: inout [String: String]
    ) {
        let levels = directory.path.split(separator: "/")
        if levels.isEmpty || directory.path.utf8.contains(0) {
            add(
                "\(path).directory",
                "\"\(directory.path)\" is no directory; write a path such as exports/\(stream)")
        } else if directory.path.utf8.count > StreamExport.Limits.pathBytes {
            add(
                "\(path).directory",
                "a path of \(directory.path.utf8.count) bytes is too long; \(StreamExport.Limits.pathBytes) are "
                    + "allowed")
        } else if levels.contains("..") {
            add(
                "\(path).directory",
                "\"\(directory.path)\" leads out of a directory (..); write the path without that")
        } else {
            let plain = levels.filter { $0 != "." }.joined(separator: "/")
            let key = directory.path.hasPrefix("/") ? "/\(plain)" : plain
            if let other = directories.updateValue(stream, forKey: key) {
                add(
                    "\(path).directory",
                    "the stream \"\(other)\" is exported to \"\(directory.path)\" already; write another directory"
                )
            }
        }
        if !StreamDirectory.fileSizes.contains(directory.maxFileSize) {
            add(
                "\(path).maxFileSize",
                "\(directory.maxFileSize) is out of range; write \(StreamDirectory.fileSizes.lowerBound) to "
                    + "\(StreamDirectory.fileSizes.upperBound), 16MiB is the default")
        }
        if !StreamDirectory.fileCounts.contains(directory.maxFiles) {
            add(
                "\(path).maxFiles",
                "\(directory.maxFiles) is out of range; write \(StreamDirectory.fileCounts.lowerBound) to "
                    + "\(StreamDirectory.fileCounts.upperBound), 100 is the default")
        }
    }

    /// Refuses a route from a stream that publishes nothing on the core.
    mutating func checkPublishes(_ name: String, path: String) {
        checkStream(name, path: path)
        guard let stream = streams[name] else { return }
        let isPublished = stream.exports.contains { export in
            if case .topic = export.target { true } else { false }
        }
        guard !isPublished else { return }
        add(path, "the stream \"\(name)\" is not exported to a topic; add topic: TOPIC to its exports")
    }

    /// Refuses a route to the cloud through a stream that does not go there.
    mutating func checkReachesCloud(_ subscription: Subscription, path: String) {
        guard subscription.to == .cloud, let name = subscription.streamName, let stream = streams[name],
            !stream.reachesCloud
        else { return }
        add(
            subscription.via == nil ? "\(path).to" : "\(path).via",
            "the stream \"\(name)\" does not go to the cloud; add cloud to its exports, or write to: stream:\(name)"
        )
    }
}
