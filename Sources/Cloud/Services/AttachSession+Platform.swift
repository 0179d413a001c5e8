import Components
import HedgerowAPI
import RPCSupport

extension AttachSession {
    /// What a core says that it runs on; nil where it says nothing.
    static func platform(_ values: [String: String], _ check: inout RequestCheck) -> Platform? {
        check.require(
            values.count <= Platform.maximumKeys, "hello.platform",
            "has \(values.count) keys; at most \(Platform.maximumKeys) are allowed")
        check.require(
            values.allSatisfy {
                (1...128).contains($0.key.utf8.count) && (1...128).contains($0.value.utf8.count)
            },
            "hello.platform", "has a key or a value that is empty or has more than 128 bytes")
        return values.isEmpty ? nil : Platform(values: values)
    }
}
