import Identity
import Testing

@Suite struct NameTests {
    @Test(arguments: ["a", "BME680-1", "pi_1.hall", "0", String(repeating: "x", count: 128), ".", ".."])
    func namesByTheRuleAreAccepted(_ name: String) throws {
        try EntityName.validate(name)
        #expect(EntityName.isValid(name))
    }

    @Test(arguments: [
        "", "a b", "a/b", "a:b", "ä", "a\u{0}", "a\n", "*", String(repeating: "x", count: 129), "e\u{301}",
    ])
    func namesAgainstTheRuleAreRefusedWithTheRule(_ name: String) {
        #expect(!EntityName.isValid(name))
        let error = #expect(throws: InvalidName.self) { try EntityName.validate(name) }
        #expect(error?.description.contains("1 to 128") == true)
        #expect(throws: InvalidName.self) { try Principal(role: .thing, name: name) }
    }

    @Test(arguments: Role.allCases)
    func aSPIFFEIDIsReadBackAsItWasWritten(_ role: Role) throws {
        let principal = try Principal(role: role, name: "Pi-1.x_y")
        let id = principal.spiffeID(trustDomain: "farm.example")
        #expect(id == "spiffe://farm.example/\(role.rawValue)/Pi-1.x_y")
        #expect(try Principal(spiffeID: id, trustDomain: "farm.example") == principal)
    }

    @Test(arguments: [
        "spiffe://other.example/thing/a", "spiffe://farm.example.evil/thing/a", "spiffe://farm.example/thing",
        "spiffe://farm.example/thing/a/b", "spiffe://farm.example/thing/", "spiffe://farm.example//a",
        "spiffe://farm.example/root/a", "spiffe://farm.example/Thing/a", "http://farm.example/thing/a",
        "SPIFFE://farm.example/thing/a", "spiffe://farm.example/thing/a%20b",
        "spiffe://farm.example/thing/a?x",
        "spiffe://farm.example/cloud", "", "spiffe://",
    ])
    func otherSPIFFEIDsNameNobody(_ id: String) {
        #expect(throws: InvalidSPIFFEID.self) { try Principal(spiffeID: id, trustDomain: "farm.example") }
    }

    @Test func theCloudIsNoPrincipal() {
        let id = CloudIdentity.spiffeID(trustDomain: "farm.example")
        #expect(id == "spiffe://farm.example/cloud")
        #expect(throws: InvalidSPIFFEID.self) { try Principal(spiffeID: id, trustDomain: "farm.example") }
    }

    @Test func serverNamesOfCoresAreDNSNamesAndNeverChange() {
        // FNV-1a 128 of "" and of "foobar", from the published test vectors.
        #expect(CoreServerName.name(forCore: "") == "core-6c62272e07bb014262b821756295c58d.hedgerow.internal")
        #expect(
            CoreServerName.name(forCore: "foobar")
                == "core-343e1662793c64bf6f0d3597ba446f18.hedgerow.internal")
        let names = ["pi-1", "PI-1", "pi-2", String(repeating: "x", count: 128)].map(CoreServerName.name)
        #expect(Set(names).count == 4)
        for name in names {
            #expect(name.split(separator: ".").allSatisfy { $0.utf8.count <= 63 })
            #expect(
                name.utf8.allSatisfy {
                    (97...122).contains($0) || (48...57).contains($0) || $0 == 45 || $0 == 46
                })
        }
    }
}
