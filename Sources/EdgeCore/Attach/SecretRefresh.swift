import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HedgerowAPI
import Logging
import Messaging
import RPCSupport
import StreamStore

/// Keeps the secrets of what runs as they are in the cloud, while the core is attached.
struct SecretRefresh: Sendable {
    let parts: AttachAgent.Parts
    /// Set in each attachment, and when the cloud says that they changed.
    let wanted: Signal

    /// Asks over the attachment's connection, whenever that is wanted, until the task is cancelled.
    func run(_ client: GRPCClient<HTTP2ClientTransport.Posix>) async {
        guard let programs = parts.programs else { return }
        let service = SecretKeeper.Client(wrapping: client)
        while true {
            await wanted.wait()
            var backoff = Backoff(
                initial: parts.timing.reconnect.first, maximum: parts.timing.reconnect.longest)
            while !Task.isCancelled {
                do {
                    try await programs.secrets.refresh(
                        programs.wantedSecrets, from: service, within: parts.timing.recipe)
                    break
                } catch {
                    guard !Task.isCancelled else { return }
                    let isTransient = (error as? RPCError).map(RevisionPreparation.isTransient) ?? false
                    let wait = backoff.next()
                    let reason = (error as? RPCError).map { CallerError($0).message } ?? "\(error)"
                    parts.logger.warning(
                        "secrets could not be brought up to date; programs get those of before",
                        metadata: [
                            "error.message": "\(reason)",
                            "retry.after": isTransient ? "\(wait)" : "the next attachment",
                        ])
                    guard isTransient, (try? await Task.sleep(for: wait)) != nil else { break }
                }
            }
            if Task.isCancelled { return }
        }
    }
}
