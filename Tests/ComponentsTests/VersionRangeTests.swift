import Components
import FoundationEssentials
import TestSupport
import Testing

@Suite("Version ranges")
struct VersionRangeTests {
    func range(_ text: String) throws -> VersionRange { try VersionRange(parsing: text) }

    func version(_ text: String) throws -> SemanticVersion { try SemanticVersion(parsing: text) }

    @Test(
        "mean comparators",
        arguments: [
            ("1.2.3", "1.2.3"), ("=v1.2.3", "1.2.3"), ("1.2", ">=1.2.0 <1.3.0-0"),
            ("1.x", ">=1.0.0 <2.0.0-0"),
            ("*", "*"), ("", "*"), (" ", "*"), ("^1.2.3", ">=1.2.3 <2.0.0-0"), ("^0.2.3", ">=0.2.3 <0.3.0-0"),
            ("^0.0.3", ">=0.0.3 <0.0.4-0"), ("^0.0", "<0.1.0-0"), ("^0", "<1.0.0-0"),
            ("^1.2.3-beta.2", ">=1.2.3-beta.2 <2.0.0-0"), ("~1.2.3", ">=1.2.3 <1.3.0-0"),
            ("~1", ">=1.0.0 <2.0.0-0"), ("~> 1.2", ">=1.2.0 <1.3.0-0"), (">1", ">=2.0.0"),
            ("<=1", "<2.0.0-0"),
            ("<1.2", "<1.2.0-0"), (">=1.2 <3", ">=1.2.0 <3.0.0-0"), ("1.2.3 - 2.3.4", ">=1.2.3 <=2.3.4"),
            ("1.2 - 2", ">=1.2.0 <3.0.0-0"),
            ("^1 || ~2.1 || >= 4", ">=1.0.0 <2.0.0-0||>=2.1.0 <2.2.0-0||>=4.0.0"),
            ("<x || 1.0.0", "1.0.0"), (">x", "<0.0.0-0"), ("1.0.0 || *", "*"), ("1.0.0 1.0.0", "1.0.0"),
            ("1.0.0+build", "1.0.0"),
        ])
    func comparators(text: String, expected: String) throws {
        let range = try range(text)
        #expect(range.canonical.description == expected)
        #expect(range.description == text)
        let again = try VersionRange(parsing: expected)
        #expect(again.canonical == range.canonical, "the canonical text reads back to the same range")
    }

    @Test("take pre-releases only where they name one of the same version")
    func prereleases() throws {
        #expect(try !range("^1.0").contains(version("1.1.0-beta")))
        #expect(try !range("*").contains(version("1.0.0-beta")))
        #expect(try range("^1.1.0-alpha").contains(version("1.1.0-beta")))
        #expect(try !range("^1.1.0-alpha").contains(version("1.2.0-beta")))
        #expect(try !range("^1.0 || >2.0.0-a <3").contains(version("1.1.0-beta")))
        #expect(try !range("^1.0").contains(version("2.0.0-beta")), "below 2.0.0, and yet no 1")
        #expect(try VersionRange(parsing: "^1.0", prereleases: .always).contains(version("1.1.0-beta")))
        #expect(try VersionRange(parsing: "^1.0", prereleases: .always).contains(version("1.0.0-beta")))
        #expect(try !VersionRange(parsing: "^1.0", prereleases: .always).contains(version("2.0.0-beta")))
    }

    @Test("choose the highest and the lowest, whatever the order")
    func choice() throws {
        let versions = try ["1.10.0", "1.2.0", "2.0.0", "1.9.0", "1.11.0-beta"].map(version)
        #expect(try range("^1").maxSatisfying(versions) == version("1.10.0"))
        #expect(try range("^1").minSatisfying(versions) == version("1.2.0"))
        #expect(try range("^3").maxSatisfying(versions) == nil)
        #expect(try range("1.11.0-beta").maxSatisfying(versions) == version("1.11.0-beta"))
        #expect(VersionRange.any.maxSatisfying(versions) == versions[2])
    }

