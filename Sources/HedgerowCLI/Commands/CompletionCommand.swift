import ArgumentParser

/// `hedgerow completion SHELL`: the script that lets a shell complete.
struct CompletionCommand: ParsableCommand {
    /// The shells that there is a script for.
    enum Shell: String, CaseIterable, ExpressibleByArgument {
        case bash, zsh, fish
    }

    static let configuration = CommandConfiguration(
        commandName: "completion",
        abstract: "Print the script that lets bash, zsh or fish complete commands, options and contexts.",
        discussion: """
            Put it where the shell looks for such scripts; new shells have it. In zsh the directory has to be in \
            fpath, and compinit has to run after that.

            Example:
              hedgerow completion bash > ~/.local/share/bash-completion/completions/hedgerow
              hedgerow completion zsh > ~/.zfunc/_hedgerow
              hedgerow completion fish > ~/.config/fish/completions/hedgerow.fish
            """)

    @Argument(help: "The shell: bash, zsh or fish.")
    var shell: Shell

    func run() throws {
        let kind: CompletionShell =
            switch shell {
            case .bash: .bash
            case .zsh: .zsh
            case .fish: .fish
            }
        try CommandIO.current.print(HedgerowCommand.completionScript(for: kind))
    }
}
