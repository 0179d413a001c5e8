import Foundation
import GRPCCore
import HedgerowAPI
import ShadowStore
import Shadows
import SwiftProtobuf

/// One stream of events. It remembers where it is and nothing else: what is to be told is read from the store, page by
/// page, as fast as the client takes it.
struct ShadowWatch<Backend: ShadowBackend>: Sendable {
    typealias Response = Hedgerow_Shadow_V1_WatchShadowResponse

    let backend: Backend
    let scope: ShadowScope
    /// Kinds that are told.
    let kinds: Set<Hedgerow_Shadow_V1_ShadowEventKind>
    let start: Start

    /// Where to begin.
    enum Start: Sendable {
        /// With the documents as they are.
        case present
        /// Behind a version of the one shadow.
        case version(UInt64)
        /// Where another stream ended.
        case position(ShadowPosition)
    }

    /// Where a stream is.
    private struct Cursor: Sendable {
        var database = Data()
        /// Everything up to the change of this number was told.
        var change: Int64 = 0
        /// Number of the newest change when following began, while documents are told.
        var moment: Int64?
        /// Events that were told of the change that comes next.
        var told = 0
    }

    /// Serves until the call is over.
    func run(to writer: RPCWriter<Response>) async throws {
        // Following begins before the first look, so that nothing is missed between the two.
        let watcher = backend.hub.watch(scope)
        defer { backend.hub.remove(watcher) }
        var cursor = Cursor()
        for response in try await begin(&cursor) { try await writer.write(response) }
        var isCaughtUp = false
        while true {
            try Task.checkCancellation()
            let isAtEnd = try await step(&cursor, to: writer)
            for refusal in watcher.takeRejected() where kinds.contains(.rejected) {
                try await writer.write(
                    .with {
                        $0.thing = refusal.key.thing
                        $0.name = refusal.key.name
                        $0.kind = .rejected
                        $0.document = refusal.document
                    })
            }
            guard isAtEnd else { continue }
            if !isCaughtUp {
                isCaughtUp = true
                let position = position(of: cursor, .event(change: cursor.change, told: 0))
                try await writer.write(
                    .with {
                        $0.caughtUp = true
                        $0.position = position
                    })
            }
            await watcher.wait()
        }
    }

    // MARK: The beginning

    /// Finds where to begin.
    ///
    /// - Returns: what is to be said before anything else.
    private func begin(_ cursor: inout Cursor) async throws -> [Response] {
        let (scope, start) = (scope, start)
        let (database, newest, known) = try await backend.read { shadows in
            let names = (try shadows.databaseName(), try shadows.newestChange())
            guard case .version(let version) = start, case .shadow(let key) = scope else {
                return (names.0, names.1, nil as Int64?)
            }
            return (names.0, names.1, try shadows.change(of: key, version: version))
        }
        cursor.database = database
        switch start {
        case .present:
            cursor.moment = newest
        case .version:
            if let known {
                cursor.change = known
            } else {
                // Not kept, or of a shadow that was forgotten since.
                cursor.moment = newest
                return [skipped]
            }
        case .position(let position):
            guard position.database == ShadowPosition(database: database, position.place).database else {
                cursor.moment = newest
                return [skipped]
            }
            switch position.place {
            case .present(let change, let moment) where moment <= newest:
                (cursor.change, cursor.moment) = (change, moment)
            case .event(let change, let told) where change <= newest:
                (cursor.change, cursor.told) = told == 0 ? (change, 0) : (change - 1, told)
            default:
                cursor.moment = newest
                return [skipped]
            }
        }
        return []
    }

    /// Something is not known any more of all that was asked for.
    private var skipped: Response {
        .with {
            switch scope {
            case .all: break
            case .thing(let thing): $0.thing = thing
            case .shadow(let key):
                $0.thing = key.thing
                $0.name = key.name
            }
            $0.kind = .skipped
        }
    }

    // MARK: Page by page

    /// Tells one page.
    ///
    /// - Returns: whether there is nothing more now.
    private func step(_ cursor: inout Cursor, to writer: RPCWriter<Response>) async throws -> Bool {
        let (scope, change) = (scope, cursor.change)
        if let moment = cursor.moment {
            let page = try await backend.read {
                try $0.present(scope, after: change, asOf: moment)
            }
            for event in page.events {
                cursor.change = event.change
                guard let document = event.shadow.document else { continue }
                try await writer.write(
                    response(
                        event, .current, document.getResponse(),
                        position(of: cursor, .present(change: event.change, moment: moment))))
            }
            cursor.change = page.last
            if page.isAtEnd {
                cursor.change = moment
                cursor.moment = nil
            }
            return false
        }
        let page = try await backend.read { try $0.events(scope, after: change) }
        for event in page.events {
            try await tell(event, skipping: event.change == change + 1 ? cursor.told : 0, cursor, to: writer)
            cursor.told = 0
        }
        cursor.change = page.last
        return page.isAtEnd
    }

    private func tell(
        _ event: ShadowEvent, skipping told: Int, _ cursor: Cursor, to writer: RPCWriter<Response>
    ) async throws {
        var parts: [(Hedgerow_Shadow_V1_ShadowEventKind, String)] = []
        var told = told
        switch event.kind {
        case .present:
            break
        case .skipped(let acceptedText):
            // What came before it may have been the other events of a change that was told in part.
            told = 0
            parts.append((.skipped, ""))
            parts.append(
                event.shadow.document.map { (.current, $0.getResponse()) } ?? (.deleted, acceptedText))
        case .changed(let step) where step.isDeletion:
            if kinds.contains(.deleted) { parts.append((.deleted, step.acceptedText)) }
        case .changed(let step):
            if kinds.contains(.accepted) { parts.append((.accepted, step.acceptedText)) }
            if kinds.contains(.delta), let delta = step.deltaText { parts.append((.delta, delta)) }
            if kinds.contains(.documents), let text = step.documentsText { parts.append((.documents, text)) }
        }
        for (index, part) in parts.enumerated() where index >= told {
            let isLast = index == parts.count - 1
            try await writer.write(
                response(
                    event, part.0, part.1,
                    position(of: cursor, .event(change: event.change, told: isLast ? 0 : index + 1))))
        }
    }

    private func response(
        _ event: ShadowEvent, _ kind: Hedgerow_Shadow_V1_ShadowEventKind, _ document: String,
        _ position: String
    ) -> Response {
        .with {
            $0.thing = event.key.thing
            $0.name = event.key.name
            $0.kind = kind
            $0.version = event.shadow.version
            $0.document = document
            $0.position = position
        }
    }

    private func position(of cursor: Cursor, _ place: ShadowPosition.Place) -> String {
        ShadowPosition(database: cursor.database, place).text
    }
}
