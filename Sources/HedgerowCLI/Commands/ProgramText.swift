import Foundation
import HedgerowAPI
import RPCSupport
import SwiftProtobuf

/// How programs of components stand, as text.
enum ProgramText {
    /// One line for each program of some cores; empty where there are none.
    static func table(_ cores: [Hedgerow_Registry_V1_CoreStatus], coloured: Bool) -> String {
        var table = Table([
            "CORE", "INSTANCE", "PROGRAM", "RESTARTS", "INBOX", "MEMORY", "CPU", "CONFINEMENT", "REASON",
        ])
        for core in cores {
            for status in core.components where status.hasProgram {
                let program = status.program
                table.add([
                    Table.Cell(core.core), Table.Cell(status.instance),
                    Table.Cell(name(of: program.state), style: style(of: program.state)),
                    Table.Cell("\(program.restarts)"), Table.Cell("\(program.inboxMessages)"),
                    Table.Cell(program.residentBytes == 0 ? "" : ByteText.text(program.residentBytes)),
                    Table.Cell(program.hasCpuTime ? seconds(program) : ""),
                    Table.Cell(program.confinement), Table.Cell(reason(of: program)),
                ])
            }
        }
        return table.rows.isEmpty ? "" : table.render(coloured: coloured)
    }

    /// A program's status as JSON.
    static func json(_ program: Hedgerow_Type_V1_ProgramStatus) -> JSONValue {
        .object([
            ("state", .text(name(of: program.state))), ("reason", .text(program.reason)),
            ("lastExit", .text(program.lastExit)), ("restarts", .unsigned(program.restarts)),
            ("residentBytes", .unsigned(program.residentBytes)),
            (
                "cpuSeconds",
                .number(Double(program.cpuTime.seconds) + Double(program.cpuTime.nanos) / 1_000_000_000)
            ),
            ("inboxMessages", .unsigned(program.inboxMessages)),
            ("confinement", .text(program.confinement)),
        ])
    }

    /// The state in the words of the recipe's documentation: `RUNNING`.
    static func name(of state: Hedgerow_Type_V1_ProgramState) -> String {
        switch state {
        case .new: "NEW"
        case .installed: "INSTALLED"
        case .starting: "STARTING"
        case .running: "RUNNING"
        case .stopping: "STOPPING"
        case .errored: "ERRORED"
        case .broken: "BROKEN"
        case .finished: "FINISHED"
        case .unspecified, .UNRECOGNIZED: "UNKNOWN"
        }
    }

    private static func style(of state: Hedgerow_Type_V1_ProgramState) -> Style {
        switch state {
        case .errored, .broken: .bad
        default: .plain
        }
    }

    private static func reason(of program: Hedgerow_Type_V1_ProgramStatus) -> String {
        guard program.reason.isEmpty, !program.lastExit.isEmpty else { return program.reason }
        return "ended last with \(program.lastExit)"
    }

    private static func seconds(_ program: Hedgerow_Type_V1_ProgramStatus) -> String {
        "\(program.cpuTime.seconds) s"
    }
}
