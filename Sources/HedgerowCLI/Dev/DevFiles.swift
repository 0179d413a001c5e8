import Components
import Manifests

/// What `hedgerow dev` runs, read and checked as far as that goes without a cloud.
struct DevFiles: Sendable {
    /// The group.
    let definition: GroupDefinition
    /// Every file in use, with the digests of the artifacts as they are on disk.
    let manifests: ManifestFiles
    /// The artifacts.
    let artifacts: [ArtifactFile]
    /// Whether there are more manifests than are looked at.
    let isCut: Bool

    /// The core that runs here, in place of all of the group's.
    var core: String { definition.cores.first ?? "" }

    /// Which of the group's things and cores no document describes, cores last.
    var undescribed: (things: [String], cores: [String]) {
        let described = Set(
            manifests.documents.compactMap { entry -> String? in
                if case .thing(let thing) = entry.document.content { thing.name } else { nil }
            })
        return (
            definition.things.filter { !described.contains($0) },
            definition.cores.filter { !described.contains($0) }
        )
    }

    /// The things, named and described, that may enrol here.
    var things: [String] {
        var names = definition.things
        for entry in manifests.documents {
            if case .thing(let thing) = entry.document.content, !thing.isCore, !names.contains(thing.name) {
                names.append(thing.name)
            }
        }
        return names
    }

    /// The instances whose component is a program.
    var programs: Set<String> {
        var names: Set<String> = []
        for entry in manifests.documents {
            if case .component(let manifest) = entry.document.content, manifest.process != nil {
                names.insert(manifest.recipe.name)
            }
        }
        return names
    }
}
