import GRPCCore
import HedgerowAPI
import Identity
import Logging
import RPCSupport

/// Things, groups and credentials, for operators.
///
/// Each function checks who asks, checks the request, has a store do the work, tells those who need to know, and
/// answers. The functions are in extensions, one file for each kind of resource.
struct RegistryService: Hedgerow_Registry_V1_RegistryService.SimpleServiceProtocol {
    let cloud: CloudContext

    init(_ cloud: CloudContext) {
        self.cloud = cloud
    }

    /// Certificates of an identity are cut off: no new call passes, open ones end, cores are told.
    func cutOff(_ principal: Principal, revoked serialNumbers: [String]) {
        cloud.revocations.add(serialNumbers)
        cloud.activeCalls.cancel(principal)
        cloud.hub.postToAll(.revocations)
        cloud.logger.notice(
            "certificates revoked",
            metadata: ["principal": "\(principal)", "count": "\(serialNumbers.count)"])
    }
}
