import Base
import Fabric
import Store
import Wire

/// The settings of function URLs.
extension ControlPlane {
  var urlOperations: [Operation] {
    [
      Operation(
        "CreateFunctionUrlConfig",
        access: { [self] (i: CreateFunctionUrlConfigInput, c) in
          try await urlAccess("CreateFunctionUrlConfig", i.functionName, i.qualifier, i.authType, c)
        }, run: createURL),
      Operation(
        "GetFunctionUrlConfig",
        access: { [self] (i: GetFunctionUrlConfigInput, c) in
          try await urlAccess("GetFunctionUrlConfig", i.functionName, i.qualifier, nil, c)
        }, run: getURL),
      Operation(
        "UpdateFunctionUrlConfig",
        access: { [self] (i: UpdateFunctionUrlConfigInput, c) in
          try await urlAccess("UpdateFunctionUrlConfig", i.functionName, i.qualifier, i.authType, c)
        }, run: updateURL),
      Operation(
        "DeleteFunctionUrlConfig",
        access: { [self] (i: DeleteFunctionUrlConfigInput, c) in
          try await urlAccess("DeleteFunctionUrlConfig", i.functionName, i.qualifier, nil, c)
        }, run: deleteURL),
      Operation(
        "ListFunctionUrlConfigs",
        access: { [self] (i: ListFunctionUrlConfigsInput, c) in try await access("ListFunctionUrlConfigs", i.functionName, c) },
        run: listURLs),
    ]
  }

  /// - Parameter asked: the authentication that the URL is to have; else the one that it has is what policies see.
  private func urlAccess(_ action: String, _ text: String, _ qualifier: String?, _ asked: String?, _ call: Call) async throws -> [Access] {
    let name = try name(text, qualifier, call)
    var access = try await access(action, text, qualifier, call)
    let current = try await store.read { try URLRows($0).url(name.id, name.qualifier) }
    access[0].conditionValues["lambda:functionarn"] = [name.arn]
    if let type = asked ?? current?.authentication.rawValue { access[0].conditionValues["lambda:functionurlauthtype"] = [type] }
    return access
  }

  private func createURL(_ input: CreateFunctionUrlConfigInput, _ call: Call) async throws -> CreateFunctionUrlConfigOutput {
    let name = try urlTarget(input.functionName, input.qualifier, call)
    let url = FunctionURL(
      id: ambient.text(FunctionURL.idLength, of: FunctionURL.idAlphabet), function: name.id, qualifier: name.qualifier,
      authentication: FunctionURL.Authentication(rawValue: input.authType) ?? .iam,
      invokeMode: input.invokeMode.flatMap { FunctionURL.InvokeMode(rawValue: $0) } ?? .buffered,
      cors: input.cors.map { URLCors($0) }, createdAt: call.now, modifiedAt: call.now)
    try await store.transact { tx in
      try Self.checkURLTarget(name, tx)
      guard try URLRows(tx).url(name.id, name.qualifier) == nil else { throw LambdaError.urlExists(name.arn) }
      try URLRows.save(url, in: tx)
    }
    var output = CreateFunctionUrlConfigOutput()
    (output.functionUrl, output.functionArn) = (url.text(endpoint: call.endpoint), url.arn)
    (output.authType, output.invokeMode) = (url.authentication.rawValue, url.invokeMode.rawValue)
    (output.cors, output.creationTime) = (url.cors?.shape, url.createdAt.iso8601Milliseconds)
    return output
  }

  private func getURL(_ input: GetFunctionUrlConfigInput, _ call: Call) async throws -> GetFunctionUrlConfigOutput {
    let name = try urlTarget(input.functionName, input.qualifier, call)
    let url = try await store.read { try URLRows($0).url(name.id, name.qualifier) }
    return GetFunctionUrlConfigOutput(try url.orThrow(LambdaError.noSuchResource()), call)
  }

