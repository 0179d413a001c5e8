/// The rule for paths that a recipe asks for: absolute, and in the one spelling that compares as text.
public enum AccessPathRule {
    /// What is wrong with a path of `access.read` or `access.write`, one sentence; nil where nothing is.
    public static func problem(withPath path: String) -> String? {
        if let problem = spelling(path) { return problem }
        if path == "/" { return "/ is everything there is; name the folders that the component needs" }
        if isDevice(path) { return "\(shown(path)) is a device; write it under \"devices\"" }
        return nil
    }

    /// What is wrong with a path of `access.devices`, one sentence; nil where nothing is.
    public static func problem(withDevice path: String) -> String? {
        if let problem = spelling(path) { return problem }
        return path.hasPrefix("/dev/") ? nil : "\(shown(path)) is no device; write a path below /dev"
    }

    private static func isDevice(_ path: String) -> Bool { path == "/dev" || path.hasPrefix("/dev/") }

    private static func spelling(_ path: String) -> String? {
        if !path.hasPrefix("/") {
            return path.isEmpty
                ? "the path is empty; write an absolute one"
                : "\"\(shown(path))\" is not an absolute path; write one that begins with /"
        }
        if path.utf8.count > ComponentAccess.maximumPathBytes {
            return
                "the path has \(path.utf8.count) bytes; at most \(ComponentAccess.maximumPathBytes) are allowed"
        }
        if path.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
            return "the path contains a control character; remove it"
        }
        if path == "/" { return nil }
        let parts = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        if parts.contains("..") || parts.contains(".") || parts.contains("") {
            return
                "\"\(shown(path))\" has . or .. or an empty part; write the path that it leads to, without a / "
                + "at its end"
        }
        return nil
    }

    private static func shown(_ path: String) -> String {
        path.count > 60 ? "\(path.prefix(60))…" : path
    }
}
