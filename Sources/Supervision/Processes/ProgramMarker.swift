/// What a core's programs carry in their environment, so that they can be found whatever they have become: a
/// random identity of the core's run, and of the program's start.
struct ProgramMarker: Hashable, Sendable {
    /// The variable.
    static let variable = "HEDGEROW_INSTANCE_ID"

    /// Identity of the core's run, 16 hexadecimal digits.
    let run: String
    /// Identity of the start.
    let start: String

    init(run: String) {
        self.run = run
        start = Self.random()
    }

    /// Value of the variable.
    var value: String { "\(run)-\(start)" }

    /// What stands in the environment of everything that belongs to the start.
    var assignment: String { "\(Self.variable)=\(value)" }

    /// What begins the assignment of everything that belongs to a run of a core.
    static func prefix(run: String) -> String { "\(variable)=\(run)-" }

    /// 16 random hexadecimal digits.
    static func random() -> String {
        let digits = String(UInt64.random(in: .min ... .max), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
