import Foundation
import Testing

@testable import Components

@Suite struct VersionRequestTests {
    @Test func anAliasAndARangeAreReadAndWrittenAsTheyAre() throws {
        for text in ["@live", "^1.2", "1.0.0", "*", ">=1.2 <3"] {
            let request = try VersionRequest(parsing: text)
            #expect(request.description == text)
            let stored = try JSONEncoder().encode([request])
            #expect(try JSONDecoder().decode([VersionRequest].self, from: stored) == [request])
        }
        let alias = try VersionRequest(parsing: "@live")
        #expect(alias == .alias("live") && alias.alias == "live" && alias.range == .any)
        #expect(try VersionRequest(parsing: "^1").alias == nil)
    }

    @Test(arguments: ["@", "@a b", "@a/b", "@^1"])
    func theNameOfAnAliasIsChecked(_ text: String) {
        let error = #expect(throws: InvalidVersionRange.self) { try VersionRequest(parsing: text) }
        #expect(error?.description.contains("after @ comes the name of an alias") == true)
    }

    @Test func anInstanceIsStoredUnderTheKeyThatItAlwaysHad() throws {
        let old = #"{"name":"a","component":"smooth","version":"^1.0"}"#
        let instance = try JSONDecoder().decode(ComponentInstance.self, from: Data(old.utf8))
        #expect(instance.request == .range(try VersionRange(parsing: "^1.0")))
        #expect(instance.description == "a (smooth ^1.0)")
        let alias = ComponentInstance(name: "a", request: .alias("live"))
        let text = String(decoding: try JSONEncoder().encode(alias), as: UTF8.self)
        #expect(text.contains(#""version":"@live""#))
        #expect(alias.canonical == alias && alias.description == "a (@live)")
    }

    @Test func aDeprecatedVersionComesLast() throws {
        func candidate(_ version: String, deprecated: Bool = false) throws -> ComponentCandidate {
            var candidate = ComponentCandidate(
                version: try SemanticVersion(parsing: version), recipeDigest: [1])
            candidate.isDeprecated = deprecated
            return candidate
        }
        let resolver = ComponentResolver(available: [
            "smooth": [
                try candidate("1.2.0", deprecated: true), try candidate("1.0.0"), try candidate("1.1.0"),
                try candidate("1.3.0", deprecated: true),
            ]
        ])
        for (range, version) in [("^1", "1.1.0"), (">=1.2", "1.3.0"), ("1.2.0", "1.2.0"), ("~1.0", "1.0.0")] {
            let instance = ComponentInstance(name: "smooth", version: try VersionRange(parsing: range))
            #expect(try resolver.resolve([instance]).lock.map(\.version.description) == [version], "\(range)")
        }
    }
}
