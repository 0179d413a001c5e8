/// A step that is ready to run.
enum CompiledStep: Sendable {
    case filter(LabelledExpression)
    case bind([(name: String, value: LabelledExpression)])
    case set([CompiledAssignment])
    case keep(Set<String>)
    case drop(Set<String>)
    case shadow(CompiledShadow)
    case publish(CompiledPublish)
}
