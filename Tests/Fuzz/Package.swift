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
    module("Store", ["Base"], only: ["Key.swift", "RowCoding.swift", "Store.swift"]),
    module(
      "Fabric", ["Base"],
      only: [
        "Calls/Access.swift", "Calls/Call.swift", "Calls/Principal.swift", "Deliveries/Hop.swift", "Ports/ObjectPort.swift",
        "Ports/QueuePort.swift",
      ]),
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
    module("Schedules", ["Base"]),
    module(
      "EventBridge", ["Base", "Fabric"],
      only: ["Domain/BusName.swift", "Domain/EventPath.swift", "Domain/InputTemplate.swift", "EventBridgeErrors.swift"]),
    module(
      "Pipes", ["Base", "Fabric"],
      only: [
        "Domain/InputTemplate.swift", "Domain/Pipe.swift", "Domain/PipeEvent.swift", "Domain/ValuePath.swift", "PipesLimits.swift",
      ]),
    module(
      "SNS", ["Base", "Patterns"],
      only: [
        "Domain/FilterPolicy.swift", "Domain/HTTPDeliveryPolicy.swift", "Domain/MessageAttribute.swift", "Domain/Subscription.swift",
        "Domain/SubscriptionProtocol.swift", "Domain/TopicName.swift", "SNSErrors.swift", "SNSLimits.swift",
      ]),
    module(
      "Kinesis", ["Base", "Wire", "Crypto"],
      only: ["Domain", "Generated", "KinesisErrors.swift", "KinesisLimits.swift"]),
    module(
      "DynamoDB", ["Base", "Wire", "Store", "Fabric", "Crypto"],
      only: [
        "Domain/AttributeValue.swift", "Domain/Item.swift", "Domain/Number.swift", "Domain/TableRecovery.swift",
        "Domain/StreamingDestination.swift", "Domain/Table.swift", "Domain/Table+Keys.swift", "Domain/ValueReader.swift",
        "Domain/ValueText.swift", "DynamoDBErrors.swift", "DynamoDBLimits.swift",
        "Expressions/ConditionRules.swift", "Expressions/Evaluator.swift", "Expressions/Expression.swift",
        "Expressions/ExpressionCache.swift", "Expressions/KeyCondition.swift", "Expressions/Lexer.swift", "Expressions/Parser.swift",
        "Expressions/Parser+Update.swift", "Expressions/Projection.swift", "Expressions/ReservedWords.swift",
        "Expressions/Substitutions.swift", "Expressions/Update.swift", "Expressions/ValueTree.swift", "Generated/DynamoDBSchema.swift",
        "PartiQL", "Storage/Change.swift", "Storage/KeyBytes.swift",
      ]),
    module(
      "S3", ["Base", "Wire", "Store", "Fabric", "Crypto"],
      only: [
        "Domain/Bucket.swift", "Domain/BucketName.swift", "Domain/BucketPolicy.swift", "Domain/CORSRules.swift",
        "Domain/CopySource.swift", "Domain/Lifecycle.swift", "Domain/LifecycleCheck.swift", "Domain/LifecycleRule.swift",
        "Domain/NotificationCheck.swift", "Domain/NotificationRules.swift", "Domain/ObjectEvent.swift", "Domain/ObjectKey.swift",
        "Domain/TagRules.swift", "Forms/FormParser.swift", "Forms/PostPolicy.swift", "Generated", "ObjectErrors.swift",
        "ObjectLimits.swift", "S3Errors.swift", "S3Limits.swift",
      ]),
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
      name: "fuzz",
      dependencies: [
        "Base", "Wire", "Store", "Fabric", "SQS", "SNS", "S3", "IAM", "DynamoDB", "EventBridge", "Pipes", "Kinesis", "CloudWatch", "Patterns",
        "Schedules", "Lambda", "LibFuzzer",
      ],
      path: "Harness",
      swiftSettings: instrumented, linkerSettings: [.unsafeFlags(["-sanitize=fuzzer", "-use-ld=lld"])]),
  ]
)
