import NIOCore
import NIOPosix
import PKI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Whether a program can listen where it is told to, and be reached where it says it can.
public enum AddressChecks {
    /// Where something is to listen.
    public struct Listener: Hashable, Sendable {
        /// IP literal.
        public let host: String
        /// TCP port; 0 where the system chooses.
        public let port: Int
        /// What it is called, such as `listen`: the beginning of its flags.
        public let name: String

        /// Makes a listener.
        public init(host: String, port: Int, name: String) {
            self.host = host
            self.port = port
            self.name = name
        }
    }

    /// Tries to listen for a moment.
    ///
    /// - Parameter running: the process that runs with the same state; it may listen there.
    public static func listening(_ listener: Listener, running: Int32?) async -> DoctorFinding {
        let check = "address.\(listener.name)"
        let place = "\(listener.host) port \(listener.port)"
        if listener.port == 0, running == nil {
            return .good(check, "the system chooses a port at \(listener.host)")
        }
        if running != nil, listener.port == 0 {
            return .skipped(check, "it runs at a port that the system chose; see ports.json in the state")
        }
        do {
            let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .bind(host: listener.host, port: listener.port).get()
            try await channel.close()
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            return await inUse(listener, check, running: running)
        } catch let error as IOError where error.errnoCode == EADDRNOTAVAIL {
            return .failure(
                check, "\(listener.host) is no address of this machine",
                advice: "set --\(listener.name)-host to one, or to 0.0.0.0 for all")
        } catch let error as IOError where error.errnoCode == EACCES {
            return .failure(
                check, "this user may not listen at \(place)",
                advice:
                    "choose a port from 1024 on with --\(listener.name)-port, or allow it in the unit (CAP_NET_BIND_SERVICE)"
            )
        } catch {
            return .failure(
                check, "nothing can listen at \(place): \(error)",
                advice: "set --\(listener.name)-host and -port")
        }
        if running != nil {
            return .warning(
                check, "nothing listens at \(place), although the program runs",
                advice: "it may wait for its certificate, or run with another port: see its log")
        }
        return .good(check, "\(place) is free")
    }

    private static func inUse(_ listener: Listener, _ check: String, running: Int32?) async -> DoctorFinding {
        let place = "\(listener.host) port \(listener.port)"
        let holder = try? await BlockingIO.run { SystemFacts.listener(atPort: listener.port) }
        if let running, holder == nil || holder == running {
            return .good(check, "the running program (process \(running)) listens at \(place)")
        }
        let who = (holder ?? nil).map { "\(SystemFacts.name(ofProcess: $0)) (process \($0))" }
        return .failure(
            check, "\(place) is in use by \(who ?? "a process of another user")",
            advice: "stop that, or choose another port with --\(listener.name)-port")
    }

    /// Checks that addresses that others are told lead to this machine. Asks the name service.
    public static func advertised(_ hosts: [String]) async -> DoctorFinding {
        let check = "address.advertised"
        guard !hosts.isEmpty else {
            return .failure(
                check, "there is no address to tell others", advice: "name some with --advertise HOST")
        }
        let own = (try? System.enumerateDevices())?.compactMap(\.address?.ipAddress) ?? []
        let mine = Set(own.compactMap(literalBytes))
        var unknown: [String] = []
        var foreign: [String] = []
        var loopback = 0
        for host in hosts {
            guard let address = await resolve(host) else {
                unknown.append(host)
                continue
            }
            if isLoopback(address) { loopback += 1 } else if !mine.contains(address) { foreign.append(host) }
        }
        if !unknown.isEmpty {
            return .warning(
                check, "\(unknown.joined(separator: ", ")) cannot be resolved here",
                advice: "check the name service, or advertise IP addresses (--advertise)")
        }
        if loopback == hosts.count {
            return .warning(
                check, "only this machine can reach \(hosts.joined(separator: ", "))",
                advice: "advertise an address that others reach (--advertise HOST)")
        }
        if !foreign.isEmpty {
            return .warning(
                check, "\(foreign.joined(separator: ", ")) is none of this machine's addresses",
                advice:
                    "that is right behind a router or load balancer that leads here, and wrong elsewhere (--advertise)"
            )
        }
        return .good(check, "\(hosts.joined(separator: ", ")) lead to this machine")
    }

    private static func resolve(_ host: String) async -> [UInt8]? {
        if let bytes = literalBytes(host) { return bytes }
        let address = try? await BlockingIO.run { try SocketAddress.makeAddressResolvingHost(host, port: 1) }
        return address?.ipAddress.flatMap(literalBytes)
    }

    /// The 4 or 16 bytes of an IP literal.
    static func literalBytes(_ text: String) -> [UInt8]? { IPLiteral(text)?.bytes }

    private static func isLoopback(_ address: [UInt8]) -> Bool {
        address.count == 4 ? address[0] == 127 : address == Array(repeating: 0, count: 15) + [1]
    }
}
