public import Transforms

/// What a component does with messages: exactly one of the two is in a recipe.
public enum RecipeWork: Hashable, Sendable {
    /// Steps that the core applies itself (`transform:`).
    case transform(TransformDefinition)
    /// A program that the core starts and watches (`process:`).
    case process(ProcessDefinition)
}
