/// Who may call what for which resource. One table for all servers; what it does not grant is denied.
///
/// ``cloud``, ``enrollment`` and ``core`` are the views of it that the three kinds of listener use. The table
/// knows names only. What depends on state (is this thing in the group that this core serves, may this core
/// speak for that thing) is decided by the service that holds the state, after this table has allowed the
/// call.
public struct AuthorizationTable: Hashable, Sendable {
    /// The kinds of listener.
    public enum Listener: CaseIterable, Hashable, Sendable {
        /// The cloud's, which demands a client certificate.
        case cloud
        /// The cloud's, which asks for no client certificate: for those that have none yet.
        case enrollment
        /// A core's, which demands a client certificate.
        case core
    }

    /// Which resources a grant covers.
    enum Scope: Hashable, Sendable {
        /// Every resource.
        case any
        /// The caller itself, named in the call. A call that names nothing is denied: the service fills in
        /// the caller's name where a request may leave it out.
        case own
        /// The caller itself, also where the call names nothing because its request has no such field.
        case ownOrUnnamed
    }

    /// One line of the table.
    struct Grant: Sendable {
        let listener: Listener
        /// Nil for somebody without an identity.
        let role: Role?
        let rpcs: [RPC]
        let scope: Scope

        init(_ listener: Listener, _ role: Role?, _ rpcs: [RPC], _ scope: Scope) {
            self.listener = listener
            self.role = role
            self.rpcs = rpcs
            self.scope = scope
        }
    }

    private static let health: [RPC] = [.checkHealth, .listHealth, .watchHealth]
    private static let reflection: [RPC] = [.reflect, .reflectAlpha]
    /// What is done with shadows; not how they are synced.
    private static let shadows: [RPC] = [
        .getShadow, .updateShadow, .deleteShadow, .listShadows, .watchShadow, .listShadowHistory,
        .listShadowConflicts,
    ]

    /// The table.
    static let grants: [Grant] = [
        // A thing speaks only for itself, to the cloud as well as to a core.
        Grant(.cloud, .thing, [.discover, .publish, .subscribe], .own),
        Grant(.cloud, .thing, [.renew], .ownOrUnnamed),
        Grant(.core, .thing, [.publish, .subscribe], .own),
        // Its shadows among that, wherever it is connected.
        Grant(.cloud, .thing, shadows, .own),
        Grant(.core, .thing, shadows, .own),

        // A core speaks for itself; for which things it speaks is checked where its groups are known.
        Grant(
            .cloud, .core,
            [.attach, .publish, .subscribe, .getRecipe, .getSecrets, .downloadArtifact, .syncShadows], .own),
        Grant(.cloud, .core, [.renew], .ownOrUnnamed),

        // An operator runs the fleet through the cloud, and never through a core.
        Grant(
            .cloud, .operator,
            [
                .createThing, .getThing, .listThings, .deleteThing, .createToken, .revokeCertificates,
                .applyGroup,
                .getGroup, .listGroups, .rotateGroupAuthority,
                .registerComponent, .getComponent, .listComponents,
                .setThingAttributes, .putThingType, .listThingTypes, .deleteThingType,
                .checkManifests, .getGroupRevision, .listGroupRevisions,
                .setComponentAlias, .deleteComponentAlias, .listComponentAliases, .listComponentAliasMoves,
                .deprecateComponent,
                .setSecret, .deleteSecret, .listSecrets,
                .createDeployment, .getDeployment, .listDeployments, .watchDeployment, .planDeployment,
                .pauseDeployment, .resumeDeployment, .cancelDeployment,
                .uploadArtifact, .getArtifactUpload, .getArtifact, .listArtifacts, .downloadArtifact,
                .discover, .publish, .subscribe, .query, .getLedger,
                .listStreams, .getStream, .readStream, .deleteStreamMessages, .pauseExport, .resumeExport,
            ], .any),
        Grant(.cloud, .operator, shadows, .any),
        Grant(.cloud, .operator, [.renew], .ownOrUnnamed),

        // An app keeps its identity alive; what else it may do waits for grants of its own.
        Grant(.cloud, .app, [.renew], .ownOrUnnamed),

        // Everybody whom a listener lets in with an identity may ask whether it is well and what it speaks.
        Grant(.cloud, .thing, health + reflection, .any),
        Grant(.cloud, .core, health + reflection, .any),
        Grant(.cloud, .operator, health + reflection, .any),
        Grant(.cloud, .app, health + reflection, .any),
        Grant(.core, .thing, health + reflection, .any),
        Grant(.core, .core, health + reflection, .any),
        Grant(.core, .operator, health + reflection, .any),
        Grant(.core, .app, health + reflection, .any),

        // Those without an identity: a token stands in for it, and Enroll checks that.
        Grant(.enrollment, nil, [.enroll] + health, .any),
    ]

    /// What the cloud's mutually authenticated listener grants.
    public static let cloud = AuthorizationTable(listener: .cloud)
    /// What the cloud's enrolment listener grants; nobody has an identity there.
    public static let enrollment = AuthorizationTable(listener: .enrollment)
    /// What a core's listener grants.
    public static let core = AuthorizationTable(listener: .core)

    /// The view's listener.
    public let listener: Listener

    /// The view of one kind of listener.
    public init(listener: Listener) {
        self.listener = listener
    }

    /// Decides about one call.
    ///
    /// - Parameters:
    ///   - principal: who calls; nil where the connection showed no identity.
    ///   - rpc: the method.
    ///   - resource: what the call is about; the name that the request gives, not one that the service found
    ///     by itself.
    public func decide(_ principal: Principal?, _ rpc: RPC, _ resource: Resource) -> AuthorizationDecision {
        guard let scope = scope(of: principal?.role, rpc) else {
            return .denied(principal == nil ? .noIdentity : .roleNotAllowed)
        }
        switch scope {
        case .any:
            return .allowed
        case .own, .ownOrUnnamed:
            guard let principal else { return .denied(.noIdentity) }
            if resource == .none { return scope == .ownOrUnnamed ? .allowed : .denied(.notYourResource) }
            return resource == .own(principal) ? .allowed : .denied(.notYourResource)
        }
    }

    /// Whether a role may call a method at all, for some resource: what is checked before a request is read.
    ///
    /// - Parameter principal: who calls; nil where the connection showed no identity.
    public func roleMayCall(_ principal: Principal?, _ rpc: RPC) -> AuthorizationDecision {
        if scope(of: principal?.role, rpc) != nil { return .allowed }
        return .denied(principal == nil ? .noIdentity : .roleNotAllowed)
    }

    /// Whether a role may call a method at all, for some resource.
    public func roleMayCall(_ role: Role, _ rpc: RPC) -> Bool {
        scope(of: role, rpc) != nil
    }

    /// Whether somebody without an identity may call at least one method here.
    public var servesUnauthenticated: Bool {
        RPC.allCases.contains { scope(of: nil, $0) != nil }
    }

    private func scope(of role: Role?, _ rpc: RPC) -> Scope? {
        Self.index[Key(listener: listener, role: role, rpc: rpc)]
    }

    private struct Key: Hashable {
        let listener: Listener
        let role: Role?
        let rpc: RPC
    }

    /// The table by key. Where two lines spoke of the same key, the narrower one would hold.
    private static let index: [Key: Scope] = {
        var index: [Key: Scope] = [:]
        for grant in grants {
            for rpc in grant.rpcs {
                let key = Key(listener: grant.listener, role: grant.role, rpc: rpc)
                index[key] = index[key].map { $0 == .any ? grant.scope : $0 } ?? grant.scope
            }
        }
        return index
    }()
}
