import Foundation

/// Where the demo keeps everything.
struct DemoDirectory: Sendable {
    let path: String
    private let isKept: Bool

    /// Makes the directory, with mode 0700.
    init(path: String?, isKept: Bool) throws {
        let chosen =
            path ?? NSTemporaryDirectory() + "/hedgerow-demo-" + UUID().uuidString.prefix(8).lowercased()
        self.path = URL(fileURLWithPath: chosen).standardizedFileURL.path
        self.isKept = isKept
        guard !FileManager.default.fileExists(atPath: self.path) else {
            throw CLIError(
                .wrongUse, "\(self.path) exists already", hint: "give --directory a path that does not exist")
        }
        do {
            try FileManager.default.createDirectory(
                atPath: self.path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw CLIError(
                .failure, "\(self.path) cannot be made", hint: "give --directory a path that may be written")
        }
    }

    /// A directory that is there already and stays.
    init(existing path: String) {
        self.path = path
        self.isKept = true
    }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    func text(_ name: String) -> String {
        (try? String(contentsOfFile: file(name), encoding: .utf8)) ?? ""
    }

    /// The last lines of a log.
    func lastLines(of name: String, count: Int = 8) -> [String] {
        text(name).split(separator: "\n").suffix(count).map(String.init)
    }

    func json(_ name: String) -> [String: Any]? {
        (try? Data(contentsOf: URL(fileURLWithPath: file(name))))
            .flatMap { try? JSONSerialization.jsonObject(with: $0) as? [String: Any] }
    }

    func write(_ text: String, to name: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: file(name)))
    }

    /// Deletes everything, and says on standard error where it cannot.
    ///
    /// It tries again for some seconds: what a program that was just killed had under way may still come or go
    /// while the directory is walked.
    ///
    /// - Returns: whether nothing is left.
    @discardableResult
    func remove(within patience: Duration = .seconds(5), io: CommandIO = .current) async -> Bool {
        let deadline = ContinuousClock.now + patience
        while true {
            do {
                try FileManager.default.removeItem(atPath: path)
                return true
            } catch {
                guard FileManager.default.fileExists(atPath: path) else { return true }
                guard ContinuousClock.now < deadline, !Task.isCancelled else {
                    let left = (try? FileManager.default.subpathsOfDirectory(atPath: path)) ?? []
                    let names = left.prefix(5).joined(separator: ", ")
                    io.note(
                        "\(path) cannot be deleted (\(error.localizedDescription)); left in it: \(names); delete it by hand"
                    )
                    return false
                }
                try? await Task.sleep(for: .milliseconds(20))
            }
        }
    }
}
