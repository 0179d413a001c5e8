/// Where in a shadow a value goes.
struct ShadowPlace: Hashable, Sendable {
    enum Section: Hashable, Sendable { case reported, desired }

    let section: Section
    let key: String
}
