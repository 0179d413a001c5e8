/// Names of the queues that hold messages on their way down.
enum DownlinkQueue {
    /// The queue of a thing.
    static func name(ofThing thing: String) -> String { "thing/\(thing)" }
}
