import PKI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A sandbox of bubblewrap, as its arguments. Making them looks at the file system, so it blocks.
struct Sandbox: Sendable {
    /// Directory of bubblewrap and setpriv.
    let tools: ProgramTools
    /// Who the program is where the core is root; nil where it stays the core's user.
    let user: ProgramUser?

    /// Room in `/tmp` and in `/dev/shm`, each.
    static let temporaryBytes = 64 << 20

    /// What of `/etc` programs need: libraries, names, times, certificates. Nothing there is secret.
    private static let etc = [
        "alternatives", "ca-certificates", "debian_version", "group", "host.conf", "hosts",
        "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "locale.alias", "localtime", "mime.types",
        "nsswitch.conf", "os-release", "passwd", "pki", "protocols", "python3", "resolv.conf",
        "services", "ssl", "timezone",
    ]

    /// What precedes a command to run it in the sandbox.
    ///
    /// - Parameters:
    ///   - own: directories that it may read and write.
    ///   - grants: what else it may reach.
    ///   - directory: where it begins.
    func prefix(own: [String], grants: SandboxGrants, directory: String) -> [String] {
        guard let bwrap = tools.bwrap else { return [] }
        var arguments = [bwrap, "--die-with-parent", "--new-session"]
        arguments += ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
        if !grants.network { arguments.append("--unshare-net") }
        if user == nil { arguments.append("--unshare-user") }
        arguments += ["--cap-drop", "ALL"]
        // Only until it has become another user, and to enter that one's directory; what it runs then has
        // none.
        if user != nil {
            for capability in ["CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP", "CAP_DAC_READ_SEARCH"] {
                arguments += ["--cap-add", capability]
            }
        }
        arguments += system
        // Made here, those above a path can be passed by everybody; bubblewrap would close them like the path
        // itself.
        for path in Self.above(own + grants.all) { arguments += ["--perms", "0755", "--dir", path] }
        for path in grants.read { arguments += ["--ro-bind-try", path, path] }
        for path in own { arguments += ["--bind", path, path] }
        // They may be shared with others: whoever owns them outside could change them for all.
        for path in grants.fixed { arguments += ["--ro-bind-try", path, path] }
        for path in grants.write + grants.sockets { arguments += ["--bind-try", path, path] }
        for path in grants.devices { arguments += ["--dev-bind-try", path, path] }
        arguments += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", directory, "--"]
        return arguments + changeOfUser(grants)
    }

    /// The system's own files, as far as everybody may have them.
    private var system: [String] {
        var arguments = ["--ro-bind", "/usr", "/usr"]
        for path in ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"] {
            var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
            let length = readlink(path, &buffer, buffer.count)
            if length > 0 {
                let target = String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
                arguments += ["--symlink", target, path]
            } else {
                arguments += ["--ro-bind-try", path, path]
            }
        }
        // Made here; bubblewrap would close it for everybody but root.
        arguments += ["--perms", "0755", "--dir", "/etc"]
        for name in Self.etc { arguments += ["--ro-bind-try", "/etc/\(name)", "/etc/\(name)"] }
        let size = "\(Self.temporaryBytes)"
        arguments += ["--proc", "/proc", "--dev", "/dev"]
        arguments += ["--perms", "1777", "--size", size, "--tmpfs", "/dev/shm"]
        arguments += ["--perms", "1777", "--size", size, "--tmpfs", "/tmp"]
        return arguments + ["--perms", "0755", "--dir", "/run", "--perms", "0755", "--dir", "/var"]
    }

    /// The directories above paths, each once, the upper ones first.
    private static func above(_ paths: [String]) -> [String] {
        var result: Set<String> = []
        for path in paths {
            let parts = path.split(separator: "/").dropLast()
            for count in parts.indices { result.insert("/" + parts[...count].joined(separator: "/")) }
        }
        return result.sorted()
    }

    /// Becomes the program's user, for good, with the groups of the devices that it may use.
    private func changeOfUser(_ grants: SandboxGrants) -> [String] {
        guard let user, let setpriv = tools.setpriv else { return [] }
        var groups: Set<UInt32> = []
        for path in grants.devices {
            // Never root's: with it came all that root's group may read.
            if let device = FileOwnership(path: path, followsLinks: true), device.group != 0 {
                groups.insert(device.group)
            }
        }
        let list = groups.sorted().map(String.init).joined(separator: ",")
        return [
            setpriv, "--reuid", "\(user.id)", "--regid", "\(user.id)",
            groups.isEmpty ? "--clear-groups" : "--groups=\(list)",
            "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs", "--",
        ]
    }
}
