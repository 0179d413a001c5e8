import ArgumentParser
import HedgerowAPI

/// A role on the command line.
enum RoleArgument: String, CaseIterable, Sendable, ExpressibleByArgument {
    case thing, core, `operator`, app

    var wire: Hedgerow_Registry_V1_IdentityRole {
        switch self {
        case .thing: .thing
        case .core: .core
        case .operator: .operator
        case .app: .app
        }
    }
}
