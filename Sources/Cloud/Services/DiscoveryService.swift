import GRPCCore
import HedgerowAPI
import Identity
import RPCSupport

/// Says which cores a thing can use, and whom to trust there.
struct DiscoveryService: Hedgerow_Discovery_V1_DiscoveryService.SimpleServiceProtocol {
    let cloud: CloudContext

    init(_ cloud: CloudContext) {
        self.cloud = cloud
    }

    func discover(
        request: Hedgerow_Discovery_V1_DiscoverRequest, context: ServerContext
    ) async throws -> Hedgerow_Discovery_V1_DiscoverResponse {
        let caller = try context.peer().principal
        let thing = request.thing.isEmpty && caller.role == .thing ? caller.name : request.thing
        try AuthorizationTable.cloud.authorize(context, for: .thing(thing))
        var check = RequestCheck()
        check.name(thing, "thing")
        try check.finish()
        guard cloud.directory.kind(of: thing) == .thing else {
            throw StoreError.notFound("no thing named \"\(thing)\" is registered")
        }
        // Only cores that run a revision with the thing: others would refuse it.
        let serving = cloud.directory.coresServing(thing: thing)
        guard !serving.isEmpty else { throw notServed(thing) }

        var response = Hedgerow_Discovery_V1_DiscoverResponse()
        for (group, names) in serving.sorted(by: { $0.key < $1.key }) {
            response.groups.append(try await discovered(group, cores: names))
        }
        return response
    }

    private func discovered(
        _ group: String, cores names: [String]
    ) async throws -> Hedgerow_Discovery_V1_DiscoveredGroup {
        let records = try await cloud.deployments.cores(named: names)
        var discovered = Hedgerow_Discovery_V1_DiscoveredGroup()
        discovered.group = group
        discovered.caCertificates = try await cloud.groupAuthorities.trusted(group).map(\.certificatePEM)
        for name in names {
            var core = Hedgerow_Discovery_V1_DiscoveredCore()
            core.core = name
            core.spiffeID = try Principal(role: .core, name: name).spiffeID(trustDomain: cloud.trustDomain)
            core.serverName = CoreServerName.name(forCore: name)
            core.endpoints = (records[name]?.endpoints ?? []).map(Hedgerow_Type_V1_Endpoint.init)
            discovered.cores.append(core)
        }
        return discovered
    }

    private func notServed(_ thing: String) -> HedgerowError {
        guard let group = cloud.directory.group(ofThing: thing) else {
            return HedgerowError(
                .notFound, .notInGroup,
                "no group names the thing \"\(thing)\"; add it to a group's definition, apply that and deploy the group"
            )
        }
        return HedgerowError(
            .notFound, .membershipNotDeployed,
            "the group \"\(group)\" names the thing \"\(thing)\", but no core runs a revision with it yet; deploy the "
                + "group (hedgerow deploy \(group)), or wait for the deployment to finish",
            details: ["group": group])
    }
}