    @Test("know whether they name one version only")
    func exact() throws {
        #expect(try range("1.2.3-a").exactVersion == version("1.2.3-a"))
        #expect(try range("=v1.2.3+build").exactVersion == version("1.2.3"))
        for text in ["^1.2.3", "1.2", "*", "1.0.0 || 2.0.0", ">=1.0.0 <=1.0.0"] {
            #expect(try range(text).exactVersion == nil)
        }
        let exactly = try VersionRange(exactly: version("1.2.3"))
        #expect(try exactly == range("1.2.3"))
    }

    @Test("intersect exactly where a version lies in both, for ranges without pre-releases")
    func intersections() throws {
        let texts = [
            "*", "1.0.0", "1.5.0", "^1", "~1.4", "<1.2", ">=1.4.0", ">1.5.0 <2", "2.x", "^0.3",
            "<=1.0.0 || >=3",
            ">2 <1",
        ]
        let versions = try (0...3).flatMap { major in
            try (0...6).flatMap { minor in try (0...2).map { try version("\(major).\(minor).\($0)") } }
        }
        for first in try texts.map(range) {
            for second in try texts.map(range) {
                let common = versions.contains { first.contains($0) && second.contains($0) }
                #expect(first.intersects(second) == common, "\(first) and \(second)")
                #expect(first.intersects(second) == second.intersects(first))
            }
        }
    }

    @Test(
        "are refused with what is wrong",
        arguments: [
            ("latest", "is not a number"), ("@live", "no aliases"), ("1.2.3.4", "more than three"),
            (">=", "no version behind >="), ("1.0 ~", "no version behind ~"), ("1.x.3", "behind a wildcard"),
            ("1.0.0,2.0.0", "is not a number"), ("1 - 2 3", "a number is missing"),
            ("^01.2.3", "leading zero"),
            ("1.2-beta", "behind three numbers"), ("^9007199254740991.0.0", "no version above"),
            (">9007199254740991", "no version above"), ("==1.0.0", "is not a number"),
            ("> >1", "not a number"),
            (String(repeating: "1", count: 1_025), "at most 1024"),
            (String(repeating: "1||", count: 64), "more than 64 alternatives"),
            ((0...64).map { ">1.0.\($0)" }.joined(separator: " "), "more than 64 comparators"),
        ])
    func refused(text: String, problem: String) {
        let error = #expect(throws: InvalidVersionRange.self) { try VersionRange(parsing: text) }
        #expect(error?.description.contains(problem) == true, "\(error?.description ?? "")")
        #expect((error?.text.count ?? 0) <= 60)
    }

    @Test("are read or refused whatever is in them, and their canonical text reads back the same")
    func noise() throws {
        var generator = SeededGenerator(seed: 638)
        let pieces = [
            "0", "1", "2", "10", "9007199254740991", ".", ".", "x", "*", "-", " - ", "a", "+b", "^", "~",
            "~>", ">",
            ">=", "<", "<=", "=", "v", " ", "||", "@", "é", "\t",
        ]
        let versions = try ["0.0.0", "1.0.0", "1.2.0-a", "1.2.0", "2.0.0-0", "10.1.2"].map(version)
        var read = 0
        for _ in 0..<20_000 {
            let text = (0..<Int.random(in: 1...9, using: &generator)).map { _ in
                pieces.randomElement(using: &generator) ?? ""
            }.joined()
            for policy in [VersionRange.PrereleasePolicy.whereNamed, .always] {
                guard let range = try? VersionRange(parsing: text, prereleases: policy) else { continue }
                read += 1
                let again = try VersionRange(parsing: range.canonical.description, prereleases: policy)
                #expect(again.canonical.description == range.canonical.description, "\(text)")
                #expect(versions.map(again.contains) == versions.map(range.contains), "\(text)")
                let best = range.maxSatisfying(versions)
                #expect(best == nil || range.intersects(.any) || best?.isPrerelease == true, "\(text)")
            }
        }
        #expect(read > 1_000, "noise that is never a range tests nothing")
    }

    @Test("are stored as they were written")
    func codable() throws {
        let ranges = [try range("^1.0 || 2.x")]
        let data = try JSONEncoder().encode(ranges)
        #expect(String(decoding: data, as: UTF8.self) == #"["^1.0 || 2.x"]"#)
        #expect(try JSONDecoder().decode([VersionRange].self, from: data) == ranges)
    }
}
