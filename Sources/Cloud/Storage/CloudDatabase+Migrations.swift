import GRDB

extension CloudDatabase {
    /// The control plane's tables. Times are milliseconds since 1970.
    ///
    /// A migration that was released is never edited: later changes are migrations of their own.
    static func registerControlPlane(_ migrator: inout DatabaseMigrator) {
        migrator.registerMigration("control-plane-1") { database in
            try database.execute(sql: registrySchema)
            try database.execute(sql: credentialSchema)
            try database.execute(sql: deploymentSchema)
        }
        migrator.registerMigration("control-plane-2") { database in
            try database.execute(sql: componentSchema)
        }
        registerGroups(&migrator)
        registerArtifacts(&migrator)
        registerRollouts(&migrator)
        registerResolution(&migrator)
        registerSecrets(&migrator)
    }

    private static let registrySchema = """
        -- What is decided once in the life of the database.
        CREATE TABLE fixed_setting (
            key TEXT PRIMARY KEY NOT NULL,
            value TEXT NOT NULL
        ) WITHOUT ROWID;

        CREATE TABLE thing (
            name TEXT PRIMARY KEY NOT NULL,
            kind TEXT NOT NULL CHECK (kind IN ('thing', 'core')),
            attributes TEXT NOT NULL,
            create_time INTEGER NOT NULL,
            last_seen_time INTEGER
        ) WITHOUT ROWID;

        -- Creations by the id that the client chose, so that a repeat returns what the first one made.
        CREATE TABLE creation_request (
            method TEXT NOT NULL,
            request_id TEXT NOT NULL,
            digest BLOB NOT NULL,
            resource TEXT NOT NULL,
            create_time INTEGER NOT NULL,
            PRIMARY KEY (method, request_id)
        ) WITHOUT ROWID;

        CREATE TABLE fleet_group (
            name TEXT PRIMARY KEY NOT NULL,
            create_time INTEGER NOT NULL,
            newest_revision INTEGER NOT NULL
        ) WITHOUT ROWID;

        CREATE TABLE group_revision (
            fleet_group TEXT NOT NULL REFERENCES fleet_group (name),
            revision INTEGER NOT NULL CHECK (revision >= 1),
            definition BLOB NOT NULL,
            create_time INTEGER NOT NULL,
            PRIMARY KEY (fleet_group, revision)
        );

        -- Who the newest revisions name; a name is in one group.
        CREATE TABLE group_member (
            name TEXT PRIMARY KEY NOT NULL,
            fleet_group TEXT NOT NULL REFERENCES fleet_group (name),
            kind TEXT NOT NULL
        ) WITHOUT ROWID;
        CREATE INDEX group_member_by_group ON group_member (fleet_group);
        """

    private static let credentialSchema = """
        CREATE TABLE authority (
            fingerprint TEXT PRIMARY KEY NOT NULL,
            kind TEXT NOT NULL CHECK (kind IN ('root', 'issuing', 'group')),
            fleet_group TEXT REFERENCES fleet_group (name),
            certificate TEXT NOT NULL,
            not_before INTEGER NOT NULL,
            not_after INTEGER NOT NULL,
            create_time INTEGER NOT NULL,
            signing INTEGER NOT NULL CHECK (signing IN (0, 1)),
            live_until INTEGER,
            CHECK ((kind = 'group') = (fleet_group IS NOT NULL))
        );
        -- Never two that sign for the same, whoever starts at the same time (lesson 15).
        CREATE UNIQUE INDEX authority_of_cloud ON authority (kind) WHERE fleet_group IS NULL;
        CREATE UNIQUE INDEX authority_signing ON authority (fleet_group) WHERE signing = 1;
        CREATE INDEX authority_by_group ON authority (fleet_group, create_time);

        CREATE TABLE token (
            digest BLOB PRIMARY KEY NOT NULL,
            role TEXT NOT NULL,
            name TEXT NOT NULL,
            create_time INTEGER NOT NULL,
            expire_time INTEGER NOT NULL,
            bound_key TEXT,
            bound_time INTEGER
        ) WITHOUT ROWID;
        CREATE INDEX token_by_principal ON token (role, name);

        CREATE TABLE issued_certificate (
            serial_number TEXT PRIMARY KEY NOT NULL,
            role TEXT NOT NULL,
            name TEXT NOT NULL,
            usage TEXT NOT NULL CHECK (usage IN ('client', 'server')),
            authority TEXT NOT NULL,
            key_fingerprint TEXT NOT NULL,
            not_before INTEGER NOT NULL,
            not_after INTEGER NOT NULL,
            issue_time INTEGER NOT NULL,
            revoke_time INTEGER
        );
        CREATE INDEX issued_certificate_by_principal ON issued_certificate (role, name, issue_time);
        CREATE INDEX issued_certificate_by_expiry ON issued_certificate (not_after);
        CREATE INDEX issued_certificate_revoked ON issued_certificate (not_after)
            WHERE revoke_time IS NOT NULL;
        """

