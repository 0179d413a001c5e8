/// How much an uplink sends at once: little at first and on a slow line, much where acknowledgements come soon.
///
/// A ping waits behind what was sent before it. On a line of 15 kB/s, half a mebibyte under way holds its answer back
/// for half a minute, and the connection is closed as dead before the cloud has a whole request to acknowledge.
struct RequestPace: Hashable, Sendable {
    /// Bytes of one request, at first and at the least.
    static let smallestBytes = 64 << 10
    /// Bytes of one request, at the most.
    static let largestBytes = 512 << 10
    /// An acknowledgement that comes within this is soon: twice as much may be sent.
    static let soon = Duration.seconds(1)
    /// One that comes after this is late: half as much may be.
    static let late = Duration.seconds(4)

    /// Most bytes of one request, after its first batch.
    private(set) var requestBytes = RequestPace.smallestBytes

    /// Most bytes under way without their acknowledgement: two requests on a slow line, sixteen on others.
    var inFlightBytes: Int { requestBytes * (requestBytes == Self.smallestBytes ? 2 : 16) }

    /// A request was acknowledged so long after it was sent.
    mutating func acknowledged(after time: Duration) {
        if time <= Self.soon {
            requestBytes = min(requestBytes * 2, Self.largestBytes)
        } else if time > Self.late {
            requestBytes = max(requestBytes / 2, Self.smallestBytes)
        }
    }
}
