import Foundation
import PKI

/// Finds manifests below a directory, within bounds.
struct DevSearch: Sendable {
    /// How many directories deep is looked; the directory itself is the first.
    static let depth = 3
    /// Most files that are looked at.
    static let files = 200
    /// Most entries of directories that are looked at.
    static let entries = 5_000

    /// A directory that is left out: what `hedgerow dev` keeps.
    let state: String

    /// The files by name, those of a directory before those of its directories, and whether there are more.
    ///
    /// Directories and files whose names begin with a dot are left out. Blocks.
    func manifests(below directory: String) -> (paths: [String], isCut: Bool) {
        var paths: [String] = []
        var seen = 0
        var level = [directory]
        for _ in 0..<Self.depth {
            var next: [String] = []
            for folder in level {
                let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
                for name in names.sorted() where !name.hasPrefix(".") {
                    seen += 1
                    guard seen <= Self.entries else { return (paths, true) }
                    let path = folder.isEmpty || folder == "." ? name : "\(folder)/\(name)"
                    if FileStatus(path: path)?.isDirectory == true {
                        if Self.absolute(path) != state { next.append(path) }
                    } else if [".yaml", ".yml", ".json"].contains(where: { name.hasSuffix($0) }) {
                        guard paths.count < Self.files else { return (paths, true) }
                        paths.append(path)
                    }
                }
            }
            level = next
        }
        return (paths, false)
    }

    /// A path in one spelling.
    static func absolute(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.path }
}
