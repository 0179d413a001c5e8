import Components
import Crypto
import Foundation
import Testing
import Transforms

@testable import EdgeCore

/// Recipes that are programs, on a core.
@Suite("Recipes of programs on a core", .timeLimit(.minutes(3)))
struct RecipeProcessTests {
    private static let recipe = """
        kind: Component
        name: press
        version: 1.0.0
        process:
          run: [python3, main.py]
          environment: {LEVEL: info, PORT: 80}
        access: {host: [cpu_temperature], network: true}
        configuration: {high: 80.0, low: 5}
        """

    @Test("are read with the instance's settings over the recipe's")
    func compiling() throws {
        var compiler = RecipeCompiler()
        var instance = ComponentInstance(
            name: "i", component: "press", version: .any, environment: ["PORT": "81", "HALL": "east"])
        instance.configuration.merge = ["high": .int(75)]
        let component = try compiler.compile(
            LockedComponent(
                instance: "i", component: "press", version: SemanticVersion(parsing: "1.0.0"),
                recipeDigest: Array(SHA256.hash(data: Data(Self.recipe.utf8)))), as: instance,
            text: Self.recipe)
        guard case .process(let process) = component.state else {
            Issue.record("it is no program")
            return
        }
        #expect(process.start == .run(.arguments(["python3", "main.py"])))
        #expect(component.configuration == ["high": .double(75), "low": .int(5)])
        #expect(component.environment == ["LEVEL": "info", "PORT": "81", "HALL": "east"])
        #expect(component.recipe?.access == ComponentAccess(host: .cpuTemperature, network: true))
        #expect(component.outputs == [.unknown])
        // A program reads the temperature itself: the core need not take samples for it.
        #expect(component.access == [] && component.problem == nil)
    }
}
