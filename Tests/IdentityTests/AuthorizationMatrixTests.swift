import Foundation
import Testing

@testable import Identity

/// The whole matrix, written out by hand: a change of the table must be made here too, and deliberately.
@Suite struct AuthorizationMatrixTests {
    /// What a cell of the matrix says, for the caller's own resource, another's, and a call that names none.
    enum Cell: Equatable {
        /// Denied by role.
        case no
        /// Own only, and it must be named.
        case own
        /// Own only; nothing needs be named.
        case me
        /// Everything.
        case all
    }

    /// Columns: on the cloud thing, core, operator, app; on a core thing, core, operator, app; nobody on the
    /// enrolment listener.
    typealias Row = (
        thing: Cell, core: Cell, op: Cell, app: Cell, coreThing: Cell, others: Cell, nobody: Cell
    )

    /// One row a method. No `default`: whoever adds a method must decide before this compiles.
    static func row(_ rpc: RPC) -> Row {
        switch rpc {
        //                               thing core   op   app | core's: thing others | nobody
        case .discover: (.own, .no, .all, .no, .no, .no, .no)
        case .publish: (.own, .own, .all, .no, .own, .no, .no)
        case .subscribe: (.own, .own, .all, .no, .own, .no, .no)
        case .query: (.no, .no, .all, .no, .no, .no, .no)
        case .getLedger: (.no, .no, .all, .no, .no, .no, .no)
        case .createThing: (.no, .no, .all, .no, .no, .no, .no)
        case .getThing: (.no, .no, .all, .no, .no, .no, .no)
        case .listThings: (.no, .no, .all, .no, .no, .no, .no)
        case .deleteThing: (.no, .no, .all, .no, .no, .no, .no)
        case .createToken: (.no, .no, .all, .no, .no, .no, .no)
        case .revokeCertificates: (.no, .no, .all, .no, .no, .no, .no)
        case .applyGroup: (.no, .no, .all, .no, .no, .no, .no)
        case .getGroup: (.no, .no, .all, .no, .no, .no, .no)
        case .listGroups: (.no, .no, .all, .no, .no, .no, .no)
        case .rotateGroupAuthority: (.no, .no, .all, .no, .no, .no, .no)
        case .registerComponent, .getComponent, .listComponents: (.no, .no, .all, .no, .no, .no, .no)
        case .setThingAttributes, .putThingType, .listThingTypes, .deleteThingType:
            (.no, .no, .all, .no, .no, .no, .no)
        case .checkManifests, .getGroupRevision, .listGroupRevisions: (.no, .no, .all, .no, .no, .no, .no)
        case .setComponentAlias, .deleteComponentAlias: (.no, .no, .all, .no, .no, .no, .no)
        case .listComponentAliases, .listComponentAliasMoves: (.no, .no, .all, .no, .no, .no, .no)
        case .deprecateComponent: (.no, .no, .all, .no, .no, .no, .no)
        case .setSecret, .deleteSecret, .listSecrets: (.no, .no, .all, .no, .no, .no, .no)
        case .createDeployment: (.no, .no, .all, .no, .no, .no, .no)
        case .planDeployment: (.no, .no, .all, .no, .no, .no, .no)
        case .getDeployment: (.no, .no, .all, .no, .no, .no, .no)
        case .listDeployments: (.no, .no, .all, .no, .no, .no, .no)
        case .pauseDeployment, .resumeDeployment, .cancelDeployment: (.no, .no, .all, .no, .no, .no, .no)
        case .watchDeployment: (.no, .no, .all, .no, .no, .no, .no)
        case .listStreams, .getStream, .readStream: (.no, .no, .all, .no, .no, .no, .no)
        case .deleteStreamMessages, .pauseExport, .resumeExport: (.no, .no, .all, .no, .no, .no, .no)
        case .uploadArtifact, .getArtifactUpload: (.no, .no, .all, .no, .no, .no, .no)
        case .getArtifact, .listArtifacts: (.no, .no, .all, .no, .no, .no, .no)
        case .downloadArtifact: (.no, .own, .all, .no, .no, .no, .no)
        case .attach, .getRecipe, .getSecrets: (.no, .own, .no, .no, .no, .no, .no)
        case .getShadow, .updateShadow, .deleteShadow, .listShadows: (.own, .no, .all, .no, .own, .no, .no)
        case .watchShadow, .listShadowHistory, .listShadowConflicts: (.own, .no, .all, .no, .own, .no, .no)
        case .syncShadows: (.no, .own, .no, .no, .no, .no, .no)
        case .enroll: (.no, .no, .no, .no, .no, .no, .all)
        case .renew: (.me, .me, .me, .me, .no, .no, .no)
        case .checkHealth: (.all, .all, .all, .all, .all, .all, .all)
        case .listHealth, .watchHealth: (.all, .all, .all, .all, .all, .all, .all)
        case .reflect, .reflectAlpha: (.all, .all, .all, .all, .all, .all, .no)
        }
    }

