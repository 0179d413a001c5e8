import Components
import FoundationEssentials
import HedgerowAPI

extension Hedgerow_Type_V1_ArtifactReference {
    init(_ artifact: ArtifactReference) {
        self.init()
        name = artifact.name
        digest = Data(artifact.digest)
        size = artifact.size
    }
}
