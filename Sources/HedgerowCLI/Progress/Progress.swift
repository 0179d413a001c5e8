/// Says on a terminal what a command waits for, once that takes longer than a second; nowhere else.
///
/// Where standard error is no terminal, or a dumb one, or standard output goes to another program (which may write
/// to the same terminal), nothing is said.
struct Progress: Sendable {
    private let line: StatusLine?
    private let id: Int

    /// Says something else about the same: the seconds go on.
    ///
    /// - Parameter rows: a table above it, as far as there is room.
    func say(_ text: @autoclosure () -> String, rows: @autoclosure () -> [String] = []) {
        line?.replace(id, text(), rows: rows())
    }

    /// Whether anything is shown.
    var isShown: Bool { line != nil }

    /// Shows a text while `body` runs.
    static func show<Value>(
        _ text: @autoclosure () -> String, isolation: isolated (any Actor)? = #isolation,
        _ body: (Progress) async throws -> Value
    ) async throws -> Value {
        guard let line = CommandIO.current.status else {
            return try await body(Progress(line: nil, id: 0))
        }
        let (id, isFirst) = line.begin(text())
        defer { line.end(id) }
        let progress = Progress(line: line, id: id)
        guard isFirst else { return try await body(progress) }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await line.tick() }
            defer { group.cancelAll() }
            return try await body(progress)
        }
    }

    /// Shows a text while `body` runs, where nothing else is shown: others know better what is waited for.
    static func showByDefault<Value>(
        _ text: @autoclosure () -> String, isolation: isolated (any Actor)? = #isolation,
        _ body: () async throws -> Value
    ) async throws -> Value {
        if CommandIO.current.status?.isBusy ?? true { return try await body() }
        return try await show(text()) { _ in try await body() }
    }
}
