import Configuration

/// The values of one layer, checked, and what was wrong with the others.
struct SettingLayer {
    private(set) var values: [String: (value: SettingValue, origin: SettingOrigin)] = [:]
    private(set) var problems: [String] = []

    mutating func report(_ problem: String) {
        problems.append(problem)
    }

    mutating func set(_ key: SettingKey, text: String, origin: SettingOrigin) {
        set(key, origin: origin) { () throws(InvalidSettingValue) in try key.kind.value(text) }
    }

    mutating func set(_ key: SettingKey, texts: [String], origin: SettingOrigin) {
        set(key, origin: origin) { () throws(InvalidSettingValue) in try key.kind.value(texts) }
    }

    private mutating func set(
        _ key: SettingKey, origin: SettingOrigin, read: () throws(InvalidSettingValue) -> SettingValue
    ) {
        do throws(InvalidSettingValue) {
            values[key.name] = (try read(), origin)
        } catch {
            let message = key.isSecret ? "is not valid; write \(key.kind.expectation)" : error.message
            report("\(key.name) (\(origin)) \(message)")
        }
    }

    /// The values for a provider of swift-configuration.
    func content(keys: [SettingKey]) -> [AbsoluteConfigKey: ConfigValue] {
        var content: [AbsoluteConfigKey: ConfigValue] = [:]
        for key in keys {
            guard let value = values[key.name]?.value else { continue }
            content[AbsoluteConfigKey(ConfigKey(key.name))] = ConfigValue(
                value.content, isSecret: key.isSecret)
        }
        return content
    }
}
