public import Foundation

/// Cases that other projects published, read from the folder that `HEDGEROW_VECTORS` names (by default
/// `shared/vectors` beside the checkout). They are never part of this repository.
public enum VectorSet {
    /// One case.
    public struct Line {
        /// Its name.
        public let id: String
        /// The decoded JSON object.
        public let value: [String: Any]
    }

    /// Where the sets lie.
    public static var folder: URL {
        if let path = ProcessInfo.processInfo.environment["HEDGEROW_VECTORS"], !path.isEmpty {
            return URL(fileURLWithPath: path)
        }
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return root.deletingLastPathComponent().appendingPathComponent("shared/vectors")
    }

    /// Whether the folder is there.
    public static var isAvailable: Bool { FileManager.default.fileExists(atPath: folder.path) }

    /// Every line of every file whose name begins with the set's name.
    public static func lines(of set: String) throws -> [Line] {
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { $0.lastPathComponent.hasPrefix("\(set).") && $0.pathExtension == "jsonl" }
            .sorted { $0.lastPathComponent < $1.lastPathComponent }
        return try files.flatMap { file in
            try String(contentsOf: file, encoding: .utf8).split(separator: "\n").enumerated().map {
                index, text in
                let value = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] ?? [:]
                return Line(
                    id: value["id"] as? String ?? "\(file.lastPathComponent):\(index + 1)", value: value)
            }
        }
    }
}
