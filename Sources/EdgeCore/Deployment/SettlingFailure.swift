/// Why what a revision brought does not work, one sentence that names the component.
struct SettlingFailure: Error, CustomStringConvertible {
    let description: String
}
