import GRPCCore
import HedgerowAPI
import Identity
import RPCSupport

extension RegistryService {
    /// Most files of one check.
    private static let maximumFiles = 1_000
    /// Most bytes of the files of one check together: below the limit of a gRPC message.
    private static let maximumManifestBytes = 3 << 20

    func checkManifests(
        request: Hedgerow_Registry_V1_CheckManifestsRequest, context: ServerContext
    ) async throws -> Hedgerow_Registry_V1_CheckManifestsResponse {
        try AuthorizationTable.cloud.authorize(context, for: .none)
        var check = RequestCheck()
        check.require(!request.files.isEmpty, "files", "is empty; send at least one")
        check.require(
            request.files.count <= Self.maximumFiles, "files",
            "has \(request.files.count) entries; at most \(Self.maximumFiles) are allowed")
        let bytes = request.files.reduce(0) { $0 + $1.text.utf8.count }
        check.require(
            bytes <= Self.maximumManifestBytes, "files",
            "have \(bytes) bytes together; at most \(Self.maximumManifestBytes) (3 MiB) are allowed, send them in parts"
        )
        try check.finish()
        var trial = ManifestTrial(cloud, try ManifestTrial.read(request.files.map(\.text)))
        var response = Hedgerow_Registry_V1_CheckManifestsResponse()
        response.manifests = try await trial.run()
        return response
    }
}
