// swift-tools-version: 6.2
import PackageDescription

// The parsers of the product, compiled from the product's own files (`Product` links to `Sources`) with the coverage hooks of
// libFuzzer. A package of its own, so that the product's build knows nothing of it; only files that parse, so that it is quick.
let instrumented: [SwiftSetting] = [
  .swiftLanguageMode(.v6), .unsafeFlags(["-sanitize=fuzzer", "-enable-testing"]),
]

func module(_ name: String, _ dependencies: [Target.Dependency] = [], only sources: [String]? = nil) -> Target {
  .target(
    name: name, dependencies: dependencies, path: "Product/\(name)", exclude: sources == nil ? ["README.md"] : [],
    sources: sources, swiftSettings: instrumented)
}

let package = Package(
  name: "fuzz",
  targets: [
    .target(name: "Crypto", path: "Crypto"),
    module("Base"),
    module("Wire", ["Base", "Crypto"]),
    module("Fabric", ["Base"], only: ["Calls/Access.swift", "Calls/Call.swift", "Calls/Principal.swift", "Deliveries/Hop.swift"]),
    module("SQS", ["Base", "Wire", "Fabric", "Crypto"], only: ["Domain", "Generated", "SQSErrors.swift", "SQSLimits.swift"]),
    module(
      "IAM", ["Base", "Wire", "Fabric"],
      only: [
        "Domain/ConditionKey.swift", "Domain/ConditionParsing.swift", "Domain/IPNetwork.swift", "Domain/MalformedPolicy.swift",
        "Domain/PolicyCondition.swift", "Domain/PolicyDocument.swift", "Domain/PolicyEvaluator.swift", "Domain/PolicyGrammar.swift",
        "Domain/PolicyPattern.swift", "Domain/PolicyPrincipal.swift", "Domain/PolicyRequest.swift",
        "Generated/IAMSchema.swift", "Generated/STSSchema.swift",
      ]),
    module("CloudWatch", ["Base", "Wire"], only: ["Domain/FilterPattern", "Generated/LogsSchema.swift"]),
    module("Patterns", ["Base"]),
    module(
      "Lambda", ["Base", "Wire", "Fabric", "Patterns"],
      only: [
        "Domain", "Generated", "LambdaErrors.swift", "LambdaLimits.swift", "Durable/DurableExecution.swift",
        "Durable/DurableLimits.swift", "Packages/Images/ImageError.swift",
        "Packages/Images/TarEntry.swift", "Packages/Images/TarReader.swift", "Packages/PackageError.swift", "Packages/Unpacker.swift",
        "Packages/ZipArchive.swift", "Packages/ZipReader.swift",
      ]),
    .systemLibrary(name: "LibFuzzer", path: "LibFuzzer"),
    .executableTarget(
      name: "fuzz", dependencies: ["Base", "Wire", "Fabric", "SQS", "IAM", "CloudWatch", "Patterns", "Lambda", "LibFuzzer"], path: "Harness",
      swiftSettings: instrumented, linkerSettings: [.unsafeFlags(["-sanitize=fuzzer", "-use-ld=lld"])]),
  ]
)
