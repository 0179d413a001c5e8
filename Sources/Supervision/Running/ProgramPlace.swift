import PKI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The directories of a program, made ready for the user that it runs as. Everything here blocks.
struct ProgramPlace: Sendable {
    let directories: ProgramDirectories
    /// Whose they are to be; nil for the core's user.
    let user: ProgramUser?

    /// Makes what is missing and gives it to the user.
    ///
    /// - Throws: `FileFailure`.
    func prepare() throws {
        for path in directories.all { try DurableFile.makeDirectory(path) }
        guard let user else { return }
        give(directories.working, to: user)
        if let data = FileOwnership(path: directories.data, followsLinks: false), data.owner != user.id {
            give(directories.data, to: user)
        }
    }

    /// Whether the working directory is there.
    var exists: Bool { access(directories.working, F_OK) == 0 }

    /// Gives a directory and what is in it to a user. Nothing of the program runs meanwhile.
    private func give(_ path: String, to user: ProgramUser) {
        guard let file = FileOwnership(path: path, followsLinks: false) else { return }
        // A file that has a second name may be one of the core's own; whose it is holds for both.
        if file.owner != user.id, file.isDirectory || file.links == 1 { _ = lchown(path, user.id, user.id) }
        guard file.isDirectory else { return }
        for name in ProcFile.names(path) { give("\(path)/\(name)", to: user) }
    }
}
