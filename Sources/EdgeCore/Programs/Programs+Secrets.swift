import Components
import HedgerowAPI

// The secrets of what runs.

extension Programs {
    /// What the running revision asks for; nil where none runs.
    var wantedSecrets: SecretKeeper.Wanted? {
        guard let running = parts.revision.running else { return nil }
        let needs = running.components.values.sorted { $0.instance < $1.instance }.flatMap { component in
            (component.process?.secrets ?? []).map {
                SecretNeed(
                    name: $0, instance: component.instance, component: component.component,
                    version: component.version)
            }
        }
        return SecretKeeper.Wanted(
            deploymentID: parts.revision.deploymentID, group: running.revision.group, needs: needs)
    }
}
