/// A user that a program runs as, by number; it needs no name on this machine.
public struct ProgramUser: Hashable, Sendable {
    /// Number of the user and of its group.
    public let id: UInt32

    /// First of the numbers. From 0x70000000 up neither distributions, containers nor systemd give any out.
    static let first: UInt32 = 1_900_000_000
    /// How many there are.
    static let count: UInt32 = 65_536

    init(id: UInt32) { self.id = id }

    /// The user of an instance: always the same one, made from the name (FNV-1a).
    init(of instance: String) {
        let hash = instance.utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 }
        id = Self.first + hash % Self.count
    }
}
