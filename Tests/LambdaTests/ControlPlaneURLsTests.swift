import Base
import Fabric
import Testing
import Wire

@testable import Lambda

@Suite struct ControlPlaneURLsTests {
  private let lambda = TestPlane()

  private func make(_ name: String = "orders", _ qualifier: String? = nil) async throws -> CreateFunctionUrlConfigOutput {
    CreateFunctionUrlConfigOutput(
      try await lambda.run(
        input(CreateFunctionUrlConfigInput.self) { ($0.functionName, $0.qualifier, $0.authType) = (name, qualifier, "NONE") }))
  }
  private func url(_ made: CreateFunctionUrlConfigOutput, in region: Region? = nil) async throws -> FunctionURL? {
    let id = String(try #require(made.functionUrl.split(separator: "/").dropFirst().first).prefix { $0 != "." })
    return try await lambda.store.read { try URLRows($0).url(id: id, region: region) }
  }
  private func alias(_ name: String) async throws {
    try await lambda.run(
      input(CreateAliasInput.self) { ($0.functionName, $0.name, $0.functionVersion) = ("orders", name, "$LATEST") })
  }

  @Test func `a URL is found by its id, in its own Region`() async throws {
    _ = try await lambda.create()
    let made = try await make()
    #expect(try await url(made)?.function.name == "orders")
    #expect(try await url(made, in: .usEast1)?.qualifier == nil)
    #expect(try await url(made, in: Region("eu-west-1")) == nil)
  }

  @Test func `all settings are kept, and those that are not given stay`() async throws {
    _ = try await lambda.create()
    var cors = LambdaCors()
    (cors.allowCredentials, cors.allowHeaders, cors.allowMethods) = (false, ["a"], [])
    (cors.allowOrigins, cors.exposeHeaders, cors.maxAge) = (["https://a.example"], nil, 0)
    try await lambda.run(
      input(CreateFunctionUrlConfigInput.self) {
        ($0.functionName, $0.authType, $0.invokeMode, $0.cors) = ("orders", "AWS_IAM", "RESPONSE_STREAM", cors)
      })
    lambda.clock.advance(.seconds(60))
    let update = input(UpdateFunctionUrlConfigInput.self) { ($0.functionName, $0.authType) = ("orders", "NONE") }
    let changed = UpdateFunctionUrlConfigOutput(try await lambda.run(update))
    #expect(changed.authType == "NONE")
    #expect(changed.invokeMode == "RESPONSE_STREAM")
    #expect(changed.cors?.record == cors.record)
    #expect(changed.creationTime < changed.lastModifiedTime)
  }

  @Test func `an alias has a URL of its own, and both go with what they are for`() async throws {
    _ = try await lambda.create()
    try await alias("live")
    let (own, live) = (try await make(), try await make("orders", "live"))
    #expect(live.functionArn.hasSuffix(":function:orders:live"))
    // The alias may stand in the name as well.
    let shown = GetFunctionUrlConfigOutput(
      try await lambda.run(input(GetFunctionUrlConfigInput.self) { $0.functionName = "\(live.functionArn)" }))
    #expect(shown.functionUrl == live.functionUrl)
    try await lambda.run(input(DeleteAliasInput.self) { ($0.functionName, $0.name) = ("orders", "live") })
    #expect(try await url(live) == nil)
    #expect(try await url(own) != nil)
    try await lambda.run(input(DeleteFunctionInput.self) { $0.functionName = "orders" })
    #expect(try await url(own) == nil)
    _ = try await lambda.create()
    let again = try await make()
    #expect(again.functionUrl != own.functionUrl)
  }

  @Test(arguments: [
    ("orders", "1", "ValidationException"), ("orders", "$LATEST", "ValidationException"), ("orders:2", nil, "ValidationException"),
    ("orders", "nobody", "ResourceNotFoundException: Function does not exist"),
    ("others", nil, "ResourceNotFoundException: Function does not exist"),
  ] as [(String, String?, String)])
  func `only functions and aliases that exist have URLs`(_ name: String, _ qualifier: String?, _ error: String) async throws {
    _ = try await lambda.create()
    let input = input(CreateFunctionUrlConfigInput.self) { ($0.functionName, $0.qualifier, $0.authType) = (name, qualifier, "NONE") }
    #expect(await lambda.refusal(input).hasPrefix(error))
  }

  @Test func `policies see how the URL authenticates, or is to`() async throws {
    _ = try await lambda.create()
    _ = try await make()
    func asked() -> [String]? { lambda.identity.asked.withLock { $0.last?.conditionValues["lambda:functionurlauthtype"] } }
    #expect(asked() == ["NONE"])
    try await lambda.run(input(GetFunctionUrlConfigInput.self) { $0.functionName = "orders" })
    #expect(asked() == ["NONE"])
    try await lambda.run(input(UpdateFunctionUrlConfigInput.self) { ($0.functionName, $0.authType) = ("orders", "AWS_IAM") })
    #expect(asked() == ["AWS_IAM"])
  }

  @Test(arguments: [
    ("http://localhost:4566", "http://id.lambda-url.us-east-1.localhost:4566/"),
    ("http://127.0.0.1:80", "http://id.lambda-url.us-east-1.localhost:80/"),
    ("http://[::1]:4566", "http://id.lambda-url.us-east-1.localhost:4566/"),
    ("https://lambda.us-east-1.localhost:4566", "https://id.lambda-url.us-east-1.localhost:4566/"),
    ("http://LOCALHOST.localstack.cloud:1", "http://id.lambda-url.us-east-1.localhost.localstack.cloud:1/"),
    ("https://lambda.us-east-1.amazonaws.com", "https://id.lambda-url.us-east-1.on.aws/"),
    ("http://host.docker.internal:4566", "http://host.docker.internal:4566/_dewpoint/url/id/"),
    ("http://127.evil", "http://127.evil/_dewpoint/url/id/"), ("http://", "http://id.lambda-url.us-east-1.localhost/"),
  ])
  func `a URL lies below the name by which the client calls us`(_ endpoint: String, _ text: String) {
    let url = FunctionURL(
      id: "id", function: FunctionID(account: .one, region: .usEast1, name: "f"), authentication: .none, invokeMode: .buffered,
      createdAt: Instant(seconds: 0), modifiedAt: Instant(seconds: 0))
    #expect(url.text(endpoint: endpoint) == text)
  }
}
