import Identity

/// The layer of flags: `--name value`, `--name=value`, `--name` and `--no-name` for truth values.
struct FlagLayer {
    private(set) var layer = SettingLayer()
    private(set) var configurationFile: String?

    init(arguments: [String], keys: [SettingKey]) {
        let byFlag = Dictionary(keys.map { ($0.flag, $0) }, uniquingKeysWith: { first, _ in first })
        var lists: [String: [String]] = [:]
        var seen = Set<String>()
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            guard argument.hasPrefix("--"), argument != "--" else {
                layer.report("\"\(argument.prefix(60))\" is no flag; flags are written --name value")
                continue
            }
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let flag = String(parts[0])
            var value = parts.count > 1 ? String(parts[1]) : nil
            let isFile = flag == Settings.fileFlag
            let negated = byFlag["--" + flag.dropFirst("--no-".count)].flatMap { key in
                flag.hasPrefix("--no-") && key.kind == .boolean ? key : nil
            }
            guard let key = byFlag[flag] ?? negated ?? (isFile ? Self.fileKey : nil) else {
                let near = Suggestion.nearest(to: flag, in: keys.map(\.flag) + [Settings.fileFlag])
                layer.report(
                    "the flag \(flag.prefix(80)) is not known; "
                        + (near.map { "did you mean \($0)?" } ?? "\"config print\" shows every key"))
                // Its value is not to be taken for another mistake.
                if value == nil, rest.first?.hasPrefix("--") == false { rest.removeFirst() }
                continue
            }
            if key.kind == .boolean, byFlag[flag] == nil {
                if value != nil { layer.report("the flag \(flag) takes no value; write \(flag) alone") }
                value = "false"
            } else if key.kind == .boolean, value == nil {
                value = ["true", "false"].contains(rest.first) ? rest.popFirst() : "true"
            } else if value == nil {
                value = rest.first?.hasPrefix("--") == true ? nil : rest.popFirst()
            }
            guard let value else {
                layer.report("the flag \(flag) lacks its value; write \(key.kind.expectation)")
                continue
            }
            if key.kind == .list {
                lists[key.name, default: []] += value.split(separator: ",").map(String.init)
                layer.set(key, texts: lists[key.name] ?? [], origin: .flag(flag))
                continue
            }
            guard seen.insert(key.name).inserted else {
                layer.report("the flag \(flag) is given twice; remove one")
                continue
            }
            if isFile { configurationFile = value } else { layer.set(key, text: value, origin: .flag(flag)) }
        }
    }

    private static let fileKey = SettingKey(
        name: "config", .path, summary: "Configuration file (YAML or JSON).")
}
