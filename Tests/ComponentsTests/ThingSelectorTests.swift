import Testing

@testable import Components

@Suite struct ThingSelectorTests {
    private static let sensor = ThingFacts(
        name: "press-1", type: "bme680", attributes: ["hall": "press", "line": "a b", "empty": ""])

    @Test(arguments: [
        ("type=bme680", true), ("type==bme680", true), ("type = bme680", true), ("type=bme280", false),
        ("hall in (press,paint)", true), ("hall in ( paint , press )", true), ("hall in (paint)", false),
        ("hall!=paint", true), ("hall!=press", false), ("hall notin (paint,press)", false),
        // What is not there is not equal to anything.
        ("floor!=2", true), ("floor notin (1,2)", true), ("floor", false), ("!floor", true),
        ("! floor", true),
        ("hall", true), ("!hall", false), ("type", true), ("!type", false), ("empty", true),
        ("empty=\"\"", true), ("line=\"a b\"", true), ("line=\"a\\ b\"", true),
        ("name=press-1", true), ("name=press-*", true), ("name=*", true), ("name=paint-*", false),
        ("name in (paint-*,press-*)", true), ("name!=press-*", false),
        ("type=bme680,hall=press,name=press-*", true), ("type=bme680,hall=paint", false),
    ])
    func matches(_ text: String, _ expected: Bool) throws {
        let selector = try ThingSelector(parsing: text)
        #expect(selector.matches(Self.sensor) == expected)
        // What is written is read back to the same.
        #expect(try ThingSelector(parsing: selector.description) == selector)
        #expect(try ThingSelector(parsing: selector.canonical.description).matches(Self.sensor) == expected)
    }

    @Test(arguments: [
        ("", "is empty"), ("  ", "is empty"), ("type=", "a value of \"type\" is missing, but the text ends"),
        ("=a", "a key is missing"), ("a b", "after \"a\" comes"), ("a=b c=d", "a comma should stand"),
        ("a=b,", "a key is missing"), ("a in b", "in parentheses"), ("a in (b", "a comma or )"),
        ("a in ()", "a value of \"a\" is missing"), ("a!b", "after ! stands ="),
        ("hall=press-*", "only name takes a value that ends in *"), ("a=\"b", "quote is not closed"),
        ("a/b=c", "is not a key"), ("a=b;c", "a comma should stand"), ("ä=b", "a key is missing"),
    ])
    func saysWhatIsWrong(_ text: String, _ problem: String) {
        let error = #expect(throws: InvalidSelector.self) { try ThingSelector(parsing: text) }
        #expect(error?.description.contains(problem) == true, "\(error?.description ?? "")")
    }

    @Test func limitsHold() throws {
        let many = (0...ThingSelector.Limits.requirements).map { "k\($0)=v" }.joined(separator: ",")
        #expect(throws: InvalidSelector.self) { try ThingSelector(parsing: many) }
        let values = (0...ThingSelector.Limits.values).map { "v\($0)" }.joined(separator: ",")
        #expect(throws: InvalidSelector.self) { try ThingSelector(parsing: "k in (\(values))") }
        let long = "k=" + String(repeating: "v", count: ThingSelector.Limits.bytes)
        #expect(throws: InvalidSelector.self) { try ThingSelector(parsing: long) }
    }

    @Test func whatMeansTheSameIsTheSameInOneSpelling() throws {
        let first = try ThingSelector(parsing: "hall in (b,a,a), type=x")
        let second = try ThingSelector(parsing: "type==x,hall in (a,b)")
        #expect(first != second && first.canonical == second.canonical)
        #expect(
            try SubscriptionEnd(parsing: "thing:{hall in (b,a)}").canonical.description
                == "thing:{hall in (a,b)}")
    }

    @Test func anEndOfASubscriptionTakesASelectorStrictly() throws {
        let end = try SubscriptionEnd(parsing: "thing:{type=bme680, hall in (press,paint)}")
        #expect(end.description == "thing:{type=bme680,hall in (press,paint)}")
        for (text, problem) in [
            ("thing:{type=bme680", "not closed"), ("thing:{}", "is empty"), ("thing:{type=}", "is missing"),
        ] {
            let error = #expect(throws: InvalidSubscriptionEnd.self) { try SubscriptionEnd(parsing: text) }
            #expect(error?.description.contains(problem) == true, "\(error?.description ?? "")")
        }
    }
}
