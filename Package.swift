// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6), .treatAllWarnings(as: .error),
  // Without isolation there is nothing to leave: a hop for each call would cost a tenth of a request.
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

func module(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource]? = nil) -> Target {
  .target(name: name, dependencies: dependencies, exclude: ["README.md"], resources: resources, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(name: name + "Tests", dependencies: [.init(stringLiteral: name)] + dependencies, swiftSettings: strict)
}

let log = Target.Dependency.product(name: "Logging", package: "swift-log")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let nio: [Target.Dependency] = [
  .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
  .product(name: "NIOHTTP1", package: "swift-nio"),
]
let http2: [Target.Dependency] = [
  .product(name: "NIOHTTP2", package: "swift-nio-http2"), .product(name: "NIOHPACK", package: "swift-nio-http2"),
]
let cryptoExtras = Target.Dependency.product(name: "_CryptoExtras", package: "swift-crypto")
let tls = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let client = Target.Dependency.product(
  // Its dependency has a module with the name of one of ours.
  name: "AsyncHTTPClient", package: "async-http-client", moduleAliases: ["Tracing": "DistributedTracing"])
let certificates = Target.Dependency.product(name: "X509", package: "swift-certificates")
let yaml = Target.Dependency.product(name: "Yams", package: "Yams")
let jwt = Target.Dependency.product(name: "JWTKit", package: "jwt-kit")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")

let package = Package(
  name: "dewpoint",
  products: [.executable(name: "dewpoint", targets: ["dewpoint"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
    .package(url: "https://github.com/apple/swift-certificates", from: "1.21.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  ],
  targets: [
    // Foundations: imports go down only (docs/ARCHITECTURE.md).
    module("Base", []),
    module("Wire", ["Base", crypto]),
    module("Store", ["Base"]),
    module("StoreMemory", ["Base", "Store"]),
    .systemLibrary(name: "CRocksDB", providers: [.apt(["librocksdb-dev"])]),
    module("StoreRocksDB", ["Base", "Store", "CRocksDB"]),
    module("HTTPServer", ["Base", log, tls] + nio + http2),
    module("HTTPClient", ["Base", client, tls] + nio),
    .target(name: "CMount", exclude: ["README.md"], cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]),
    .target(name: "CNetwork", exclude: ["README.md"], cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]),
    module("Sandbox", ["Base", "CMount", "CNetwork", log]),
    // Static: no library of the host is certain to exist inside a sandbox.
    .executableTarget(
      name: "sandbox-init", dependencies: ["CNetwork"], path: "Sources/SandboxInit", exclude: ["README.md"],
      cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])],
      linkerSettings: [.unsafeFlags(["-static-executable", "-Xlinker", "--gc-sections", "-Xlinker", "-s"])]),
    module("Fabric", ["Base", "Wire", "Store", log, lifecycle]),

    module("Patterns", ["Base"]),
    module("Schedules", ["Base"]),

    // One target per service family; no service imports another service.
    module("SQS", ["Base", "Wire", "Store", "Fabric", crypto]),
    module("SNS", ["Base", "Wire", "Store", "Fabric", "Patterns", "HTTPClient", crypto, cryptoExtras, certificates, log]),
    module("S3", ["Base", "Wire", "Store", "Fabric", crypto, log]),
    module("IAM", ["Base", "Wire", "Store", "Fabric", crypto, jwt]),
    module("Kinesis", ["Base", "Wire", "Store", "Fabric", crypto]),
    module("Firehose", ["Base", "Wire", "Store", "Fabric", "HTTPClient", log]),
    module("DynamoDB", ["Base", "Wire", "Store", "Fabric", crypto, log]),
    module("CloudWatch", ["Base", "Wire", "Store", "Fabric", log]),
    module("EventBridge", ["Base", "Wire", "Store", "Fabric", "Patterns", "Schedules", "HTTPClient", crypto, log]),
    module("Scheduler", ["Base", "Wire", "Store", "Fabric", "Schedules", log]),
    module("Pipes", ["Base", "Wire", "Store", "Fabric", "Patterns", log]),
    module("Lambda", ["Base", "Wire", "Store", "Fabric", "Patterns", "Sandbox", "HTTPServer", crypto, log],
      resources: [
        .embedInCode("Runtimes/Node/runtime.mjs"), .embedInCode("Runtimes/Ruby/runtime.rb"), .embedInCode("Runtimes/Java/runtime.jar"),
      ]),

    module("Tracing", ["Base", "Store", "Fabric"]),

    module("Gateway", ["Base", "Wire", "Store", "Fabric", "HTTPServer", crypto]),
    module("TestCloud", ["Base", "Wire", "Store", "StoreMemory", "Fabric", "Gateway"]),
    .executableTarget(
      name: "dewpoint",
      dependencies: [
        "Base", "Wire", "Store", "StoreMemory", "StoreRocksDB", "HTTPServer", "HTTPClient", "Fabric", "SQS", "SNS", "S3",
        "DynamoDB", "EventBridge", "Scheduler", "Pipes", "Kinesis", "Firehose", "IAM", "CloudWatch", "Lambda", "Tracing", "Sandbox",
        "Gateway", crypto, log, arguments, lifecycle, certificates, yaml,
      ],
      exclude: ["README.md"], swiftSettings: strict),

    .executableTarget(
      name: "hop-cost", dependencies: ["Base", "Fabric", "StoreRocksDB", "Tracing"], path: "Benchmarks/hops", swiftSettings: strict),

    tests("Base", ["TestCloud"]),
    tests("Wire", ["Base"]),
    tests("Patterns", ["Base"]),
    .executableTarget(
      name: "pattern-benchmark", dependencies: ["Base", "Patterns"], path: "Benchmarks/patterns", swiftSettings: strict),
    tests("Schedules", ["Base"]),
    .executableTarget(
      name: "store-crash-writer", dependencies: ["Base", "Store", "StoreRocksDB"], path: "Tests/Support/StoreCrashWriter",
      swiftSettings: strict),
    tests("Store", ["Base", "StoreMemory", "StoreRocksDB", "store-crash-writer"]),
    tests("HTTPServer", ["Base"] + nio + http2),
    tests("HTTPClient", ["Base", "HTTPServer", log]),
    tests("Sandbox", ["Base", "CNetwork", log]),
    tests("Fabric", ["TestCloud", "StoreMemory"]),
    tests("SQS", ["TestCloud", "StoreMemory"]),
    tests("SNS", ["TestCloud", "StoreMemory", "SQS", "HTTPClient", crypto, cryptoExtras, certificates]),
    tests("S3", ["TestCloud", "StoreMemory", "SQS"]),
    tests("IAM", ["TestCloud", "StoreMemory"]),
    tests("DynamoDB", ["TestCloud", "StoreMemory", "Kinesis"]),
    tests("CloudWatch", ["TestCloud", "StoreMemory"]),
    tests("EventBridge", ["TestCloud", "StoreMemory"]),
    tests("Scheduler", ["TestCloud", "StoreMemory", "SQS"]),
    tests("Pipes", ["TestCloud", "StoreMemory", "SQS"]),
    tests("Lambda", ["TestCloud", "StoreMemory"]),
    tests("Kinesis", ["TestCloud", "StoreMemory"]),
    tests("Firehose", ["TestCloud", "StoreMemory", "HTTPClient"]),
    tests("Tracing", ["TestCloud", "StoreMemory"]),
    tests("dewpoint", ["Base", "Store", "StoreMemory"]),
    tests("Gateway", ["TestCloud", "StoreMemory", "SQS", "IAM"]),
  ]
)
