import Foundation
import GRPCCore
import HedgerowAPI
import RPCSupport
import SwiftProtobuf
import Synchronization

extension FakeRegistry {
    private func secret(_ key: String, _ value: Data) -> Hedgerow_Registry_V1_Secret {
        let parts = key.split(separator: "/").map(String.init)
        return .with {
            $0.group = parts[0]
            $0.name = parts[1]
            $0.version = 2
            $0.sizeBytes = UInt32(value.count)
            $0.updateTime = .init(seconds: 1_777_890_600)
            $0.author = "ann"
        }
    }

    func setSecret(
        request: Hedgerow_Registry_V1_SetSecretRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_SetSecretResponse {
        guard request.group == "press-hall" else {
            throw HedgerowError(.notFound, .notFound, "no group named \"\(request.group)\" exists")
        }
        let key = "\(request.group)/\(request.name)"
        let before = cloud.state.withLock { $0.secrets.updateValue(request.value, forKey: key) }
        return .with {
            $0.secret = secret(key, request.value)
            $0.changed = before != request.value
            $0.notifiedCores = 2
        }
    }

    func deleteSecret(
        request: Hedgerow_Registry_V1_DeleteSecretRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_DeleteSecretResponse {
        guard
            cloud.state.withLock({ $0.secrets.removeValue(forKey: "\(request.group)/\(request.name)") })
                != nil
        else { throw HedgerowError(.notFound, .notFound, "there is no such secret") }
        return .init()
    }

    func listSecrets(
        request: Hedgerow_Registry_V1_ListSecretsRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_ListSecretsResponse {
        .with { response in
            response.secrets = cloud.state.withLock { $0.secrets }.sorted { $0.key < $1.key }
                .map { secret($0.key, $0.value) }
        }
    }
}
