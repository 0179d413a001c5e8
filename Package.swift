// swift-tools-version: 6.2
import PackageDescription

/// Settings of every target of ours: Swift 6 mode, warnings are errors, explicit existentials and imports.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

/// Generated code follows its generator's idea of style; the language mode is ours.
let generated: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

// Third-party products, named once.
let grpcCore: Target.Dependency = .product(name: "GRPCCore", package: "grpc-swift-2")
let grpcInProcess: Target.Dependency = .product(name: "GRPCInProcessTransport", package: "grpc-swift-2")
let grpcPosix: Target.Dependency = .product(
    name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport")
let grpcProtobuf: Target.Dependency = .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf")
let swiftProtobuf: Target.Dependency = .product(name: "SwiftProtobuf", package: "swift-protobuf")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let certificateReloading: Target.Dependency = .product(
    name: "NIOCertificateReloading", package: "swift-nio-extras")
let x509: Target.Dependency = .product(name: "X509", package: "swift-certificates")
let asn1: Target.Dependency = .product(name: "SwiftASN1", package: "swift-asn1")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let cryptoExtras: Target.Dependency = .product(name: "_CryptoExtras", package: "swift-crypto")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let inMemoryLogging: Target.Dependency = .product(name: "InMemoryLogging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")
let coreMetrics: Target.Dependency = .product(name: "CoreMetrics", package: "swift-metrics")
let tracing: Target.Dependency = .product(name: "Tracing", package: "swift-distributed-tracing")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let configuration: Target.Dependency = .product(name: "Configuration", package: "swift-configuration")
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let subprocess: Target.Dependency = .product(name: "Subprocess", package: "swift-subprocess")

let package = Package(
    name: "hedgerow",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "ThingClient", targets: ["ThingClient"]),
        .library(name: "HedgerowAPI", targets: ["HedgerowAPI"]),
        .executable(name: "hedgerow", targets: ["hedgerow"]),
        .executable(name: "hedgerow-core", targets: ["hedgerow-core"]),
        .executable(name: "hedgerow-cloud", targets: ["hedgerow-cloud"]),
        .executable(name: "vibration-rms", targets: ["vibration-rms"]),
    ],
    dependencies: [
        .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.3"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.2"),
        .package(url: "https://github.com/grpc/grpc-swift-protobuf", from: "2.4.1"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0", traits: []),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.3"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(
            url: "https://github.com/apple/swift-configuration", from: "1.4.0",
            traits: ["JSON", "YAML", "CommandLineArguments"]),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
    ],
    targets: [
        // Layer 0: values and rules. No input or output, nothing asynchronous.
        .target(name: "Messaging", swiftSettings: strict),
        .target(name: "Identity", swiftSettings: strict),
        .target(name: "Expressions", swiftSettings: strict),
        .target(
            name: "Transforms", dependencies: ["Expressions", "Identity", "Messaging"], swiftSettings: strict),
        .target(name: "Shadows", dependencies: ["Expressions", "Messaging"], swiftSettings: strict),
        .target(
            name: "Components",
            dependencies: ["Expressions", "Transforms", "Shadows", "Identity", "Messaging"],
            swiftSettings: strict),

        // Layer 1: input and output, no gRPC.
        .target(
            name: "PKI", dependencies: ["Identity", x509, asn1, crypto, cryptoExtras], swiftSettings: strict),
        .target(
            name: "StreamStore", dependencies: ["Messaging", "Identity", grdb, logging, metrics, lifecycle],
            swiftSettings: strict),
        .target(name: "ShadowStore", dependencies: ["Shadows", grdb], swiftSettings: strict),
        .target(
            name: "Manifests",
            dependencies: [
                "Components", "Shadows", "Transforms", "Expressions", "Messaging", "Identity", yams,
            ],
            swiftSettings: strict),
        .target(
            name: "Supervision", dependencies: ["PKI", "Messaging", subprocess, logging],
            swiftSettings: strict),
        .target(name: "BME680", swiftSettings: strict),
        .target(
            name: "Observability",
            dependencies: [
                "Components", "Identity", logging, tracing, metrics, coreMetrics, configuration, lifecycle,
                yams,
            ],
            swiftSettings: strict),

        // Layer 2: generated from Protos/ by `make protos`.
        .target(
            name: "HedgerowAPI", dependencies: [swiftProtobuf, grpcCore, grpcProtobuf],
            swiftSettings: generated),

        // Layer 3: what every gRPC server and client of ours shares.
        .target(
            name: "RPCSupport",
            dependencies: [
                "HedgerowAPI", "Components", "Identity", "Messaging", "PKI", "StreamStore", "Observability",
                "Shadows", "ShadowStore", grpcCore,
                grpcPosix, grpcProtobuf, swiftProtobuf, nioCore, nioPosix, nioHTTP1, nioTLS, nioSSL,
                certificateReloading, x509, asn1,
                crypto, lifecycle, logging, metrics, tracing,
            ], swiftSettings: strict),

        .target(
            name: "OTLPExporter",
            dependencies: [
                "HedgerowAPI", "Observability", "StreamStore", grpcCore, grpcPosix, grpcProtobuf,
                swiftProtobuf,
                lifecycle, logging, tracing,
            ], swiftSettings: strict),

        // Layer 4: the engines.
        .target(
            name: "Cloud",
            dependencies: [
                "Shadows", "ShadowStore",
                "RPCSupport", "HedgerowAPI", "Identity", "Messaging", "Components", "Expressions",
                "Transforms", "Manifests", "PKI",
                "StreamStore", "Observability", grpcCore, grpcPosix, grpcProtobuf, swiftProtobuf, grdb, x509,
                crypto, lifecycle, logging, metrics, tracing, configuration,
            ], swiftSettings: strict),
        .target(
            name: "EdgeCore",
            dependencies: [
                "Shadows", "ShadowStore",
                "RPCSupport", "HedgerowAPI", "Identity", "Messaging", "Components", "Expressions",
                "Supervision",
                "Transforms", "Manifests", "PKI", "BME680",
                "StreamStore", "Observability", grpcCore, grpcPosix, grpcProtobuf, swiftProtobuf, grdb, x509,
                crypto, lifecycle, logging, metrics, tracing, configuration,
            ], swiftSettings: strict),

        // Layer 5: faces.
        .target(
            name: "ThingClient",
            dependencies: [
                "Shadows",
                "RPCSupport", "HedgerowAPI", "Identity", "Messaging", "PKI", "BME680", "Observability",
                grpcCore,
                grpcPosix, grpcProtobuf, swiftProtobuf, lifecycle, logging, tracing,
            ], swiftSettings: strict),
        .target(
            name: "HedgerowCLI",
            dependencies: [
                "Shadows",
                "ThingClient", "OTLPExporter", "BME680", "Expressions", "Transforms", "RPCSupport",
                "HedgerowAPI", "Identity",
                "Messaging", "Components",
                "Manifests",
                "PKI", "Observability", grpcCore, grpcPosix, grpcProtobuf, swiftProtobuf, argumentParser,
                subprocess, lifecycle, logging, tracing, unixSignals,
            ], swiftSettings: strict),

        // Layer 6: programs.
        .executableTarget(
            name: "hedgerow", dependencies: ["HedgerowCLI", argumentParser], swiftSettings: strict),
        .executableTarget(
            name: "hedgerow-core",
            dependencies: [
                "EdgeCore", "RPCSupport", "OTLPExporter", "Observability", argumentParser, lifecycle,
                unixSignals, logging,
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "hedgerow-cloud",
            dependencies: [
                "Cloud", "RPCSupport", "OTLPExporter", "Observability", argumentParser, lifecycle,
                unixSignals, logging,
            ],
            swiftSettings: strict),

        // An example that is a program: built with the rest, so that it stays true.
        .executableTarget(
            name: "vibration-rms", dependencies: ["HedgerowAPI", grpcCore, grpcPosix, swiftProtobuf],
            path: "Examples/swift", exclude: ["README.md", "recipe.yaml", "group.yaml"],
            swiftSettings: strict),

        // Tests mirror Sources.
        .target(
            name: "TestSupport",
            dependencies: [
                "Cloud", "EdgeCore", "ThingClient", "RPCSupport", "HedgerowAPI", "Identity", "Messaging",
                "PKI",
                "Observability", grpcCore, grpcPosix, lifecycle, logging, subprocess, swiftProtobuf, x509,
                crypto, nioCore, nioPosix,
            ], path: "Tests/TestSupport", resources: [.embedInCode("Faults/faults.c")], swiftSettings: strict),
        .testTarget(
            name: "MessagingTests", dependencies: ["Messaging", "TestSupport"], swiftSettings: strict),
        .testTarget(name: "IdentityTests", dependencies: ["Identity"], swiftSettings: strict),
        .testTarget(
            name: "ExpressionsTests", dependencies: ["Expressions", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "TransformsTests",
            dependencies: ["Transforms", "Shadows", "Expressions", "Messaging", "TestSupport"],
            swiftSettings: strict),
        .testTarget(name: "ShadowsTests", dependencies: ["Shadows", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "ShadowStoreTests", dependencies: ["ShadowStore", "Shadows", "TestSupport", grdb],
            swiftSettings: strict),
        .testTarget(
            name: "ComponentsTests",
            dependencies: ["Components", "Shadows", "Transforms", "Messaging", "Identity", "TestSupport"],
            swiftSettings: strict),
        // A core reduced to the running of programs, for tests that kill it.
        .executableTarget(
            name: "supervision-probe", dependencies: ["Supervision", logging], path: "Tests/SupervisionProbe",
            swiftSettings: strict),
        .testTarget(
            name: "SupervisionTests",
            dependencies: ["Supervision", "Messaging", "PKI", "TestSupport", logging, "supervision-probe"],
            swiftSettings: strict),
        .testTarget(name: "BME680Tests", dependencies: ["BME680", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "PKITests", dependencies: ["PKI", "Identity", x509, asn1, crypto, cryptoExtras],
            swiftSettings: strict),
        .testTarget(
            name: "StreamStoreTests",
            dependencies: ["StreamStore", "Messaging", grdb, logging, lifecycle, "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "ManifestsTests",
            dependencies: ["Manifests", "Shadows", "Components", "Transforms", "Expressions", "Messaging"],
            swiftSettings: strict),
        .testTarget(
            name: "ObservabilityTests",
            dependencies: [
                "Observability", "Components", "TestSupport", logging, tracing, metrics, coreMetrics,
                configuration,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "OTLPExporterTests",
            dependencies: [
                "OTLPExporter", "Observability", "HedgerowAPI", "TestSupport", grpcCore, grpcPosix,
                grpcProtobuf,
                swiftProtobuf, lifecycle, logging, inMemoryLogging, tracing,
            ], swiftSettings: strict),
        .testTarget(
            name: "RPCSupportTests",
            dependencies: [
                "Shadows", "ShadowStore",
                "RPCSupport", "HedgerowAPI", "Identity", "Messaging", "PKI", "TestSupport", grpcCore,
                grpcInProcess,
                grpcPosix, grpcProtobuf, swiftProtobuf, logging, inMemoryLogging, "Observability", metrics,
                tracing,
                lifecycle, x509, nioCore,
                nioPosix,
            ], swiftSettings: strict),
        .testTarget(
            name: "CloudTests",
            dependencies: [
                "Shadows", "ShadowStore",
                "Cloud", "RPCSupport", "HedgerowAPI", "Identity", "Messaging", "Components", "Observability",
                "PKI",
                "StreamStore", "TestSupport", grpcCore, grpcInProcess, grpcPosix, grpcProtobuf, swiftProtobuf,
                grdb,
                lifecycle, logging, tracing, configuration, x509, asn1, crypto,
            ], swiftSettings: strict),
        .testTarget(
            name: "EdgeCoreTests",
            dependencies: [
                "Shadows", "ShadowStore",
                "EdgeCore", "Cloud", "RPCSupport", "HedgerowAPI", "Identity", "Messaging", "Components",
                "Transforms",
                "Manifests", "PKI", "StreamStore",
                "TestSupport", "Supervision", "vibration-rms", grpcCore, grpcInProcess, grpcPosix,
                swiftProtobuf, grdb, logging, configuration, lifecycle, x509, "Observability",
                inMemoryLogging, tracing,
            ], swiftSettings: strict),
        .testTarget(
            name: "ThingClientTests",
            dependencies: [
                "Shadows",
                "ThingClient", "BME680", "RPCSupport", "HedgerowAPI", "Identity", "Messaging", "PKI",
                "TestSupport", grpcCore,
                grpcInProcess, grpcPosix, swiftProtobuf, logging, "Observability", tracing,
            ], swiftSettings: strict),
        .testTarget(
            name: "HedgerowCLITests",
            dependencies: [
                "Shadows",
                "HedgerowCLI", "ThingClient", "BME680", "RPCSupport", "HedgerowAPI", "Identity", "Messaging",
                "Components", "Manifests", "PKI",
                "TestSupport", argumentParser, grpcCore, grpcPosix, swiftProtobuf, x509,
            ], swiftSettings: strict),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "Shadows", "ShadowStore",
                "TestSupport", "Cloud", "EdgeCore", "ThingClient", "HedgerowCLI", "RPCSupport", "HedgerowAPI",
                "Identity", "Messaging", "PKI", "StreamStore", grpcCore, grpcPosix, grpcProtobuf,
                swiftProtobuf, grdb, subprocess, nioCore, nioPosix, nioSSL,
                logging,
                "hedgerow", "hedgerow-core", "hedgerow-cloud",
            ], swiftSettings: strict),
    ]
)
