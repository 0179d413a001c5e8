// swift-tools-version: 6.2
import PackageDescription

/// The same rules as in the package above.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "hedgerow-benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [
        // Its programs are what is measured; depending on them builds them.
        .package(name: "hedgerow", path: ".."),
        .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.3"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.2"),
        .package(url: "https://github.com/grpc/grpc-swift-protobuf", from: "2.4.1"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0", traits: []),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    ],
    targets: [
        .executableTarget(
            name: "hedgerow-bench",
            dependencies: [
                .product(name: "HedgerowAPI", package: "hedgerow"),
                .product(name: "ThingClient", package: "hedgerow"),
                .product(name: "hedgerow", package: "hedgerow"),
                .product(name: "hedgerow-core", package: "hedgerow"),
                .product(name: "hedgerow-cloud", package: "hedgerow"),
                .product(name: "GRPCCore", package: "grpc-swift-2"),
                .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
                .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf"),
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ], swiftSettings: strict)
    ]
)
