import GRPCCore
import Tracing

/// The parts of a response, with a span that ends with the last one, or with the error in its place.
struct SpannedParts<Output: Sendable>: AsyncSequence, Sendable {
    typealias Part = StreamingClientResponse<Output>.Contents.BodyPart
    typealias Base = RPCAsyncSequence<Part, any Error>

    let base: Base
    let span: any Span

    struct AsyncIterator: AsyncIteratorProtocol {
        var base: Base.AsyncIterator
        let span: any Span

        mutating func next() async throws -> Part? {
            do {
                let part = try await base.next()
                if part == nil { span.succeed() }
                return part
            } catch {
                span.fail(error)
                throw error
            }
        }

        mutating func next(isolation actor: isolated (any Actor)?) async throws(any Error) -> Part? {
            do {
                let part = try await base.next(isolation: actor)
                if part == nil { span.succeed() }
                return part
            } catch {
                span.fail(error)
                throw error
            }
        }
    }

    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(base: base.makeAsyncIterator(), span: span)
    }
}
