import Identity

/// The layer of environment variables.
struct EnvironmentLayer {
    private(set) var layer = SettingLayer()
    private(set) var warnings: [String] = []

    init(environment: [String: String], keys: [SettingKey]) {
        // An empty variable is one that is not set: that is how compose files and units say "none".
        for key in keys {
            if let text = environment[key.environmentVariable], !text.isEmpty {
                layer.set(key, text: text, origin: .environment(key.environmentVariable))
            }
        }
        // Others of the prefix may be meant for another of our programs; only what is nearly right is said.
        let known = Set(keys.map(\.environmentVariable))
        for name in environment.keys.sorted()
        where name.hasPrefix(Settings.environmentPrefix) && !known.contains(name)
            && name != Settings.fileVariable
        {
            let rest = String(name.dropFirst(Settings.environmentPrefix.count))
            let candidates = keys.map {
                String($0.environmentVariable.dropFirst(Settings.environmentPrefix.count))
            }
            if let near = Suggestion.nearest(to: rest, in: candidates) {
                warnings.append(
                    "\(name) is set and means nothing; did you mean \(Settings.environmentPrefix)\(near)?")
            }
        }
    }
}
