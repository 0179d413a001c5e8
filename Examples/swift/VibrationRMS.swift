import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import SwiftProtobuf

/// A component in Swift: every few seconds the root mean square of the accelerations that each machine sent since the last time.
///
/// It keeps the readings in hand until it has made the mean of them, and then answers all of them in one request. The core
/// stores that in one transaction: whenever the program or the core ends, each reading is in exactly one mean.
@main
struct VibrationRMS {
    typealias Service = Hedgerow_Component_V1_ComponentService

    /// Most readings in hand; more wait at the core.
    static let credit: UInt32 = 1_000
    /// Time between two means, unless `SECONDS` says another.
    static let interval = 5.0

    static func main() async throws {
        let environment = ProcessInfo.processInfo.environment
        guard let socket = environment["HEDGEROW_SOCKET"], let token = environment["HEDGEROW_TOKEN"] else {
            FileHandle.standardError.write(
                Data(
                    "HEDGEROW_SOCKET and HEDGEROW_TOKEN are not set: a core runs this, as a component\n".utf8)
            )
            exit(64)
        }
        let seconds = environment["SECONDS"].flatMap(Double.init) ?? interval
        let transport = try HTTP2ClientTransport.Posix(
            target: .unixDomainSocket(path: socket), transportSecurity: .plaintext)
        try await withGRPCClient(transport: transport) { client in
            let core = Service.Client(wrapping: client)
            let metadata: Metadata = ["authorization": "Bearer \(token)"]
            let found = try await core.getComponent(.init(), metadata: metadata)
            print("\(found.instance) of group \(found.group) makes means of \(seconds) s")
            try await run(core, metadata, every: .seconds(seconds))
        }
    }

    /// Receives readings and answers them until the core ends the stream.
    static func run(
        _ core: Service.Client<HTTP2ClientTransport.Posix>, _ metadata: Metadata, every interval: Duration
    ) async throws {
        let hand = Hand()
        let (requests, requester) = AsyncStream.makeStream(of: Hedgerow_Component_V1_ReceiveRequest.self)
        requester.yield(
            .with {
                $0.start = .init()
                $0.addCredit = credit
            })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await core.receive(
                    metadata: metadata,
                    requestProducer: { writer in
                        for await request in requests { try await writer.write(request) }
                    },
                    onResponse: { response in
                        for try await message in response.messages { await hand.take(message.events) }
                    })
            }
            group.addTask {
                while true {
                    try await Task.sleep(for: interval)
                    if let answer = await hand.answer() { requester.yield(answer) }
                }
            }
            try await group.next()
            group.cancelAll()
        }
    }
}
