import Components
import FoundationEssentials
import GRPCCore
import HedgerowAPI
import Identity
import RPCSupport

extension DeploymentService {
    func getRecipe(
        request: Hedgerow_Deployment_V1_GetRecipeRequest, context: ServerContext
    ) async throws -> Hedgerow_Deployment_V1_GetRecipeResponse {
        let core = try context.peer().principal
        try AuthorizationTable.cloud.authorize(context, for: .core(core.name))
        let (name, version) = try RegistryService.reference(request.component, request.version, "component")
        guard let version else {
            throw HedgerowError(violations: [
                .init(field: "version", description: "is empty; name the exact version")
            ])
        }
        guard let recipe = try await cloud.components.recipe(of: name, version: version) else {
            throw StoreError.notFound("component \"\(name)\" has no version \(version)")
        }
        let id = ComponentID(component: name, version: version)
        guard try await cloud.components.mayRun(id, core: core.name) else {
            throw HedgerowError(
                .permissionDenied, .notYourResource,
                "no deployment has told \(core) to run version \(version) of component \"\(name)\"")
        }
        var response = Hedgerow_Deployment_V1_GetRecipeResponse()
        response.recipe = recipe.text
        response.digest = Data(recipe.component.digest)
        return response
    }
}
