/// Names and directories of the things of a large fleet.
enum FleetMember {
    /// `load-0001` and so on.
    static func name(_ index: Int) -> String {
        let digits = String(index + 1)
        return "load-" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }

    static func state(_ index: Int, in directory: String) -> String { "\(directory)/\(name(index))" }
}
