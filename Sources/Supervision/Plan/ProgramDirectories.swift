/// The directories of one program, absolute paths. They are made where they do not exist.
public struct ProgramDirectories: Hashable, Sendable {
    /// Where it is started; holds its files. It may write there.
    public var working: String
    /// Its own data, kept over versions; its `HOME`.
    public var data: String
    /// Where its log files are, of many programs; a program in a sandbox does not see it.
    public var log: String

    /// Makes the three.
    public init(working: String, data: String, log: String) {
        self.working = working
        self.data = data
        self.log = log
    }

    /// All of them.
    var all: [String] { [working, data, log] }
}
