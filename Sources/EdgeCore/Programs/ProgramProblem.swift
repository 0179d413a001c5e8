/// Why a program cannot be run, one sentence.
struct ProgramProblem: Error, CustomStringConvertible {
    let description: String
}
