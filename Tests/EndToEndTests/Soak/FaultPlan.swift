import TestSupport

/// Which faults a soak has: rounds of a few that may overlap, the same for the same seed.
///
/// The kinds are dealt from a shuffled deck that holds each of them once, so that after one deck every kind has been
/// there, and what comes together is left to chance.
struct FaultPlan: Sendable {
    /// Faults of a round, in order of their beginning.
    struct Round: Hashable, Sendable {
        let number: Int
        let faults: [Fault]
    }

    /// How many faults a round has.
    static let faultsPerRound = 6
    /// When the last fault of a round begins, in milliseconds.
    static let window = 7_000

    let seed: UInt64
    /// Processes that may be killed and stopped.
    let programs: [String]
    let things: [String]
    let lines: [String]
    /// The cores whose disks can be filled.
    let disks: [String]

    /// A round, from 0 on.
    func round(_ number: Int) -> Round {
        var generator = generator(number, of: 1)
        let indices = number * Self.faultsPerRound..<(number + 1) * Self.faultsPerRound
        let faults = indices.map { draw(kind($0), &generator) }
        return Round(number: number, faults: faults.sorted { ($0.start, $0.target) < ($1.start, $1.target) })
    }

    private func kind(_ index: Int) -> Fault.Kind {
        let kinds = Fault.Kind.allCases
        var generator = generator(index / kinds.count, of: 2)
        return kinds.shuffled(using: &generator)[index % kinds.count]
    }

    /// Random numbers of their own for each round and each deck.
    private func generator(_ number: Int, of purpose: UInt64) -> TestSupport.SeededGenerator {
        var mixer = TestSupport.SeededGenerator(seed: seed ^ (UInt64(number) << 2 | purpose))
        return TestSupport.SeededGenerator(seed: mixer.next())
    }

    private func draw(_ kind: Fault.Kind, _ generator: inout TestSupport.SeededGenerator) -> Fault {
        func pick(_ names: [String]) -> String { names[Int.random(in: names.indices, using: &generator)] }
        func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
        let start = number(0...Self.window)
        let (target, length, amount): (String, Int, Int) =
            switch kind {
            // Cloud and cores more often than one of many things.
            case .kill: (pick(programs + programs + [pick(things)]), number(0...3_000), 0)
            case .stop: (pick(programs + programs + [pick(things)]), number(500...5_000), 0)
            case .cut: (pick(lines), 0, 0)
            case .halfOpen: (pick(lines), 0, 0)
            case .blackHole: (pick(lines), number(1_000...6_000), 0)
            case .refuse: (pick(lines), number(500...5_000), 0)
            case .delay: (pick(lines), number(1_000...6_000), number(20...800))
            case .throttle: (pick(lines), number(2_000...6_000), number(1_000...40_000))
            case .fullDisk: (pick(disks), number(1_000...6_000), 0)
            case .clockJump:
                (
                    pick(programs + [pick(things)]), number(1_000...6_000),
                    number(60...14_400) * (number(0...1) == 0 ? -1 : 1)
                )
            case .failingSyncs: (pick(programs), number(500...4_000), 0)
            case .restartAll: ("everything", number(0...2_000), 0)
            }
        return Fault(kind: kind, target: target, start: start, length: length, amount: amount)
    }
}