    private static let deploymentSchema = """
        CREATE TABLE deployment (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            fleet_group TEXT NOT NULL,
            revision INTEGER NOT NULL,
            create_time INTEGER NOT NULL,
            FOREIGN KEY (fleet_group, revision) REFERENCES group_revision (fleet_group, revision)
        );
        CREATE INDEX deployment_by_group ON deployment (fleet_group, sequence);

        -- Statuses are numbered as on the wire.
        CREATE TABLE core_deployment (
            deployment INTEGER NOT NULL REFERENCES deployment (sequence) ON DELETE CASCADE,
            core TEXT NOT NULL,
            status INTEGER NOT NULL CHECK (status BETWEEN 1 AND 7),
            reason TEXT NOT NULL,
            update_time INTEGER NOT NULL,
            deadline INTEGER,
            PRIMARY KEY (deployment, core)
        ) WITHOUT ROWID;
        CREATE INDEX core_deployment_by_core ON core_deployment (core, deployment);
        CREATE INDEX core_deployment_running ON core_deployment (deadline) WHERE status = 2;

        CREATE TABLE core_state (
            core TEXT PRIMARY KEY NOT NULL,
            version TEXT NOT NULL,
            endpoints BLOB NOT NULL,
            active_group TEXT,
            active_revision INTEGER,
            clock_skew INTEGER NOT NULL,
            server_authority TEXT
        ) WITHOUT ROWID;

        -- Every revision that a core was ever told to run, or said that it runs.
        CREATE TABLE core_revision (
            core TEXT NOT NULL,
            fleet_group TEXT NOT NULL,
            revision INTEGER NOT NULL,
            PRIMARY KEY (core, fleet_group, revision)
        ) WITHOUT ROWID;
        """

    private static let componentSchema = """
        CREATE TABLE component (
            name TEXT PRIMARY KEY NOT NULL
        ) WITHOUT ROWID;

        -- Immutable. The sort key orders versions as semver does; the outputs are what the recipe says, as JSON.
        CREATE TABLE component_version (
            component TEXT NOT NULL REFERENCES component (name),
            version TEXT NOT NULL,
            sort_key BLOB NOT NULL,
            prerelease INTEGER NOT NULL CHECK (prerelease IN (0, 1)),
            digest BLOB NOT NULL,
            description TEXT NOT NULL,
            create_time INTEGER NOT NULL,
            outputs TEXT NOT NULL,
            recipe TEXT NOT NULL
        );
        CREATE UNIQUE INDEX component_version_by_precedence ON component_version (component, sort_key);
        CREATE INDEX component_version_by_release ON component_version (component, prerelease, sort_key);

        -- What a deployment's instances were resolved to when it was made; never changed.
        CREATE TABLE deployment_lock (
            deployment INTEGER NOT NULL REFERENCES deployment (sequence) ON DELETE CASCADE,
            instance TEXT NOT NULL,
            component TEXT NOT NULL,
            version TEXT NOT NULL,
            digest BLOB NOT NULL,
            PRIMARY KEY (deployment, instance)
        ) WITHOUT ROWID;
        CREATE INDEX deployment_lock_by_version ON deployment_lock (component, version);

        -- Every version that a core was ever told to run: it may ask for the recipe again, to roll back.
        CREATE TABLE core_component (
            core TEXT NOT NULL,
            component TEXT NOT NULL,
            version TEXT NOT NULL,
            PRIMARY KEY (core, component, version)
        ) WITHOUT ROWID;

        -- Digest of the lock of the deployment that the core finished last; null where that is not known.
        ALTER TABLE core_state ADD COLUMN active_lock BLOB;
        """
}