    static func cell(_ listener: AuthorizationTable.Listener, _ role: Role?, _ rpc: RPC) -> Cell {
        let row = row(rpc)
        switch (listener, role) {
        case (.cloud, .thing): return row.thing
        case (.cloud, .core): return row.core
        case (.cloud, .operator): return row.op
        case (.cloud, .app): return row.app
        case (.core, .thing): return row.coreThing
        case (.core, .core), (.core, .operator), (.core, .app): return row.others
        case (.enrollment, nil): return row.nobody
        // An identity counts for nothing where none is asked for, and nobody gets in where one is.
        case (.enrollment, _), (.cloud, nil), (.core, nil): return .no
        }
    }

    @Test(arguments: RPC.allCases)
    func everyCellIsAsWrittenHere(_ rpc: RPC) throws {
        for listener in AuthorizationTable.Listener.allCases {
            let table = AuthorizationTable(listener: listener)
            for role in [nil] + Role.allCases.map(Optional.some) {
                let principal = try role.map { try Principal(role: $0, name: "me") }
                let cell = Self.cell(listener, role, rpc)
                let place = "\(rpc) by \(role?.rawValue ?? "nobody") on \(listener)"
                let byRole: AuthorizationDecision =
                    .denied(role == nil ? .noIdentity : .roleNotAllowed)
                #expect(table.roleMayCall(principal, rpc) == (cell == .no ? byRole : .allowed), "\(place)")
                if let role { #expect(table.roleMayCall(role, rpc) == (cell != .no), "\(place)") }

                let own: Resource? = role == .thing ? .thing("me") : role == .core ? .core("me") : nil
                if let own {
                    #expect(
                        table.decide(principal, rpc, own) == (cell == .no ? byRole : .allowed),
                        "\(place), own")
                }
                for other: Resource in [
                    .thing("other"), .core("other"), .group("g"), .thing("ME"),
                    // The same name in another role is somebody else.
                    role == .thing ? .core("me") : .thing("other"),
                    role == .core ? .thing("me") : .core("other"),
                ] {
                    let wanted: AuthorizationDecision =
                        switch cell {
                        case .no: byRole
                        case .own, .me: .denied(.notYourResource)
                        case .all: .allowed
                        }
                    #expect(table.decide(principal, rpc, other) == wanted, "\(place), \(other)")
                }
                let unnamed: AuthorizationDecision =
                    switch cell {
                    case .no: byRole
                    case .own: .denied(.notYourResource)
                    case .me, .all: .allowed
                    }
                #expect(table.decide(principal, rpc, .none) == unnamed, "\(place), nothing named")
            }
        }
    }

    @Test func noKeyIsGrantedTwice() {
        var seen: Set<String> = []
        for grant in AuthorizationTable.grants {
            for rpc in grant.rpcs {
                let isNew = seen.insert("\(grant.listener) \(grant.role?.rawValue ?? "-") \(rpc)").inserted
                #expect(isNew, "\(grant.listener) \(grant.role?.rawValue ?? "-") \(rpc)")
            }
        }
    }

    @Test func onlyTheEnrollmentListenerServesThoseWithoutIdentity() {
        #expect(!AuthorizationTable.cloud.servesUnauthenticated)
        #expect(!AuthorizationTable.core.servesUnauthenticated)
        #expect(AuthorizationTable.enrollment.servesUnauthenticated)
    }

    @Test func everyMethodOfTheProtosIsACase() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Protos")
        var found: Set<String> = []
        let files = try #require(FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil))
        for case let file as URL in files where file.pathExtension == "proto" {
            // Spoken to the collectors of others; none of these listeners serves it.
            if file.path.contains("/opentelemetry/") { continue }
            // Served to programs on a core, which have tokens and no roles.
            if file.path.contains("/hedgerow/component/") { continue }
            var package = ""
            var service = ""
            for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
                let words = line.split { " ;{(".contains($0) }
                guard words.count >= 2 else { continue }
                switch words[0] {
                case "package": package = String(words[1])
                case "service": service = String(words[1])
                case "rpc": found.insert("\(package).\(service)/\(words[1])")
                default: break
                }
            }
        }
        #expect(found.count >= 24)
        #expect(found == Set(RPC.allCases.map(\.rawValue)))
    }

    @Test func methodsAreFoundByTheirFullName() {
        #expect(RPC(fullyQualifiedName: "grpc.health.v1.Health/Watch") == .watchHealth)
        #expect(RPC(fullyQualifiedName: "/hedgerow.telemetry.v1.TelemetryService/Publish") == .publish)
        #expect(RPC(fullyQualifiedName: "hedgerow.telemetry.v1.TelemetryService/publish") == nil)
        #expect(RPC.publish.service == "hedgerow.telemetry.v1.TelemetryService")
        #expect(RPC.publish.method == "Publish")
    }
}
