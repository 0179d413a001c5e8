import Shadows

/// A document as a server sent it, taken apart.
struct ShadowView: Sendable {
    /// The whole.
    let document: ShadowValue

    /// Reads a document. An empty text, which stands for a deleted shadow, is an empty document.
    ///
    /// - Throws: ``CLIError`` where it is no JSON.
    init(_ text: String) throws(CLIError) {
        if text.isEmpty {
            document = .object([:])
            return
        }
        guard let parsed = ShadowJSON.parse(text) else {
            throw CLIError(
                .failure, "the cloud sent a document that is no JSON",
                hint: "report this as a fault of the cloud")
        }
        document = parsed
    }

    init(_ document: ShadowValue?) {
        self.document = document ?? .object([:])
    }

    var desired: ShadowValue? { document["state"]?["desired"] }
    var reported: ShadowValue? { document["state"]?["reported"] }
    var delta: ShadowValue? { document["state"]?["delta"] }

    /// Desired and reported, without what follows from them.
    var state: ShadowValue {
        var sections: [String: ShadowValue] = [:]
        if let desired { sections["desired"] = desired }
        if let reported { sections["reported"] = reported }
        return .object(sections)
    }

    /// When the value at a place of a section was written, in seconds since 1970; nil where the document does not say.
    func time(of path: ShadowPath, in section: String) -> Int64? {
        var place = document["metadata"]?[section]
        for key in path.keys { place = place?[key] }
        switch place?["timestamp"] {
        case .integer(let seconds)?: return seconds
        default: return nil
        }
    }
}
