import ArgumentParser

/// `hedgerow-cloud completion SHELL`: the script that lets a shell complete.
struct Completion: ParsableCommand {
    /// The shells that there is a script for.
    enum Shell: String, CaseIterable, ExpressibleByArgument {
        case bash, zsh, fish
    }

    static let configuration = CommandConfiguration(
        abstract: "Print the script that lets bash, zsh or fish complete commands and options.",
        discussion: """
            Put it where the shell looks for such scripts; new shells have it.

            Example:
              hedgerow-cloud completion bash > /etc/bash_completion.d/hedgerow-cloud
            """)

    @Argument(help: "The shell: bash, zsh or fish.")
    var shell: Shell

    func run() {
        switch shell {
        case .bash: print(HedgerowCloud.completionScript(for: .bash))
        case .zsh: print(HedgerowCloud.completionScript(for: .zsh))
        case .fish: print(HedgerowCloud.completionScript(for: .fish))
        }
    }
}
