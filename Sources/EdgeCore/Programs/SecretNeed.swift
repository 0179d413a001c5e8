/// A secret that a component instance's recipe asks for.
struct SecretNeed: Hashable, Sendable {
    let name: String
    let instance: String
    let component: String
    let version: String
}
