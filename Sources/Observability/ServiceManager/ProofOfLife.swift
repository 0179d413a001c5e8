/// A round trip through a part of a program's engine, which shows that this part is not stuck.
public struct ProofOfLife: Sendable {
    /// The part did not answer within the time that its proof gives it.
    public struct NoAnswer: Error, Hashable, Sendable {
        /// Makes the error.
        public init() {}
    }

    /// The part, for people: `the database`.
    public let part: String
    /// Makes the round trip.
    ///
    /// Whatever it throws but ``NoAnswer`` is an answer, too: a full disk is no hang, and a restart mends none. It may
    /// wait for ever: then nothing is proven.
    public let check: @Sendable () async throws -> Void

    /// Makes a proof.
    public init(_ part: String, check: @escaping @Sendable () async throws -> Void) {
        self.part = part
        self.check = check
    }
}
