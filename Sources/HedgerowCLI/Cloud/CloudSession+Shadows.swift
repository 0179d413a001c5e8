import GRPCCore
import HedgerowAPI
import RPCSupport

extension CloudSession {
    /// Runs a call about a shadow, and says in people's words why it was refused. Servers answer with the words of the
    /// reserved topics, which programs compare.
    func about<Reply>(_ shadow: ShadowArgument, _ body: () async throws -> Reply) async throws -> Reply {
        do {
            return try await body()
        } catch let error as RPCError {
            let answered = CallerError(error)
            switch answered.kind {
            case .answered(.shadowNotFound):
                throw CLIError(
                    .notFound, "there is no shadow \(shadow.title)",
                    hint: "hedgerow shadow list \(Text.printable(shadow.thing)) has those that there are")
            case .answered(.shadowVersionConflict):
                throw CLIError(
                    .failure,
                    "the shadow \(shadow.title) \(try await standing(of: shadow)); nothing was changed",
                    hint: "look at it with hedgerow shadow get, and decide anew")
            case .answered(.shadowConditionFalse), .answered(.invalidShadowDocument),
                .answered(.shadowTooLarge),
                .answered(.invalidExpression):
                let message = answered.message.prefix(1).lowercased() + answered.message.dropFirst()
                throw CLIError(
                    CLIError(answered).status, message, hint: answered.hint ?? "nothing was changed")
            default: throw error
            }
        }
    }

    /// How a shadow stands that has another version than was said.
    private func standing(of shadow: ShadowArgument) async throws -> String {
        var request = Hedgerow_Shadow_V1_GetShadowRequest()
        request.thing = shadow.thing
        request.name = shadow.name
        do {
            return "has version \(try await shadows.getShadow(request, options: options).version) now"
        } catch let error as RPCError where CallerError(error).kind == .answered(.shadowNotFound) {
            return "does not exist now"
        }
    }

    /// All shadows of a thing; of all things where its name is empty.
    func summaries(of thing: String) async throws -> [ShadowText.Summary] {
        try await Pages.all { token in
            var request = Hedgerow_Shadow_V1_ListShadowsRequest()
            request.thing = thing
            request.pageSize = 1_000
            request.pageToken = token
            let page = try await shadows.listShadows(request, options: options)
            return (page.shadows, page.nextPageToken)
        }
    }
}
