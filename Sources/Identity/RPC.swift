/// Every method of every service of ours; the raw value is its full name as gRPC writes it, without the
/// leading slash.
///
/// A test compares the cases with the files in Protos/: a method that is added there must be added here, and
/// then decided upon in ``AuthorizationTable``.
public enum RPC: String, CaseIterable, Hashable, Sendable {
    /// Which cores a thing can use.
    case discover = "hedgerow.discovery.v1.DiscoveryService/Discover"

    /// Publishes messages on one long stream.
    case publish = "hedgerow.telemetry.v1.TelemetryService/Publish"
    /// Receives messages on one long stream.
    case subscribe = "hedgerow.telemetry.v1.TelemetryService/Subscribe"
    /// Lists stored messages.
    case query = "hedgerow.telemetry.v1.TelemetryService/Query"
    /// Says what of a thing was lost.
    case getLedger = "hedgerow.telemetry.v1.TelemetryService/GetLedger"

    /// Registers a thing or a core.
    case createThing = "hedgerow.registry.v1.RegistryService/CreateThing"
    /// Returns a thing or a core.
    case getThing = "hedgerow.registry.v1.RegistryService/GetThing"
    /// Lists things and cores.
    case listThings = "hedgerow.registry.v1.RegistryService/ListThings"
    /// Deletes a thing or a core.
    case deleteThing = "hedgerow.registry.v1.RegistryService/DeleteThing"
    /// Makes a token file.
    case createToken = "hedgerow.registry.v1.RegistryService/CreateToken"
    /// Revokes certificates.
    case revokeCertificates = "hedgerow.registry.v1.RegistryService/RevokeCertificates"
    /// Makes a revision of a group.
    case applyGroup = "hedgerow.registry.v1.RegistryService/ApplyGroup"
    /// Returns a group.
    case getGroup = "hedgerow.registry.v1.RegistryService/GetGroup"
    /// Lists groups.
    case listGroups = "hedgerow.registry.v1.RegistryService/ListGroups"
    /// Replaces a group's CA.
    case rotateGroupAuthority = "hedgerow.registry.v1.RegistryService/RotateGroupAuthority"
    /// Registers a version of a component.
    case registerComponent = "hedgerow.registry.v1.RegistryService/RegisterComponent"
    /// Returns a version of a component.
    case getComponent = "hedgerow.registry.v1.RegistryService/GetComponent"
    /// Lists components, or the versions of one.
    case listComponents = "hedgerow.registry.v1.RegistryService/ListComponents"
    /// Sets the type and attributes of a thing.
    case setThingAttributes = "hedgerow.registry.v1.RegistryService/SetThingAttributes"
    /// Makes or changes a type of things.
    case putThingType = "hedgerow.registry.v1.RegistryService/PutThingType"
    /// Lists types of things.
    case listThingTypes = "hedgerow.registry.v1.RegistryService/ListThingTypes"
    /// Deletes a type of things.
    case deleteThingType = "hedgerow.registry.v1.RegistryService/DeleteThingType"
    /// Says what applying manifests would do.
    case checkManifests = "hedgerow.registry.v1.RegistryService/CheckManifests"
    /// Returns a revision of a group.
    case getGroupRevision = "hedgerow.registry.v1.RegistryService/GetGroupRevision"
    /// Lists the revisions of a group.
    case listGroupRevisions = "hedgerow.registry.v1.RegistryService/ListGroupRevisions"
    /// Points an alias at a version of a component.
    case setComponentAlias = "hedgerow.registry.v1.RegistryService/SetComponentAlias"
    /// Removes an alias.
    case deleteComponentAlias = "hedgerow.registry.v1.RegistryService/DeleteComponentAlias"
    /// Lists aliases.
    case listComponentAliases = "hedgerow.registry.v1.RegistryService/ListComponentAliases"
    /// Lists where aliases pointed.
    case listComponentAliasMoves = "hedgerow.registry.v1.RegistryService/ListComponentAliasMoves"
    /// Marks a version of a component as not to be used any more.
    case deprecateComponent = "hedgerow.registry.v1.RegistryService/DeprecateComponent"
    /// Sets a secret of a group.
    case setSecret = "hedgerow.registry.v1.RegistryService/SetSecret"
    /// Deletes a secret of a group.
    case deleteSecret = "hedgerow.registry.v1.RegistryService/DeleteSecret"
    /// Lists secrets, without their values.
    case listSecrets = "hedgerow.registry.v1.RegistryService/ListSecrets"

