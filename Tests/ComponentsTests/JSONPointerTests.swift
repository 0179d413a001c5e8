import Components
import Testing

struct JSONPointerTests {
    /// Swift takes a slash with a combining mark behind it for one character, which is no slash.
    @Test(arguments: [["a/b", "~"], ["a", "\u{301}"], ["a/\u{301}"], ["~\u{301}1"], [""], []])
    func aTextLeadsToTheKeysThatItWasMadeOf(keys: [String]) throws {
        let pointer = try #require(JSONPointer(JSONPointer.text(keys)))
        #expect(pointer.keys == keys)
    }

    @Test func differentPlacesHaveDifferentTexts() {
        #expect(JSONPointer.text(["a/\u{301}"]).unicodeScalars.elementsEqual("/a~1\u{301}".unicodeScalars))
        #expect(JSONPointer.text(["a/\u{301}"]) != JSONPointer.text(["a", "\u{301}"]))
    }
}
