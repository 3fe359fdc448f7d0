// swift-tools-version: 6.2
import PackageDescription

let swiftSettings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
    name: "nightjar",
    products: [
        .executable(name: "nightjar", targets: ["nightjar"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        // Exact, because the data path calls the BoringSSL inside it; see ARCHITECTURE.md.
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
    ],
    targets: [
        .target(name: "CLinux", cSettings: [.define("_GNU_SOURCE")]),
        .target(name: "CChecksum"),
        .target(name: "Wire", dependencies: ["CChecksum"], swiftSettings: swiftSettings),
        .target(
            name: "NoisePrimitives",
            dependencies: ["Wire", .product(name: "Crypto", package: "swift-crypto")],
            swiftSettings: swiftSettings
        ),
        .target(name: "Tunnel", dependencies: ["Wire", "NoisePrimitives"], swiftSettings: swiftSettings),
        .target(
            name: "Obfuscation", dependencies: ["Wire", "NoisePrimitives", "Tunnel"], swiftSettings: swiftSettings),
        .target(name: "LinuxNet", dependencies: ["CLinux", "Wire"], swiftSettings: swiftSettings),
        .target(name: "Inspection", dependencies: ["CLinux", "Wire", "LinuxNet"], swiftSettings: swiftSettings),
        .target(
            name: "Datapath",
            dependencies: [
                "Wire", "NoisePrimitives", "Tunnel", "Obfuscation", "LinuxNet",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: swiftSettings
        ),
        .target(
            name: "Relay", dependencies: ["Wire", "NoisePrimitives", "Tunnel", "Obfuscation", "LinuxNet"],
            swiftSettings: swiftSettings),
        .target(
            name: "Control",
            dependencies: [
                "Wire", "NoisePrimitives", "Tunnel", "Obfuscation", "LinuxNet", "Datapath", "Relay",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: swiftSettings
        ),
        .target(
            name: "Quick",
            dependencies: ["Wire", "Tunnel", "Obfuscation", "LinuxNet", "Control"],
            swiftSettings: swiftSettings
        ),
        .target(
            name: "Setup",
            dependencies: ["Wire", "NoisePrimitives", "Tunnel", "Obfuscation", "LinuxNet", "Control", "Quick"],
            swiftSettings: swiftSettings
        ),
        .target(
            name: "Status", dependencies: ["Wire", "Tunnel", "LinuxNet", "Control", "Quick"],
            swiftSettings: swiftSettings),
        .target(
            name: "Metrics",
            dependencies: [
                "Wire", "NoisePrimitives", "Tunnel", "LinuxNet", "Control", "Status",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            swiftSettings: swiftSettings),
        .target(
            name: "Doctor",
            dependencies: ["CLinux", "Wire", "NoisePrimitives", "Tunnel", "LinuxNet", "Control", "Quick", "Status"],
            swiftSettings: swiftSettings),
        .executableTarget(
            name: "nightjar",
            dependencies: [
                "Wire", "NoisePrimitives", "Tunnel", "LinuxNet", "Inspection", "Datapath", "Control", "Quick", "Setup",
                "Status", "Metrics", "Doctor",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: swiftSettings
        ),
        .target(
            name: "TestKit", dependencies: ["Wire", "NoisePrimitives", "Tunnel", "Obfuscation"],
            swiftSettings: swiftSettings),
        .testTarget(name: "WireTests", dependencies: ["Wire", "TestKit"], swiftSettings: swiftSettings),
        .testTarget(
            name: "NoisePrimitivesTests", dependencies: ["NoisePrimitives", "TestKit"], swiftSettings: swiftSettings),
        .testTarget(name: "TunnelTests", dependencies: ["Tunnel", "TestKit"], swiftSettings: swiftSettings),
        .testTarget(name: "ObfuscationTests", dependencies: ["Obfuscation", "TestKit"], swiftSettings: swiftSettings),
        .testTarget(
            name: "RelayTests", dependencies: ["Relay", "LinuxNet", "Obfuscation", "TestKit"],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "LinuxNetTests", dependencies: ["LinuxNet", "CLinux", "TestKit"], swiftSettings: swiftSettings),
        .testTarget(name: "InspectionTests", dependencies: ["Inspection", "TestKit"], swiftSettings: swiftSettings),
        .testTarget(
            name: "DatapathTests", dependencies: ["Datapath", "Obfuscation", "TestKit"], swiftSettings: swiftSettings),
        .testTarget(
            name: "ControlTests",
            dependencies: ["Control", "Relay", "TestKit", .product(name: "Logging", package: "swift-log")],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "QuickTests", dependencies: ["CLinux", "Quick", "Control", "LinuxNet", "TestKit", "Tunnel", "Wire"],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "SetupTests",
            dependencies: [
                "Setup", "Quick", "Control", "LinuxNet", "NoisePrimitives", "Obfuscation", "TestKit", "Tunnel", "Wire",
            ],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "StatusTests", dependencies: ["Status", "Control", "Quick", "Tunnel", "Wire", "TestKit"],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "MetricsTests",
            dependencies: [
                "Metrics", "Status", "Control", "LinuxNet", "Tunnel", "Wire", "TestKit",
            ],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "DoctorTests",
            dependencies: [
                "Doctor", "Status", "Control", "Quick", "LinuxNet", "NoisePrimitives", "Tunnel", "Wire", "TestKit",
            ],
            swiftSettings: swiftSettings),
        .testTarget(name: "InteropTests", dependencies: ["TestKit"], swiftSettings: swiftSettings),
    ]
)

// The fuzzer, `make fuzz`, needs libraries that tell it which code an input reaches, so ordinary builds don't have it.
if Context.environment["NIGHTJAR_FUZZ"] != nil {
    let instrumented = ["-sanitize=fuzzer,address"]
    for target in package.targets where target.type == .regular && target.name != "CLinux" {
        target.swiftSettings = swiftSettings + [.unsafeFlags(instrumented + ["-enable-testing"])]
    }
    for target in package.targets where target.name == "CChecksum" {
        target.cSettings = [.unsafeFlags(["-fsanitize=address"])]
    }
    package.targets += [
        .target(name: "CFuzzer", path: "Fuzz/CFuzzer"),
        .executableTarget(
            name: "fuzz",
            dependencies: [
                "CFuzzer", "CLinux", "Wire", "NoisePrimitives", "Tunnel", "Obfuscation", "LinuxNet", "Inspection",
                "Datapath", "Control", "Quick", "Setup", "TestKit",
            ],
            path: "Fuzz/Sources",
            swiftSettings: swiftSettings + [.unsafeFlags(instrumented)],
            linkerSettings: [.unsafeFlags(instrumented)]
        ),
    ]
}

// The benchmarks' generator of handshakes, floods and lookups, which ordinary builds don't need.
if Context.environment["NIGHTJAR_BENCH"] != nil {
    package.targets.append(
        .executableTarget(
            name: "load",
            dependencies: [
                "CLinux", "Wire", "NoisePrimitives", "Tunnel", "LinuxNet", "TestKit",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Benchmarks/Load",
            swiftSettings: swiftSettings
        ))
}