    /// Deploys a revision.
    case createDeployment = "hedgerow.deployment.v1.DeploymentService/CreateDeployment"
    /// Returns a deployment.
    case getDeployment = "hedgerow.deployment.v1.DeploymentService/GetDeployment"
    /// Lists deployments.
    case listDeployments = "hedgerow.deployment.v1.DeploymentService/ListDeployments"
    /// Follows a deployment.
    case watchDeployment = "hedgerow.deployment.v1.DeploymentService/WatchDeployment"
    /// Begins no further core of a deployment.
    case pauseDeployment = "hedgerow.deployment.v1.DeploymentService/PauseDeployment"
    /// Goes on with a paused deployment.
    case resumeDeployment = "hedgerow.deployment.v1.DeploymentService/ResumeDeployment"
    /// Stops a deployment.
    case cancelDeployment = "hedgerow.deployment.v1.DeploymentService/CancelDeployment"
    /// Says what a deployment would do.
    case planDeployment = "hedgerow.deployment.v1.DeploymentService/PlanDeployment"
    /// Attaches a core.
    case attach = "hedgerow.deployment.v1.DeploymentService/Attach"
    /// Returns a recipe to a core that is to run it.
    case getRecipe = "hedgerow.deployment.v1.DeploymentService/GetRecipe"
    /// Returns secrets to a core whose programs read them.
    case getSecrets = "hedgerow.deployment.v1.DeploymentService/GetSecrets"

    /// Uploads an artifact.
    case uploadArtifact = "hedgerow.artifact.v1.ArtifactService/UploadArtifact"
    /// Says how much of an artifact is held.
    case getArtifactUpload = "hedgerow.artifact.v1.ArtifactService/GetArtifactUpload"
    /// Returns an artifact.
    case getArtifact = "hedgerow.artifact.v1.ArtifactService/GetArtifact"
    /// Lists artifacts.
    case listArtifacts = "hedgerow.artifact.v1.ArtifactService/ListArtifacts"
    /// Downloads an artifact; a core those that it is to run.
    case downloadArtifact = "hedgerow.artifact.v1.ArtifactService/DownloadArtifact"

    /// Lists streams of cores.
    case listStreams = "hedgerow.stream.v1.StreamService/ListStreams"
    /// Returns a stream of a core.
    case getStream = "hedgerow.stream.v1.StreamService/GetStream"
    /// Reads messages of a stream on its core.
    case readStream = "hedgerow.stream.v1.StreamService/ReadStream"
    /// Deletes messages of a stream on its core.
    case deleteStreamMessages = "hedgerow.stream.v1.StreamService/DeleteStreamMessages"
    /// Pauses an export of a stream.
    case pauseExport = "hedgerow.stream.v1.StreamService/PauseExport"
    /// Resumes an export of a stream.
    case resumeExport = "hedgerow.stream.v1.StreamService/ResumeExport"

    /// Returns a shadow.
    case getShadow = "hedgerow.shadow.v1.ShadowService/GetShadow"
    /// Changes or creates a shadow.
    case updateShadow = "hedgerow.shadow.v1.ShadowService/UpdateShadow"
    /// Deletes a shadow.
    case deleteShadow = "hedgerow.shadow.v1.ShadowService/DeleteShadow"
    /// Lists shadows.
    case listShadows = "hedgerow.shadow.v1.ShadowService/ListShadows"
    /// Follows what happens to shadows.
    case watchShadow = "hedgerow.shadow.v1.ShadowService/WatchShadow"
    /// Lists what a shadow was.
    case listShadowHistory = "hedgerow.shadow.v1.ShadowService/ListShadowHistory"
    /// Lists what was decided where both sides had changed a shadow.
    case listShadowConflicts = "hedgerow.shadow.v1.ShadowService/ListShadowConflicts"
    /// Keeps shadows of a core and of the cloud the same.
    case syncShadows = "hedgerow.shadow.v1.ShadowService/SyncShadows"

    /// Exchanges a token for a certificate.
    case enroll = "hedgerow.provisioning.v1.ProvisioningService/Enroll"
    /// Renews a certificate.
    case renew = "hedgerow.provisioning.v1.ProvisioningService/Renew"

    /// Answers once whether a service is ready.
    case checkHealth = "grpc.health.v1.Health/Check"
    /// Answers once which services are ready.
    case listHealth = "grpc.health.v1.Health/List"
    /// Answers now and after every change whether a service is ready.
    case watchHealth = "grpc.health.v1.Health/Watch"

    /// Says which services are served, and describes them.
    case reflect = "grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
    /// The same under its older name.
    case reflectAlpha = "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"

    /// Finds a method by its full name, `package.Service/Method` (what gRPC calls the fully qualified method
    /// name); nil for one that is none of ours. A leading slash, as in an HTTP/2 path, is accepted.
    public init?(fullyQualifiedName name: String) {
        self.init(rawValue: name.first == "/" ? String(name.dropFirst()) : name)
    }

    /// The full name of the service, `package.Service`.
    public var service: String { String(rawValue.prefix { $0 != "/" }) }

    /// The name of the method alone.
    public var method: String { String(rawValue.drop { $0 != "/" }.dropFirst()) }
}
