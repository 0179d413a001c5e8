public import Expressions

/// What a core offers to its transforms (``HostAccess``).
public protocol TransformHost {
    /// The temperature of the core's CPU in °C.
    ///
    /// - Parameter span: the mean over this time, 1 s to 10 min; nil asks for the newest sample.
    /// - Throws: ``HostFailure`` where there is none; the messages that needed it fail with it.
    func cpuTemperature(over span: Duration?) throws(HostFailure) -> Double

    /// The newest local document of a shadow, as expressions see it.
    ///
    /// - Parameters:
    ///   - thing: the thing of the message.
    ///   - name: name of the shadow; empty for the classic one.
    /// - Returns: `desired` and `reported`, maps that are missing where they are empty, and `version`, an int; nil where there
    ///   is no such shadow.
    /// - Throws: ``HostFailure`` where it cannot be looked up; the messages that needed it fail with it.
    func shadow(of thing: String, named name: String) throws(HostFailure) -> ValueMap?
}

extension TransformHost {
    /// A host without shadows has none.
    public func shadow(of thing: String, named name: String) throws(HostFailure) -> ValueMap? { nil }
}
