import Logging
import Subprocess

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A small shell beside the core that waits for the core's end, at the other end of a pipe, and then kills
/// all that the core had started: the kernel closes the pipe however the core ended.
///
/// The parent-death signal alone does not do that: it reaches the leader of a program and not what that
/// began.
struct ProgramKeeper: Sendable {
    /// Identity of the core's run.
    let identity: String
    /// The control group of its programs.
    let cgroup: String?
    let logger: Logger

    /// How long until it is started again where somebody ended it.
    static let restartDelay: Duration = .seconds(1)

    /// Looks until nothing is left, once a second for half a minute at most, in the order: control groups,
    /// whose end is complete, then what carries the mark of the core's run. Groups that are empty
    /// then are removed.
    private static let script = """
        while read -r _; do :; done
        round=0
        while [ "$round" -lt 30 ]; do
            [ -n "$2" ] && [ -w "$2/cgroup.kill" ] && echo 1 > "$2/cgroup.kill"
            found=
            for file in $(grep -lsF -e "$1" /proc/[0-9]*/environ 2> /dev/null); do
                pid=${file#/proc/}
                found=yes
                kill -KILL "${pid%/environ}" 2> /dev/null
            done
            if [ -z "$found" ]; then
                [ -n "$2" ] && [ -d "$2" ] || exit 0
                rmdir "$2"/*/ "$2" 2> /dev/null
                [ -d "$2" ] || exit 0
            fi
            round=$((round + 1))
            [ "$round" -gt 3 ] && sleep 1
        done
        """

    /// Runs it until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            do {
                try await once()
            } catch {
                logger.error(
                    "the keeper of programs cannot run; a core that is killed may leave some",
                    metadata: ["error": "\(error)"])
                return
            }
            if !Task.isCancelled {
                logger.warning("the keeper of programs ended and is started again")
                try? await Task.sleep(for: Self.restartDelay)
            }
        }
    }

    private func once() async throws {
        let (reading, writing) = try Pipe.make()
        let end = PipeEnd(writing)
        var options = PlatformOptions()
        // Away from the terminal's Ctrl-C, which is for the core.
        options.createSession = true
        // It ends by itself when the pipe is closed.
        options.teardownSequence = [
            .send(signal: Signal(rawValue: 0), allowedDurationToNextStep: .seconds(60))
        ]
        try await withTaskCancellationHandler {
            _ = try await Subprocess.run(
                .path(FilePath(ProgramTools.shell)),
                arguments: [
                    "-c", Self.script, "hedgerow-keeper", ProgramMarker.prefix(run: identity), cgroup ?? "",
                ],
                environment: .custom([Environment.Key(stringLiteral: "PATH"): ProgramTools.path]),
                workingDirectory: "/", platformOptions: options,
                input: .fileDescriptor(reading, closeAfterSpawningProcess: true), output: .discarded,
                error: .discarded)
        } onCancel: {
            end.close()
        }
        end.close()
    }
}
