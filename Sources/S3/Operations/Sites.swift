import Base
import Fabric
import Store
import Wire

extension PutBucketCorsInput: BucketInput {}
extension GetBucketCorsInput: BucketInput {}
extension DeleteBucketCorsInput: BucketInput {}
extension PutBucketWebsiteInput: BucketInput {}
extension GetBucketWebsiteInput: BucketInput {}
extension DeleteBucketWebsiteInput: BucketInput {}

/// What browsers meet: CORS and website configuration.
extension S3Service {
  var siteOperations: [Operation] {
    [
      Operation("PutBucketCors", access: access("PutBucketCORS"), run: putBucketCORS),
      Operation("GetBucketCors", access: access("GetBucketCORS"), run: getBucketCORS),
      Operation("DeleteBucketCors", access: access("PutBucketCORS"), run: deleteBucketCORS),
      Operation("PutBucketWebsite", access: access("PutBucketWebsite"), run: putBucketWebsite),
      Operation("GetBucketWebsite", access: access("GetBucketWebsite"), run: getBucketWebsite),
      Operation("DeleteBucketWebsite", access: access("DeleteBucketWebsite"), run: deleteBucketWebsite),
    ]
  }

  private func putBucketCORS(_ input: PutBucketCorsInput, _ call: Call) async throws {
    try CORSRules.check(input.corsConfiguration)
    try await put(input.corsConfiguration.record, as: .cors, of: input.bucket)
  }

  private func getBucketCORS(_ input: GetBucketCorsInput, _ call: Call) async throws -> GetBucketCorsOutput {
    let kept: S3CORSConfiguration = try await shown(.cors, of: input.bucket, orElse: S3Error.noCORS(input.bucket))
    var output = GetBucketCorsOutput()
    output.corsRules = kept.corsRules
    return output
  }

  private func deleteBucketCORS(_ input: DeleteBucketCorsInput, _ call: Call) async throws {
    try await put(nil, as: .cors, of: input.bucket)
  }

  private func putBucketWebsite(_ input: PutBucketWebsiteInput, _ call: Call) async throws {
    try WebsiteRules.check(input.websiteConfiguration)
    try await put(input.websiteConfiguration.record, as: .website, of: input.bucket)
  }

  private func getBucketWebsite(_ input: GetBucketWebsiteInput, _ call: Call) async throws -> GetBucketWebsiteOutput {
    let kept: WebsiteConfiguration = try await shown(.website, of: input.bucket, orElse: S3Error.noWebsite(input.bucket))
    var output = GetBucketWebsiteOutput()
    (output.indexDocument, output.errorDocument) = (kept.indexDocument, kept.errorDocument)
    (output.redirectAllRequestsTo, output.routingRules) = (kept.redirectAllRequestsTo, kept.routingRules)
    return output
  }

  private func deleteBucketWebsite(_ input: DeleteBucketWebsiteInput, _ call: Call) async throws {
    try await put(nil, as: .website, of: input.bucket)
  }
}

/// The checks of a website configuration.
enum WebsiteRules {
  static func check(_ website: WebsiteConfiguration) throws(AWSError) {
    if let all = website.redirectAllRequestsTo {
      if website.indexDocument != nil || website.errorDocument != nil || website.routingRules?.isEmpty == false {
        throw S3Error.invalidArgument(
          "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.", "RedirectAllRequestsTo", "not null")
      }
      try check(scheme: all.protocol)
      return
    }
    guard let index = website.indexDocument?.suffix else {
      throw S3Error.invalidArgument("A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty",
        "IndexDocument", "null")
    }
    guard !index.isEmpty, !index.contains("/") else {
      throw S3Error.invalidArgument("The IndexDocument Suffix is not well formed", "IndexDocument", index)
    }
    if website.errorDocument?.key.isEmpty == true {
      throw S3Error.invalidArgument("The ErrorDocument Key is not well formed", "ErrorDocument", "")
    }
    guard website.routingRules?.count ?? 0 <= S3Limits.routingRules else {
      throw S3Error.invalidRequest("The number of routing rules must be at most \(S3Limits.routingRules)")
    }
    for rule in website.routingRules ?? [] { try check(rule) }
  }

  private static func check(_ rule: RoutingRuleShape) throws(AWSError) {
    if let condition = rule.condition {
      guard condition.httpErrorCodeReturnedEquals != nil || condition.keyPrefixEquals != nil else {
        throw S3Error.invalidArgument(
          "Condition cannot be empty. To redirect all requests without a condition, the condition element shouldn't be present.",
          "Condition", "null")
      }
      if let code = condition.httpErrorCodeReturnedEquals, !(400...599).contains(Int(code) ?? 0) {
        throw S3Error.invalidArgument(
          "The provided HTTP error code (\(code)) is not valid. Valid codes are 4XX or 5XX.", "HttpErrorCodeReturnedEquals", code)
      }
    }
    let redirect = rule.redirect
    guard redirect.record.slots.contains(where: { $0 != nil }) else { throw S3Error.malformedXML }
    if redirect.replaceKeyWith != nil, redirect.replaceKeyPrefixWith != nil {
      throw S3Error.invalidRequest("You can only define ReplaceKeyPrefix or ReplaceKey but not both.")
    }
    if let code = redirect.httpRedirectCode, !(301...308).contains(Int(code) ?? 0) {
      throw S3Error.invalidArgument(
        "The provided HTTP redirect code (\(code)) is not valid. Valid codes are 3XX except 300.", "HttpRedirectCode", code)
    }
    try check(scheme: redirect.protocol)
  }

  private static func check(scheme: String?) throws(AWSError) {
    guard scheme == nil || scheme == "http" || scheme == "https" else {
      throw S3Error.invalidRequest("Invalid protocol, protocol can be http or https. If not defined the protocol will be selected automatically.")
    }
  }
}
