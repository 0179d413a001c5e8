import Foundation

/// Something to connect to: a port of this machine, and a socket that is a file.
final class Listener {
    let port: UInt16
    let path: String
    private let descriptors: [Int32]

    init() throws {
        let tcp = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(tcp, address, length) == 0 && listen(tcp, 8) == 0
                    && getsockname(tcp, address, &length) == 0
            }
        }
        guard bound else { throw POSIXError(.EADDRNOTAVAIL) }
        port = UInt16(bigEndian: address.sin_port)
        let path = NSTemporaryDirectory() + "hedgerow-\(UInt32.random(in: .min ... .max)).sock"
        let unix = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: path.utf8) }
        let isListening = withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(unix, address, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0 && listen(unix, 8) == 0
            }
        }
        guard isListening else { throw POSIXError(.EADDRNOTAVAIL) }
        self.path = path
        descriptors = [tcp, unix]
    }

    deinit {
        for descriptor in descriptors { close(descriptor) }
        unlink(path)
    }
}
