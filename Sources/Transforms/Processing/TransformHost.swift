/// What a core offers to its transforms (``HostAccess``).
public protocol TransformHost {
    /// The temperature of the core's CPU in °C.
    ///
    /// - Parameter span: the mean over this time, 1 s to 10 min; nil asks for the newest sample.
    /// - Throws: ``HostFailure`` where there is none; the messages that needed it fail with it.
    func cpuTemperature(over span: Duration?) throws(HostFailure) -> Double
}