  private func updateURL(_ input: UpdateFunctionUrlConfigInput, _ call: Call) async throws -> UpdateFunctionUrlConfigOutput {
    let name = try urlTarget(input.functionName, input.qualifier, call)
    let url = try await store.transact { tx in
      var url = try URLRows(tx).url(name.id, name.qualifier).orThrow(LambdaError.noSuchResource())
      url.authentication = input.authType.flatMap { FunctionURL.Authentication(rawValue: $0) } ?? url.authentication
      url.invokeMode = input.invokeMode.flatMap { FunctionURL.InvokeMode(rawValue: $0) } ?? url.invokeMode
      // Settings that are given take the place of all before.
      url.cors = input.cors.map { URLCors($0) } ?? url.cors
      url.modifiedAt = call.now
      try URLRows.save(url, in: tx)
      return url
    }
    return UpdateFunctionUrlConfigOutput(url, call)
  }

  private func deleteURL(_ input: DeleteFunctionUrlConfigInput, _ call: Call) async throws {
    let name = try urlTarget(input.functionName, input.qualifier, call)
    try await store.transact { tx in
      guard try URLRows(tx).url(name.id, name.qualifier) != nil else { throw LambdaError.noSuchResource() }
      try URLRows.delete(name.id, name.qualifier, in: tx)
    }
  }

  private func listURLs(_ input: ListFunctionUrlConfigsInput, _ call: Call) async throws -> ListFunctionUrlConfigsOutput {
    let id = try unqualified(input.functionName, call)
    let limit = try Self.limit(input.maxItems, page: LambdaLimits.listPage)
    let page = try await store.read { reader in
      guard try FunctionRows(reader).function(id) != nil else { throw LambdaError.noFunctionForURL() }
      return try URLRows(reader).page(id, after: input.marker, limit: limit)
    }
    var output = ListFunctionUrlConfigsOutput()
    (output.nextMarker, output.functionUrlConfigs) = (page.next, page.items.map { FunctionUrlConfig($0, call) })
    return output
  }

  /// A function or an alias; the name itself may carry the alias.
  private func urlTarget(_ text: String, _ qualifier: String?, _ call: Call) throws -> FunctionName {
    let name = try name(text, qualifier, call)
    guard let alias = name.qualifier, alias == FunctionVersion.latest || Int(alias) != nil else { return name }
    throw LambdaError.constraint(alias, at: "qualifier", #"satisfy regular expression pattern: ((?!^\d+$)^[0-9a-zA-Z-_]+$)"#)
  }

  private static func checkURLTarget(_ name: FunctionName, _ reader: any Reader) throws {
    let rows = FunctionRows(reader)
    guard try rows.function(name.id) != nil else { throw LambdaError.noFunctionForURL() }
    if let alias = name.qualifier, try rows.alias(name.id, alias) == nil { throw LambdaError.noFunctionForURL() }
  }
}

extension URLCors {
  fileprivate init(_ shape: LambdaCors) {
    self.init(
      allowCredentials: shape.allowCredentials, allowHeaders: shape.allowHeaders, allowMethods: shape.allowMethods,
      allowOrigins: shape.allowOrigins, exposeHeaders: shape.exposeHeaders, maxAge: shape.maxAge)
  }

  fileprivate var shape: LambdaCors {
    var shape = LambdaCors()
    (shape.allowCredentials, shape.allowHeaders, shape.allowMethods) = (allowCredentials, allowHeaders, allowMethods)
    (shape.allowOrigins, shape.exposeHeaders, shape.maxAge) = (allowOrigins, exposeHeaders, maxAge)
    return shape
  }
}

/// What AWS shows of a function URL in three answers of the same members.
private protocol URLShape: RecordView {
  var functionUrl: String { get set }
  var functionArn: String { get set }
  var authType: String { get set }
  var invokeMode: String? { get set }
  var cors: LambdaCors? { get set }
  var creationTime: String { get set }
  var lastModifiedTime: String { get set }
}
extension FunctionUrlConfig: URLShape {}
extension GetFunctionUrlConfigOutput: URLShape {}
extension UpdateFunctionUrlConfigOutput: URLShape {}

extension URLShape {
  init(_ url: FunctionURL, _ call: Call) {
    self.init()
    (functionUrl, functionArn) = (url.text(endpoint: call.endpoint), url.arn)
    (authType, invokeMode, cors) = (url.authentication.rawValue, url.invokeMode.rawValue, url.cors?.shape)
    (creationTime, lastModifiedTime) = (url.createdAt.iso8601Milliseconds, url.modifiedAt.iso8601Milliseconds)
  }
}
