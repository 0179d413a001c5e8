import GRDB

extension CloudDatabase {
    /// What rollouts need beside the deployments: how, whether, and where each core is.
    static func registerRollouts(_ migrator: inout DatabaseMigrator) {
        migrator.registerMigration("rollouts-1") { database in
            try database.execute(
                sql: """
                    -- A RolloutPolicy as JSON; null where all cores are begun at once.
                    ALTER TABLE deployment ADD COLUMN rollout TEXT;
                    -- A RolloutState.
                    ALTER TABLE deployment ADD COLUMN state INTEGER NOT NULL DEFAULT 1;
                    ALTER TABLE deployment ADD COLUMN state_reason TEXT NOT NULL DEFAULT '';
                    ALTER TABLE deployment ADD COLUMN creator TEXT NOT NULL DEFAULT '';
                    -- When the core was told first.
                    ALTER TABLE core_deployment ADD COLUMN start_time INTEGER;
                    -- Where the core is, a DeploymentStage of the wire.
                    ALTER TABLE core_deployment ADD COLUMN step INTEGER NOT NULL DEFAULT 0;
                    """)
        }
        migrator.registerMigration("rollouts-2") { database in
            // Looked at every second: those that wait are few among all that ever were.
            try database.execute(
                sql: "CREATE INDEX core_deployment_pending ON core_deployment (deployment) WHERE status = 1")
        }
    }
}
