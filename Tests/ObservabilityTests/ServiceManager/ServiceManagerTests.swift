import Foundation
import Testing

@testable import Observability
@testable import TestSupport

@Suite("Service manager")
struct ServiceManagerTests {
    @Test("hears nothing where there is none") func absent() {
        let manager = ServiceManager(environment: ["WATCHDOG_USEC": "1000000"], processID: 7)
        #expect(!manager.isListening)
        #expect(manager.watchdog == nil)
        #expect(!manager.notify(.ready))
    }

    @Test("hears every line over a socket that is a file, and over one of the abstract namespace")
    func sockets() async throws {
        try await withTemporaryDirectory { directory in
            var addresses = [directory + "/notify"]
            #if os(Linux)
                addresses.append("@hedgerow-test-\(UInt64.random(in: .min ... .max))")
            #endif
            for address in addresses {
                let socket = try NotifySocket(address)
                let manager = ServiceManager(environment: ["NOTIFY_SOCKET": address], processID: 7)
                #expect(manager.isListening)
                #expect(manager.notify(.ready, .status("Serves.")))
                #expect(manager.notify(.watchdog))
                #expect(manager.notify(.stopping))
                #expect(socket.lines == ["READY=1", "STATUS=Serves.", "WATCHDOG=1", "STOPPING=1"])
            }
        }
    }

    @Test("that is gone harms nobody") func gone() {
        let manager = ServiceManager(environment: ["NOTIFY_SOCKET": "/nowhere/notify"], processID: 7)
        #expect(manager.isListening)
        #expect(!manager.notify(.watchdog))
    }

    @Test(
        "is not looked for where the variable names no Unix socket",
        arguments: ["", "/", "@", "vsock:2:1", "notify", "/" + String(repeating: "x", count: 200)])
    func addresses(_ text: String) {
        #expect(ServiceManager.address(of: text) == nil)
    }

    @Test("gets a status of one line and bounded length") func status() {
        #expect(ServiceNotification.status("a\nREADY=1").line == "STATUS=a READY=1")
        let long = ServiceNotification.status(String(repeating: "ä", count: 1_000)).line
        #expect(long.utf8.count == "STATUS=".utf8.count + ServiceNotification.maximumStatus)
    }

    @Test("asks this process for signs of life, and no other") func watchdogTime() {
        func watchdog(_ environment: [String: String]) -> Duration? {
            ServiceManager.watchdog(environment: environment, processID: 7)
        }
        #expect(watchdog(["WATCHDOG_USEC": "60000000"]) == .seconds(60))
        #expect(watchdog(["WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "7"]) == .seconds(60))
        #expect(watchdog(["WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "8"]) == nil)
        #expect(watchdog(["WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "seven"]) == nil)
        for text in ["", "0", "-1", "soon"] { #expect(watchdog(["WATCHDOG_USEC": text]) == nil, "\(text)") }
        #expect(watchdog([:]) == nil)
    }
}
