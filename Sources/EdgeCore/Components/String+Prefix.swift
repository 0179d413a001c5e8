extension String {
    /// The longest beginning of whole characters within so many bytes of UTF-8.
    func prefix(utf8 maximum: Int) -> String {
        if utf8.count <= maximum { return self }
        var result = ""
        var bytes = 0
        for character in self {
            bytes += character.utf8.count
            if bytes > maximum { break }
            result.append(character)
        }
        return result
    }
}
