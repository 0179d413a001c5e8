import Components
import FoundationEssentials
import Testing

@Suite("Versions")
struct SemanticVersionTests {
    @Test("have three numbers, a pre-release and build metadata, and are written as they were read")
    func parts() throws {
        let version = try SemanticVersion(parsing: "1.22.333-beta.1.x-y+build.007")
        #expect([version.major, version.minor, version.patch] == [1, 22, 333])
        #expect(version.prerelease.map(\.description) == ["beta", "1", "x-y"])
        #expect(version.build == ["build", "007"])
        #expect(version.description == "1.22.333-beta.1.x-y+build.007")
        #expect(version.isPrerelease)
        #expect(try SemanticVersion(parsing: "v1.0.0").description == "1.0.0")
        #expect(SemanticVersion(major: 1, minor: 2, patch: 3)?.description == "1.2.3")
        #expect(SemanticVersion(major: 1, minor: 2, patch: .max) == nil)
    }

    @Test("come in the order of semver's section 11, numbers of any size included")
    func order() throws {
        let texts = [
            "0.0.0-0", "0.9.9", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11", "1.0.0-beta.99999999999999999999999", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.2.0",
            "1.10.0", "2.0.0",
        ]
        let versions = try texts.map { try SemanticVersion(parsing: $0) }
        #expect(versions.shuffled().sorted() == versions)
        for (index, first) in versions.enumerated() {
            for second in versions[(index + 1)...] {
                #expect(first < second)
                #expect(!(second < first))
                #expect(!first.hasSamePrecedence(as: second))
            }
        }
    }

    @Test("that differ in build metadata are different, of one precedence, and in one order")
    func build() throws {
        let first = try SemanticVersion(parsing: "1.0.0+a")
        let second = try SemanticVersion(parsing: "1.0.0+b")
        #expect(first != second)
        #expect(first.hasSamePrecedence(as: second))
        #expect(first < second)
        #expect(!(second < first))
    }

    @Test(
        "are refused with what is wrong",
        arguments: [
            ("", "a number is missing"), ("1", "has to have three numbers"), ("1.0", "three numbers"),
            ("1.2.3.4", "more than three"), ("1.02.3", "leading zero"), ("1.a.3", "\"a\" is not a number"),
            ("1..3", "a number is missing"), ("1.2.x", "wildcards stand in ranges only"),
            ("1.2.3-", "no part of a pre-release"), ("1.2.3-01", "leading zeros"),
            ("1.2.3-a..b", "no part of a pre-release"), ("1.2.3-ä", "no part of a pre-release"),
            ("1.2.3+", "no part of build metadata"), ("1.2.3+a_b", "no part of build metadata"),
            ("1.2.9007199254740992", "is larger than 9007199254740991"), (" 1.2.3", "is not a number"),
            ("1.2.3-" + String(repeating: "a", count: 251), "at most 256"), ("1.٢.3", "is not a number"),
        ])
    func refused(text: String, problem: String) {
        let error = #expect(throws: InvalidVersion.self) { try SemanticVersion(parsing: text) }
        #expect(error?.description.contains(problem) == true, "\(error?.description ?? "")")
        #expect(error?.description.contains("write MAJOR.MINOR.PATCH") == true)
        #expect((error?.text.count ?? 0) <= 60)
    }

    @Test("are stored as their text")
    func codable() throws {
        let version = try SemanticVersion(parsing: "1.0.0-rc.1+x")
        let data = try JSONEncoder().encode([version])
        #expect(String(decoding: data, as: UTF8.self) == #"["1.0.0-rc.1+x"]"#)
        #expect(try JSONDecoder().decode([SemanticVersion].self, from: data) == [version])
        #expect(throws: (any Error).self) {
            try JSONDecoder().decode([SemanticVersion].self, from: Data(#"["1"]"#.utf8))
        }
    }
}
