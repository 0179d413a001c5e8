import ArgumentParser
import Dispatch
import Foundation
import GRPCCore

/// `hedgerow-bench await-core`: started before a core, says when that had answered a thing's first request.
struct AwaitCore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "await-core",
        abstract:
            "Wait for a core that is being started, open a session, print the monotonic time in seconds.")

    @Option(help: "Directory with chain.pem and key.pem of the thing.")
    var identity: String

    @Option(help: "PEM file of the core's authorities.")
    var roots: String

    @Option(help: "The core: SERVER-NAME@PORT.")
    var to: Peer

    @Option(help: "Topic of the readings.")
    var topic = "bench/readings"

    func run() async throws {
        let files = try TLSFiles(directory: identity, roots: roots)
        let template = try BatchTemplate(
            topic: topic, readings: 1, base: UInt64(Date().timeIntervalSince1970))
        JSONLine.print(["ready": 1])
        let deadline = ContinuousClock.now + .seconds(60)
        while !accepts() {
            guard ContinuousClock.now < deadline else {
                throw RPCError(code: .unavailable, message: "no core listens on port \(to.port)")
            }
            try await Task.sleep(for: .milliseconds(1))
        }
        let accepted = Self.monotonic()
        try await to.withClient(files, coalescing: false) { client in
            _ = try await PublishLoad(
                template: template, stream: "await", inFlight: 1, chunk: 1, stop: .now
            ).run(client)
        }
        JSONLine.print(["accepted_s": accepted, "answered_s": Self.monotonic()])
    }

    /// Whether something accepts connections on the port.
    private func accepts() -> Bool {
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard socket >= 0 else { return false }
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(to.port).bigEndian)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    /// CLOCK_MONOTONIC, which is the same for every process.
    private static func monotonic() -> Double { Double(DispatchTime.now().uptimeNanoseconds) / 1e9 }
}
