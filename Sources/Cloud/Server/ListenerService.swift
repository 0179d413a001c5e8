import GRPCCore
import GRPCNIOTransportHTTP2Posix
import RPCSupport
import ServiceLifecycle

/// A listener as a service; where it cannot be opened, it says which one and what to do.
struct ListenerService: Service {
    let server: GRPCServer<HTTP2ServerTransport.Posix>
    let listener: CloudConfiguration.Listener
    /// The setting that chooses another port.
    let setting: String

    func run() async throws {
        do {
            try await GRPCServerService(server).run()
        } catch let error as RuntimeError where error.code == .transportError {
            throw CloudStartError.cannotListen(
                setting: setting, address: "\(listener.host):\(listener.port)",
                reason: error.cause.map { "\($0)" } ?? error.message)
        }
    }
}
