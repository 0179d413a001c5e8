import FoundationEssentials
import Identity
import Yams

/// The layer of the configuration file, YAML or JSON; keys nested or dotted.
struct FileLayer {
    private(set) var layer = SettingLayer()
    private let path: String
    private let keys: [String: SettingKey]
    /// How many nodes may still be visited: aliases may make a small file large.
    private var budget = 100_000

    init(path: String?, keys: [SettingKey]) {
        self.path = path ?? ""
        self.keys = Dictionary(keys.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        guard let path else { return }
        do {
            let data = try Data(contentsOf: URL(filePath: path))
            guard data.count <= Settings.maximumFileSize else {
                layer.report("the configuration file \(path) has \(data.count) bytes; at most 1 MiB is read")
                return
            }
            guard let text = String(data: data, encoding: .utf8) else {
                layer.report("the configuration file \(path) is not UTF-8; save it as UTF-8")
                return
            }
            guard let root = try Yams.compose(yaml: text) else { return }
            if case .scalar(let scalar) = root, scalar.string.isEmpty { return }
            read(root, prefix: "")
        } catch let error as YamlError {
            layer.report("the configuration file \(path) is not YAML or JSON: \(Self.oneLine(error))")
        } catch {
            layer.report(
                "the configuration file \(path) cannot be read (\(Self.reason(error))); check the path and its mode"
            )
        }
    }

    private mutating func read(_ node: Node, prefix: String) {
        budget -= 1
        guard budget > 0 else {
            if budget == 0 {
                layer.report("the configuration file \(path) has too many values; remove its aliases")
            }
            return
        }
        let line = node.mark?.line ?? 1
        guard case .mapping(let mapping) = node else {
            let what = prefix.isEmpty ? "the configuration file \(path)" : "\(prefix) (\(path):\(line))"
            layer.report("\(what) has to be a mapping (key: value)")
            return
        }
        for (keyNode, value) in mapping {
            let line = keyNode.mark?.line ?? line
            guard let part = keyNode.string else {
                layer.report("a key of \(path):\(line) is no text")
                continue
            }
            let name = prefix.isEmpty ? part : "\(prefix).\(part)"
            if let key = keys[name] {
                set(key, to: value, line: line)
            } else if keys.keys.contains(where: { $0.hasPrefix(name + ".") }) {
                read(value, prefix: name)
            } else {
                let near = Suggestion.nearest(to: name, in: keys.keys.sorted())
                layer.report(
                    "the key \(name.prefix(80)) (\(path):\(line)) is not known; "
                        + (near.map { "did you mean \($0)?" } ?? "\"config print\" shows every key"))
            }
        }
    }

    private mutating func set(_ key: SettingKey, to node: Node, line: Int) {
        let origin = SettingOrigin.file(path, line: line)
        if layer.values[key.name] != nil {
            layer.report("\(key.name) (\(origin)) is there twice; remove one")
            return
        }
        switch node {
        case .scalar(let scalar): layer.set(key, text: scalar.string, origin: origin)
        case .sequence(let sequence):
            let texts = sequence.map { $0.scalar?.string }
            if texts.contains(nil) {
                layer.report(
                    "\(key.name) (\(origin)) has an element that is no text; write \(key.kind.expectation)")
            } else {
                layer.set(key, texts: texts.compactMap { $0 }, origin: origin)
            }
        case .mapping, .alias:
            layer.report("\(key.name) (\(origin)) is a mapping; write \(key.kind.expectation)")
        }
    }

    // MARK: Errors

    private static func oneLine(_ error: YamlError) -> String {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            "\(problem) on line \(mark.line)"
        case .duplicatedKeysInMapping(let duplicates, let context):
            "the key \(duplicates.joined(separator: ", ")) is there twice, first on line \(context.mark.line)"
        case .reader(let problem, _, _, _): problem
        case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded: "it cannot be read"
        }
    }

    private static func reason(_ error: any Error) -> String {
        switch (error as? CocoaError)?.code {
        case .fileReadNoSuchFile?, .fileNoSuchFile?: "there is no such file"
        case .fileReadNoPermission?: "permission denied"
        default: "\(error)".split(separator: "\n").first.map(String.init) ?? "unknown"
        }
    }
}
