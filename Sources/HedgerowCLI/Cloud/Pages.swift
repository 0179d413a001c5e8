/// Walks through all pages of a list.
enum Pages {
    /// Most pages of one walk; a server that never ends its list does not hold the command for ever.
    static let most = 1_000_000

    /// Gets page after page and hands each to `use`, until there is none or `use` returns false.
    ///
    /// - Parameters:
    ///   - get: asks for the page of a token, empty for the first; returns its elements and the next token.
    ///   - use: takes a page's elements; false ends the walk.
    static func walk<Element>(
        get: (_ token: String) async throws -> (elements: [Element], next: String),
        use: ([Element]) async throws -> Bool
    ) async throws {
        var token = ""
        for _ in 0..<most {
            let page = try await get(token)
            guard try await use(page.elements), !page.next.isEmpty else { return }
            // A server that answers with the same token again would never end.
            if page.next == token {
                throw CLIError(
                    .failure, "the cloud repeated a page token", hint: "report this as a fault of the cloud")
            }
            token = page.next
        }
    }

    /// All elements of all pages.
    static func all<Element>(
        get: (_ token: String) async throws -> (elements: [Element], next: String)
    ) async throws -> [Element] {
        var all: [Element] = []
        try await walk(get: get) { page in
            all += page
            return true
        }
        return all
    }
}
