import HedgerowAPI

/// A revision that was checked and can be switched to.
struct StagedRevision: Sendable {
    /// The revision, with its lock.
    let revision: Hedgerow_Type_V1_GroupRevision
    /// The recipes that it needs, all of them.
    let recipes: [StoredRecipe]
    /// Its component instances, compiled.
    let components: [RunningComponent]

    init(
        _ revision: Hedgerow_Type_V1_GroupRevision, recipes: [StoredRecipe] = [],
        components: [RunningComponent] = []
    ) {
        self.revision = revision
        self.recipes = recipes
        self.components = components
    }
}
