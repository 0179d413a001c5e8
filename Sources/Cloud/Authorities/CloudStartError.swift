/// Why the cloud does not start. Nothing was changed; in doubt it refuses rather than makes something anew.
public enum CloudStartError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Another process uses the state directory.
    case stateInUse(path: String)
    /// The state directory cannot be used.
    case stateUnusable(path: String, reason: String)
    /// The database cannot be used, or is of a newer version.
    case databaseUnusable(reason: String)
    /// Keys without the database that they belong to.
    case databaseLost(keyFile: String)
    /// The database names a CA whose key is not there.
    case keyMissing(keyFile: String)
    /// A CA's key or certificate cannot be used.
    case authorityUnusable(name: String, reason: String)
    /// The configured trust domain is not the one that the database was made with.
    case otherTrustDomain(configured: String, stored: String)
    /// A listener could not be opened.
    case cannotListen(setting: String, address: String, reason: String)
    /// A setting has a value that cannot be used.
    case badSetting(name: String, reason: String)

    /// What is wrong, where, and what to do.
    public var description: String {
        switch self {
        case .stateInUse(let path):
            "the state directory \(path) is in use by another hedgerow-cloud; stop that one first, or choose "
                + "another directory with --state"
        case .stateUnusable(let path, let reason):
            "the state directory \(path) cannot be used (\(reason)); check its owner and mode"
        case .databaseUnusable(let reason):
            reason
        case .databaseLost(let keyFile):
            "the key \(keyFile) is there, but the database knows no certificate authority, so the database was "
                + "lost; restore it from a backup, or start with an empty state directory and enrol everything anew"
        case .keyMissing(let keyFile):
            "the key \(keyFile) of a certificate authority is missing; restore it from a backup (it is never "
                + "made anew, because every certificate would become worthless)"
        case .authorityUnusable(let name, let reason):
            "the certificate authority \(name) cannot be used (\(reason)); restore the state directory from a "
                + "backup (nothing was made anew)"
        case .otherTrustDomain(let configured, let stored):
            "the trust domain is set to \"\(configured)\", but this state directory belongs to \"\(stored)\"; "
                + "set trustDomain to \"\(stored)\""
        case .cannotListen(let setting, let address, let reason):
            "cannot listen on \(address) (\(reason)); end what uses that port, or set \(setting) to another one"
        case .badSetting(let name, let reason):
            "the setting \(name) cannot be used: \(reason)"
        }
    }
}
