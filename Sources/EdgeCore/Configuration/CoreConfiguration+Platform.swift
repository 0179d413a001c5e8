import Components
import Identity

extension CoreConfiguration {
    /// What the machine is, for recipes that name platforms.
    ///
    /// - Throws: ``InvalidPlatformKey`` where one of ``platformKeys`` cannot be read.
    func platform() throws(InvalidPlatformKey) -> Platform {
        var platform = Platform.current
        let known = Set(platform.values.keys)
        for pair in platformKeys {
            let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, EntityName.isValid(parts[0]), (1...128).contains(parts[1].utf8.count)
            else {
                throw InvalidPlatformKey(
                    description: "platform: \"\(pair)\" is not KEY=VALUE, such as camera=none; correct it")
            }
            guard !known.contains(parts[0]) else {
                throw InvalidPlatformKey(
                    description: "platform: the core knows its \(parts[0]) itself; remove \"\(pair)\"")
            }
            platform.values[parts[0]] = parts[1]
        }
        guard platform.values.count <= Platform.maximumKeys else {
            throw InvalidPlatformKey(
                description: "platform: \(platformKeys.count) keys are too many; at most "
                    + "\(Platform.maximumKeys - known.count) are allowed")
        }
        return platform
    }
}
