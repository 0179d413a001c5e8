import GRDB

extension CloudDatabase {
    /// What versions need around them, what locks say beyond their versions, what cores run on.
    static func registerResolution(_ migrator: inout DatabaseMigrator) {
        migrator.registerMigration("resolution-1") { database in
            try database.execute(sql: resolutionSchema)
        }
    }

    private static let resolutionSchema = """
        -- Dependencies, platforms, artifacts and variables that the recipe names, as JSON; null for none.
        ALTER TABLE component_version ADD COLUMN requirements TEXT;

        -- Whether a dependency brought the instance, and every artifact that its recipe names, as JSON; null for none.
        ALTER TABLE deployment_lock ADD COLUMN added INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE deployment_lock ADD COLUMN artifacts TEXT;

        -- What the core said it runs on, as JSON; null where it did not say.
        ALTER TABLE core_state ADD COLUMN platform TEXT;
        """
}
