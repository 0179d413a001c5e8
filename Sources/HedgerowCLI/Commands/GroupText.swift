import Components
import HedgerowAPI
import RPCSupport
import SwiftProtobuf

/// Groups as the command line writes them.
enum GroupText {
    static func cells(_ group: Hedgerow_Registry_V1_Group) -> [Table.Cell] {
        let newest = group.newestRevision
        let current = group.cores.filter { $0.activeRevision == newest.revision }.count
        let state = "\(current) of \(group.cores.count)"
        return [
            Table.Cell(group.name), Table.Cell("\(newest.revision)"),
            Table.Cell(newest.cores.joined(separator: " ")), Table.Cell("\(newest.things.count)"),
            Table.Cell(state, style: current == group.cores.count ? .good : .busy),
        ]
    }

    static func details(_ group: Hedgerow_Registry_V1_Group, coloured: Bool) -> String {
        let newest = group.newestRevision
        var text = Details.render([
            ("name", group.name), ("revision", "\(newest.revision)"),
            ("revised", newest.hasCreateTime ? TimeText.milliseconds(newest.createTime) ?? "" : "-"),
        ])
        text += things(newest)
        var cores = Table(["CORE", "REVISION", "CONNECTED", "LAST SEEN", "VERSION", "ADDRESSES"])
        for core in group.cores {
            cores.add([
                Table.Cell(core.core),
                Table.Cell(core.activeRevision == 0 ? "none" : "\(core.activeRevision)"),
                Table.Cell(core.connected ? "yes" : "no", style: core.connected ? .good : .bad),
                Table.Cell(core.hasLastSeenTime ? TimeText.milliseconds(core.lastSeenTime) ?? "" : "never"),
                Table.Cell(core.version),
                Table.Cell(core.endpoints.map { address($0) }.joined(separator: " ")),
            ])
        }
        text += "\n" + cores.render(coloured: coloured)
        text += tables(
            newest, statuses: ComponentText.table(group.cores, coloured: coloured), coloured: coloured)
        var authorities = Table(["AUTHORITY", "VALID FROM", "VALID UNTIL", "SIGNING"])
        for authority in group.authorities {
            authorities.add([
                Table.Cell(authority.fingerprint),
                Table.Cell(TimeText.milliseconds(authority.notBeforeTime) ?? ""),
                Table.Cell(TimeText.milliseconds(authority.notAfterTime) ?? ""),
                Table.Cell(authority.signing ? "yes" : "no"),
            ])
        }
        return text + "\n" + authorities.render(coloured: coloured)
    }

    /// A revision by itself.
    static func details(_ revision: Hedgerow_Type_V1_GroupRevision, coloured: Bool) -> String {
        Details.render([("cores", revision.cores.isEmpty ? "none" : revision.cores.joined(separator: " "))])
            + things(revision) + tables(revision, statuses: "", coloured: coloured)
    }

    /// The selectors, and every thing that is in the group.
    private static func things(_ revision: Hedgerow_Type_V1_GroupRevision) -> String {
        let names = revision.things.isEmpty ? "none" : revision.things.joined(separator: " ")
        return Details.render(revision.written.selectors.map { ("selector", $0) } + [("things", names)])
    }

    private static func tables(
        _ newest: Hedgerow_Type_V1_GroupRevision, statuses: String, coloured: Bool
    ) -> String {
        var text = ""
        if !newest.components.isEmpty {
            var components = Table(["INSTANCE", "COMPONENT", "VERSION WANTED"])
            for instance in newest.components {
                components.add([
                    Table.Cell(instance.name), Table.Cell(component(of: instance)),
                    Table.Cell(instance.version),
                ])
            }
            text += "\n" + components.render(coloured: coloured)
            text += InstanceText.table(newest.components, coloured: coloured)
        }
        if !statuses.isEmpty { text += "\n" + statuses }
        let written = newest.hasWritten ? newest.written.subscriptions : newest.subscriptions
        if !written.isEmpty {
            var routes = Table(["FROM", "TOPIC", "TO", "VIA"])
            for route in written {
                routes.add([
                    Table.Cell(route.from), Table.Cell(route.topicFilter), Table.Cell(route.to),
                    Table.Cell(route.via),
                ])
            }
            text += "\n" + routes.render(coloured: coloured)
        }
        if !newest.streams.isEmpty {
            text += "\n" + StreamSettingsText.table(newest.streams, coloured: coloured)
        }
        return text + ShadowSettingsText.table(newest, coloured: coloured)
    }

    static func json(_ group: Hedgerow_Registry_V1_Group) -> JSONValue {
        .object([
            ("name", .text(group.name)), ("newestRevision", json(group.newestRevision)),
            ("cores", .list(group.cores.map(json))), ("authorities", .list(group.authorities.map(json))),
            ("createTime", group.hasCreateTime ? .text(TimeText.exact(group.createTime)) : .null),
        ])
    }

