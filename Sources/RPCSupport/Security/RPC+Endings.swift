import Identity

extension RPC {
    /// Whether the method's handler ends by itself when its call is cancelled (`withRPCCancellationHandler`), so that
    /// nobody has to cancel its task.
    ///
    /// Only where calls last, and there are as many as things: a task that could be cancelled is another
    /// 3 KB for each.
    var endsItself: Bool { self == .publish }
}
