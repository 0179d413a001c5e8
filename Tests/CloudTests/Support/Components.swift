import GRPCCore
import HedgerowAPI
import RPCSupport
import SwiftProtobuf

@testable import Cloud

/// The recipe of a component that passes readings on under some topics.
func recipe(
    _ name: String, _ version: String, publish: [String] = ["out/a"], description: String = ""
) -> String {
    var lines = ["kind: Component", "name: \(name)", "version: \(version)"]
    if !description.isEmpty { lines.append("description: \(description)") }
    lines.append("transform:")
    for topic in publish { lines.append("  - publish: \(topic)") }
    return lines.joined(separator: "\n") + "\n"
}

/// A group of core `c` and thing `t` whose readings go through the instance `smooth` to the cloud.
func group(
    version: String = "^1.0", component: String = "smooth", topic: String = "out/#", deadLetters: Bool = true
) -> String {
    """
    kind: Group
    name: g
    cores: [c]
    things: [t]
    components:
      - {name: smooth, component: \(component), version: "\(version)"}
    subscriptions:
      - {from: "thing:t", topic: raw/#, to: "component:smooth"}
      - {from: "component:smooth", topic: \(topic), to: cloud}
    """
        + (deadLetters
            ? "\n  - {from: \"component:smooth\", topic: $dead-letter/smooth, to: cloud}\n" : "\n")
}

extension RunningCloud {
    /// Registers a component.
    @discardableResult
    func push(
        _ admin: ClientIdentity, _ recipe: String, dryRun: Bool = false
    ) async throws -> Hedgerow_Registry_V1_RegisterComponentResponse {
        try await call(as: admin) { client in
            try await Registry(wrapping: client).registerComponent(
                .with {
                    $0.recipe = recipe
                    $0.dryRun = dryRun
                })
        }
    }

    /// One version of a component; the one that is offered where none is named.
    func component(
        _ admin: ClientIdentity, _ name: String, _ version: String = ""
    ) async throws -> Hedgerow_Registry_V1_GetComponentResponse {
        try await call(as: admin) { client in
            try await Registry(wrapping: client).getComponent(
                .with {
                    $0.name = name
                    $0.version = version
                })
        }
    }

    /// Every page of the list of components, or of the versions of one.
    func components(
        _ admin: ClientIdentity, of name: String = "", pageSize: UInt32 = 2
    ) async throws -> [Hedgerow_Registry_V1_ComponentVersion] {
        try await call(as: admin) { client in
            var all: [Hedgerow_Registry_V1_ComponentVersion] = []
            var token = ""
            repeat {
                let page = try await Registry(wrapping: client).listComponents(
                    .with {
                        $0.name = name
                        $0.pageSize = pageSize
                        $0.pageToken = token
                    })
                all += page.components
                token = page.nextPageToken
            } while !token.isEmpty && all.count < 1_000
            return all
        }
    }

    /// Asks for a recipe as a core does.
    func recipe(
        _ core: ClientIdentity, _ component: String, _ version: String
    ) async throws -> Hedgerow_Deployment_V1_GetRecipeResponse {
        try await call(as: core) { client in
            try await Deployments(wrapping: client).getRecipe(
                .with {
                    $0.component = component
                    $0.version = version
                })
        }
    }

    /// A group as an operator sees it.
    func group(_ admin: ClientIdentity, _ name: String) async throws -> Hedgerow_Registry_V1_Group {
        try await call(as: admin) { client in
            try await Registry(wrapping: client).getGroup(.with { $0.name = name }).group
        }
    }
}
