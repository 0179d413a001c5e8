import GRPCCore
import GRPCProtobuf
import HedgerowAPI
import RPCSupport
import Testing

/// Errors as they travel.
@Suite struct HedgerowErrorTests {
    /// Bytes of the trailers as HTTP/2 counts them: the message with every byte as three, binary values in base64.
    private func trailerBytes(_ error: HedgerowError) -> Int {
        var bytes = error.rpcErrorMessage.utf8.count * 3 + 200
        for (key, value) in error.rpcErrorMetadata {
            switch value {
            case .string(let text): bytes += key.utf8.count + text.utf8.count + 32
            case .binary(let data): bytes += key.utf8.count + (data.count + 2) / 3 * 4 + 32
            }
        }
        return bytes
    }

    private func violations(_ count: Int, text: String) -> [HedgerowError.Violation] {
        (0..<count).map { .init(field: "\($0):1", description: text) }
    }

    @Test(arguments: [10, 100, 2_000]) func trailersStayBelowWhatAPeerTakes(length: Int) throws {
        let text = String(repeating: "é", count: length)
        let error = HedgerowError(
            .invalidArgument, .invalidRecipe, String(repeating: "漢", count: 5_000),
            violations: violations(500, text: text))
        #expect(trailerBytes(error) < 15 << 10)
        let status = RPCError(
            code: error.rpcErrorCode, message: error.rpcErrorMessage, metadata: error.rpcErrorMetadata)
        let read = try #require(HedgerowError(status))
        #expect(read.reason == .invalidRecipe)
        #expect(read.message.hasSuffix("漢…"))
        // The first ones come, each as much of it as is useful.
        #expect(read.violations.count >= 2)
        #expect(read.violations.map(\.field) == (0..<read.violations.count).map { "\($0):1" })
        #expect(read.violations.allSatisfy { $0.description.utf8.count <= 1_500 })
    }

    @Test func whatFitsIsNotCut() throws {
        let error = HedgerowError(
            .invalidArgument, .invalidField, "short", violations: violations(20, text: "wrong"))
        let read = try #require(
            HedgerowError(
                RPCError(
                    code: error.rpcErrorCode, message: error.rpcErrorMessage,
                    metadata: error.rpcErrorMetadata)))
        #expect(read.message == "short")
        #expect(read.violations == error.violations)
    }
}
