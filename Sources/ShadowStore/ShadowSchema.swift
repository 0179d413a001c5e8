public import GRDB

/// The tables of shadows, the same on the core and in the cloud.
public enum ShadowSchema {
    /// Registers the migrations, in their order.
    public static func register(in migrator: inout DatabaseMigrator) {}
}
