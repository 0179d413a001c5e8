import ArgumentParser
import Components
import Foundation
import GRPCCore
import HedgerowAPI
import PKI
import RPCSupport
import SwiftProtobuf
import Testing

@testable import HedgerowCLI

@Suite("The program")
struct ProgramTests {
    /// Runs a command line with a home that is empty.
    func run(_ arguments: String..., input: String = "") async -> (
        status: Int32, output: String, error: String
    ) {
        let captured = CommandIO.captured(
            input: input, environment: ["HEDGEROW_HOME": "/nonexistent/hedgerow-test-home"])
        let status = await CommandIO.$current.withValue(captured.io) { await HedgerowProgram.run(arguments) }
        return (status, captured.output, captured.error)
    }

    @Test("prints help and version as results")
    func help() async {
        let help = await run("--help")
        #expect(help.status == 0)
        #expect(help.error.isEmpty)
        for command in HedgerowCommand.commands {
            #expect(help.output.contains("  \(command._commandName) "))
        }
        #expect(await run("--version").output == "hedgerow \(HedgerowVersion.current)\n")
        #expect(await run("things", "create", "--help").output.contains("--attribute <key=value>"))
    }

    @Test("says wrong use in one sentence with a hint, and ends with 2")
    func wrongUse() async {
        let missing = await run("things", "create")
        #expect(missing.status == 2)
        #expect(missing.output.isEmpty)
        #expect(
            missing.error
                == "hedgerow: missing expected argument '<name>'; see hedgerow things create --help\n")
        #expect(
            await run("thigns").error
                == "hedgerow: there is no command \"thigns\"; did you mean hedgerow things?\n")
        for arguments in [
            ["things", "list", "--nmae"], ["nonsense"], ["history", "--output", "xml"], ["publish", "t"],
            ["publish", "t", "--payload", "a", "--value", "b=1"], ["tail", "--count", "0"],
            ["history", "--limit", "-1"],
        ] {
            let captured = CommandIO.captured()
            let status = await CommandIO.$current.withValue(captured.io) {
                await HedgerowProgram.run(arguments)
            }
            #expect(status == 2, "\(arguments)")
            #expect(captured.error.hasPrefix("hedgerow: "), "\(arguments)")
            #expect(captured.error.split(separator: "\n").count == 1, "\(captured.error)")
        }
    }

    @Test("refuses values before it connects anywhere")
    func values() async {
        #expect(await run("history", "--since", "yesterday").status == 2)
        #expect(await run("deploy", "g", "--timeout", "soon").status == 2)
        #expect(await run("publish", "t", "--value", "x").status == 2)
        #expect(await run("things", "create", "a", "--valid-for", "91d").status == 2)
        #expect(await run("things", "create", "a", "--attribute", "x").status == 2)
        #expect(await run("init", "/nonexistent/f", "--cloud", "nowhere").status == 2)
    }

    @Test("says every error of a group file with its place")
    func apply() async {
        let found = await run(
            "apply", "-f", "-", input: "kind: Group\nname: g\ncores: [c]\nthigns: []\nstreams: 1\n")
        #expect(found.status == 2)
        #expect(
            found.error == """
                hedgerow: standard input:4:1: a group has no key "thigns"; did you mean "things"?
                hedgerow: standard input:5:10: "streams" has to be a mapping (key: value), but is the number 1

                """)
        #expect(await run("apply", "-f", "/nonexistent/g.yaml").status == 2)
    }

    @Test("says how to enrol where there is no identity")
    func noIdentity() async {
        let found = await run("things", "list")
        #expect(found.status == 4)
        #expect(found.error.contains("hedgerow init FILE"))
        #expect(await run("init", "/nonexistent/operator.token").status == 3)
    }

    @Test("finds the home by flag, variable, XDG and home directory")
    func home() throws {
        func path(_ arguments: [String], _ environment: [String: String]) throws -> String {
            try HomeOptions.parse(arguments).directory(environment: environment).path
        }
        let all = ["HEDGEROW_HOME": "/h", "XDG_CONFIG_HOME": "/x", "HOME": "/u"]
        #expect(try path(["--home", "/f"], all) == "/f")
        #expect(try path([], all) == "/h")
        #expect(try path([], ["HEDGEROW_HOME": "", "XDG_CONFIG_HOME": "/x", "HOME": "/u"]) == "/x/hedgerow")
        #expect(try path([], ["XDG_CONFIG_HOME": "relative", "HOME": "/u"]) == "/u/.config/hedgerow")
        #expect(throws: CLIError.self) { try path([], [:]) }
    }

    @Test(
        "ends with the code of each reason",
        arguments: [
            (.notFound, .notFound), (.membershipNotDeployed, .notFound), (.roleNotAllowed, .refused),
            (.revoked, .refused), (.tokenNotAccepted, .refused), (.noRoute, .refused),
            (.alreadyExists, .failure),
            (.inUse, .failure), (.invalidField, .wrongUse), (.invalidDefinition, .wrongUse),
            (.shuttingDown, .unreachable), (.storageFailed, .failure), (.internal, .failure),
        ] as [(ErrorReason, ProgramStatus)])
    func reasons(reason: ErrorReason, status: ProgramStatus) {
        let error = CallerError(HedgerowError(.unknown, reason, "message"))
        #expect(CLIError(error).status == status)
    }

    @Test("ends with 5 where the cloud cannot be reached, and with 4 where it is not trusted")
    func transport() {
        #expect(CLIError(CallerError(RPCError(code: .unavailable, message: "x"))).status == .unreachable)
        #expect(CLIError(CallerError(RPCError(code: .deadlineExceeded, message: "x"))).status == .unreachable)
        let refused = CallerError(RPCError(code: .unavailable, message: "x"), refusal: .wrongUsage)
        #expect(CLIError(refused).status == .refused)
        #expect(CLIError(CallerError(RPCError(code: .internalError, message: "x"))).status == .failure)
    }

    @Test("ends quietly where nobody reads its results any more")
    func closedOutput() async {
        #expect(HedgerowProgram.report(OutputClosed()) == 0)
    }

    @Test("ends a deployment with the code of its outcome")
    func deployment() throws {
        func deployment(_ statuses: Hedgerow_Deployment_V1_DeploymentStatus...)
            -> Hedgerow_Deployment_V1_Deployment
        {
            .with { deployment in
                deployment.cores = statuses.enumerated().map { index, status in
                    .with {
                        $0.core = "c\(index)"
                        $0.status = status
                        $0.reason = "why \(index)"
                    }
                }
            }
        }
        func judge(_ deployment: Hedgerow_Deployment_V1_Deployment, ended: Bool) -> CLIError? {
            do throws(CLIError) {
                try DeployCommand.judge(deployment, ended: ended, limit: .seconds(90))
                return nil
            } catch {
                return error
            }
        }
        #expect(judge(deployment(.succeeded, .succeeded), ended: true) == nil)
        let failed = judge(deployment(.succeeded, .failed, .rolledBack), ended: true)
        #expect(failed?.status == .deploymentFailed)
        #expect(failed?.description == "the deployment did not succeed: c1 is FAILED (and 1 more); why 1")
        #expect(judge(deployment(.succeeded, .inProgress), ended: false)?.status == .timedOut)
        #expect(judge(deployment(.failed, .inProgress), ended: false)?.status == .deploymentFailed)
        #expect(DeploymentText.summary(deployment(.succeeded, .pending)) == .pending)
        #expect(DeploymentText.isFinal(deployment(.succeeded, .canceled)))
        #expect(!DeploymentText.isFinal(deployment(.succeeded, .pending)))
    }

    @Test("walks through all pages, and not for ever")
    func pages() async throws {
        let all = try await Pages.all { token in
            let page = Int(token) ?? 0
            return ([page * 2, page * 2 + 1], page == 2 ? "" : String(page + 1))
        }
        #expect(all == [0, 1, 2, 3, 4, 5])
        var seen: [Int] = []
        try await Pages.walk { _ in
            ([1, 2], "more")
        } use: { page in
            seen += page
            return false
        }
        #expect(seen == [1, 2])
        await #expect(throws: CLIError.self) { try await Pages.all { _ in ([1], "same") } }
    }
}