    private static func json(_ core: Hedgerow_Registry_V1_CoreStatus) -> JSONValue {
        .object([
            ("core", .text(core.core)), ("activeRevision", .unsigned(core.activeRevision)),
            ("connected", .boolean(core.connected)),
            ("lastSeenTime", core.hasLastSeenTime ? .text(TimeText.exact(core.lastSeenTime)) : .null),
            (
                "endpoints",
                .list(
                    core.endpoints.map { endpoint in
                        .object([
                            ("host", .text(endpoint.host)), ("port", .unsigned(UInt64(endpoint.port))),
                            ("metadata", .text(endpoint.metadata)),
                        ])
                    })
            ),
            ("version", .text(core.version)),
            ("components", .list(core.components.map(ComponentText.json))),
            (
                "clockSkewSeconds",
                core.hasClockSkew
                    ? .number(Double(core.clockSkew.seconds) + Double(core.clockSkew.nanos) / 1e9) : .null
            ),
        ])
    }

    static func json(_ authority: Hedgerow_Registry_V1_GroupAuthority) -> JSONValue {
        .object([
            ("fingerprint", .text(authority.fingerprint)),
            ("notBeforeTime", .text(TimeText.exact(authority.notBeforeTime))),
            ("notAfterTime", .text(TimeText.exact(authority.notAfterTime))),
            ("signing", .boolean(authority.signing)),
        ])
    }

    static func json(_ revision: Hedgerow_Type_V1_GroupRevision) -> JSONValue {
        .object([
            ("revision", .unsigned(revision.revision)), ("cores", .list(revision.cores.map { .text($0) })),
            ("things", .list(revision.things.map { .text($0) })),
            ("selectors", .list(revision.written.selectors.map { .text($0) })),
            (
                "components",
                .list(
                    revision.components.map { instance in
                        .object([
                            ("name", .text(instance.name)), ("component", .text(component(of: instance))),
                            ("version", .text(instance.version)),
                            ("configuration", InstanceText.configuration(instance)),
                            ("environment", InstanceText.environment(instance)),
                            ("shadows", .list(instance.shadows.map { .text($0) })),
                        ])
                    })
            ),
            (
                "subscriptions",
                .list(
                    revision.subscriptions.map { route in
                        .object([
                            ("from", .text(route.from)), ("topic", .text(route.topicFilter)),
                            ("to", .text(route.to)),
                            ("via", route.via.isEmpty ? .null : .text(route.via)),
                        ])
                    })
            ),
            (
                "streams",
                .object(revision.streams.map { ($0.name, StreamSettingsText.json($0)) })
            ),
            ("shadows", ShadowSettingsText.json(revision)),
            ("createTime", revision.hasCreateTime ? .text(TimeText.exact(revision.createTime)) : .null),
        ])
    }

    /// A revision as a definition, for writing it as a group file.
    ///
    /// - Throws: ``CLIError`` where this version does not know one of its ends or ranges.
    static func definition(_ revision: Hedgerow_Type_V1_GroupRevision) throws(CLIError) -> GroupDefinition {
        var definition = GroupDefinition(name: revision.group, cores: revision.cores, things: revision.things)
        for instance in revision.components {
            do {
                definition.components.append(
                    ComponentInstance(
                        name: instance.name, component: component(of: instance),
                        request: try VersionRequest(parsing: instance.version),
                        configuration: try instance.update(), environment: instance.environment,
                        shadows: instance.shadows.map(ThingPattern.init)))
            } catch {
                throw CLIError(.failure, "\(error)", hint: "use a newer hedgerow")
            }
        }
        let written = revision.hasWritten ? revision.written.subscriptions : revision.subscriptions
        if revision.hasWritten {
            definition.things = revision.written.things
            for selector in revision.written.selectors {
                do throws(InvalidSelector) {
                    definition.selectors.append(try ThingSelector(parsing: selector))
                } catch {
                    throw CLIError(.failure, error.description, hint: "use a newer hedgerow")
                }
            }
        }
        for route in written {
            do throws(InvalidSubscriptionEnd) {
                definition.subscriptions.append(
                    Subscription(
                        from: try SubscriptionEnd(parsing: route.from), topicFilter: route.topicFilter,
                        to: try SubscriptionEnd(parsing: route.to), via: route.via.isEmpty ? nil : route.via))
            } catch {
                throw CLIError(.failure, error.description, hint: "use a newer hedgerow")
            }
        }
        if revision.hasShadows {
            do throws(UnreadableShadowSettings) {
                definition.shadows = try ShadowSettings(revision.shadows)
            } catch {
                throw CLIError(.failure, error.description, hint: "use a newer hedgerow")
            }
        }
        for stream in revision.streams {
            definition.streams[stream.name] = StreamSettings(stream)
        }
        return definition
    }

    /// What an instance is; the wire leaves it out where it is called like the component.
    private static func component(of instance: Hedgerow_Type_V1_ComponentInstance) -> String {
        instance.component.isEmpty ? instance.name : instance.component
    }

    private static func address(_ endpoint: Hedgerow_Type_V1_Endpoint) -> String {
        endpoint.host.contains(":")
            ? "[\(endpoint.host)]:\(endpoint.port)" : "\(endpoint.host):\(endpoint.port)"
    }
}
