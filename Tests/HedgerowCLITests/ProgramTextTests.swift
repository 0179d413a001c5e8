import HedgerowAPI
import SwiftProtobuf
import Testing

@testable import HedgerowCLI

/// How programs of components are shown.
@Suite("Programs as text") struct ProgramTextTests {
    private func core(_ configure: (inout Hedgerow_Type_V1_ProgramStatus) -> Void)
        -> Hedgerow_Registry_V1_CoreStatus
    {
        .with { core in
            core.core = "pi-1"
            core.components = [
                .with { $0.instance = "smooth" },
                .with { status in
                    status.instance = "rain"
                    configure(&status.program)
                },
            ]
        }
    }

    @Test("have a line each; transforms have none") func lines() {
        let text = ProgramText.table(
            [
                core {
                    $0.state = .running
                    $0.restarts = 2
                    $0.inboxMessages = 7
                    $0.residentBytes = 24 << 20
                    $0.cpuTime = Google_Protobuf_Duration(seconds: 61)
                    $0.lastExit = "code 3"
                    $0.confinement = "runs in a sandbox (bubblewrap)"
                }
            ], coloured: false)
        let lines = text.split(separator: "\n").map {
            $0.split(separator: " ", omittingEmptySubsequences: true)
        }
        #expect(lines.count == 2)
        #expect(
            lines.last?.joined(separator: " ")
                == "pi-1 rain RUNNING 2 7 24.0 MiB 61 s runs in a sandbox (bubblewrap) ended last with code 3"
        )
    }

    @Test("that failed say why") func reason() {
        let text = ProgramText.table(
            [
                core {
                    $0.state = .broken
                    $0.reason = "it ended with code 3"
                    $0.lastExit = "code 3"
                }
            ], coloured: false)
        #expect(text.contains("BROKEN") && text.contains("it ended with code 3"))
        #expect(!text.contains("ended last with"))
    }

    @Test("are nothing where there are none") func none() {
        #expect(ProgramText.table([.with { $0.core = "pi-1" }], coloured: false).isEmpty)
    }
}
