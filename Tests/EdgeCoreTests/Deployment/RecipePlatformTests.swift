import Components
import Crypto
import Foundation
import HedgerowAPI
import SwiftProtobuf
import Testing

@testable import EdgeCore

/// What the core checks of a lock and of the platforms of a recipe.
@Suite struct RecipePlatformTests {
    private func compile(_ platforms: String, on platform: Platform?) throws -> RunningComponent {
        let text =
            "kind: Component\nname: c\nversion: 1.0.0\n\(platforms)\ntransform: [{publish: out/a}]\n"
        var compiler = RecipeCompiler(platform: platform)
        return try compiler.compile(
            LockedComponent(
                instance: "i", component: "c", version: SemanticVersion(parsing: "1.0.0"),
                recipeDigest: Array(SHA256.hash(data: Data(text.utf8)))), text: text)
    }

    @Test func aRecipeForAnotherPlatformIsRefusedWithTheReason() throws {
        let pi = Platform(os: "linux", architecture: "aarch64", free: ["camera": "imx219"])
        let here = "platforms: [{os: linux, camera: imx219}]"
        let elsewhere = "platforms: [{os: linux, architecture: x86_64}, {os: macos}]"
        #expect(throws: Never.self) { try compile(here, on: pi) }
        #expect(throws: Never.self) { try compile("description: everywhere", on: pi) }
        // What was deployed before is not asked again when the core starts.
        #expect(throws: Never.self) { try compile(elsewhere, on: nil) }
        let error = #expect(throws: RecipeCompiler.Problem.self) { try compile(elsewhere, on: pi) }
        #expect(
            error?.description.hasPrefix(
                "it does not run on this core (linux aarch64, camera: imx219), it is for linux x86_64, or macos;"
            )
                == true, "\(error?.description ?? "none")")
    }

    @Test func keysOfThePlatformComeFromTheConfiguration() throws {
        var configuration = CoreConfiguration()
        configuration.platformKeys = ["camera=imx219", "hall=a=b"]
        let platform = try configuration.platform()
        #expect(platform.values["camera"] == "imx219" && platform.values["hall"] == "a=b")
        #expect(platform.values["os"] == Platform.current.values["os"])
        for wrong in ["camera", "=x", "a b=c", "os=linux", "camera="] {
            configuration.platformKeys = [wrong]
            #expect(throws: InvalidPlatformKey.self, "\(wrong)") { try configuration.platform() }
        }
        configuration.platformKeys = (0..<31).map { "k\($0)=v" }
        #expect(throws: InvalidPlatformKey.self) { try configuration.platform() }
    }

    @Test func aLockMayHaveInstancesThatDependenciesAdded() throws {
        var revision = Hedgerow_Type_V1_GroupRevision.with {
            $0.group = "g"
            $0.revision = 1
            $0.cores = ["c"]
            $0.lock = [
                .with {
                    $0.instance = "base"
                    $0.component = "base"
                    $0.version = "1.0.0"
                    $0.recipeDigest = Data(repeating: 1, count: 32)
                    $0.added = true
                    $0.artifacts = [
                        .with {
                            $0.name = "model.bin"
                            $0.digest = Data(repeating: 2, count: 32)
                            $0.size = 7
                        }
                    ]
                }
            ]
        }
        #expect(RevisionCheck.problem(with: revision, core: "c") == nil)
        #expect(try RevisionCheck.lock(of: revision).first?.artifacts.map(\.size) == [7])
        revision.lock.append(revision.lock[0])
        #expect(RevisionCheck.problem(with: revision, core: "c")?.contains("names twice") == true)
        revision.lock.removeLast()
        revision.lock[0].added = false
        #expect(RevisionCheck.problem(with: revision, core: "c")?.contains("does not have") == true)
        revision.lock[0].added = true
        revision.lock[0].artifacts[0].digest = Data()
        #expect(RevisionCheck.problem(with: revision, core: "c")?.contains("SHA-256 of 32 bytes") == true)
    }
}
