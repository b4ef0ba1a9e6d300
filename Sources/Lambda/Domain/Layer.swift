import Base

/// Names a layer: account, Region and name.
struct LayerID: Hashable, Sendable {
  var account: AccountID
  var region: Region
  var name: String

  /// `arn:aws:lambda:REGION:ACCOUNT:layer:NAME`
  var arn: ARN { ARN("lambda", region, account, "layer:\(name)") }
  func arn(_ number: Int) -> String { "\(arn):\(number)" }
}

extension LayerID {
  /// - Parameter text: a bare name, or the ARN of a layer without a version.
  /// - Throws: `AWSError` for an ARN that is none of a layer of the call's Region.
  init(_ text: String, account: AccountID, region: Region) throws {
    guard text.hasPrefix("arn:") else {
      self.init(account: account, region: region, name: text)
      return
    }
    guard let (id, number) = Self.parse(text), number == nil else { throw LambdaError.badLayerName(text) }
    guard id.region == region else { throw LambdaError.otherLayerRegion(region) }
    self = id
  }

  /// Reads an ARN of a layer, or of one of its versions.
  static func parse(_ text: String) -> (id: LayerID, number: Int?)? {
    guard let arn = ARN(text), arn.service == "lambda", let account = AccountID(arn.account), let region = Region(arn.region)
    else { return nil }
    let parts = arn.resource.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2 || parts.count == 3, parts[0] == "layer", FunctionName.isName(String(parts[1])) else { return nil }
    let id = LayerID(account: account, region: region, name: String(parts[1]))
    guard parts.count == 3 else { return (id, nil) }
    guard let number = Int(parts[2]), String(number) == parts[2] else { return nil }
    return (id, number)
  }
}

/// A published version of a layer. It never changes; its permissions are kept beside it.
struct LayerVersion: Sendable, Equatable {
  var layer: LayerID
  /// From 1; never used again.
  var number: Int
  var description: String
  var license: String?
  /// What it says it is made for. Lists filter by it; nothing stops another function from using it, as on AWS.
  var runtimes: [String]
  var architectures: [String]
  /// SHA-256 of the zip in lower-case hex.
  var codeHash: String
  /// Of the zip, and of all its files, in bytes.
  var codeSize: Int
  var unzippedSize: Int
  var created: Instant

  var arn: String { layer.arn(number) }
  var reference: LayerReference {
    LayerReference(arn: arn, codeHash: codeHash, codeSize: codeSize, unzippedSize: unzippedSize)
  }

  func isMade(for runtime: String?, _ architecture: String?) -> Bool {
    (runtime.map(runtimes.contains) ?? true) && (architecture.map(architectures.contains) ?? true)
  }
}

/// A layer version as a function holds it: enough to run with it after it was deleted.
struct LayerReference: Sendable, Equatable {
  var arn: String
  var codeHash: String
  var codeSize: Int
  var unzippedSize: Int
}

/// The layers that a caller wants a function to have, checked as far as that can be done without looking for them.
struct LayerList: Sendable {
  struct Entry: Sendable {
    var arn: String
    var id: LayerID
    var number: Int
  }
  var entries: [Entry]

  /// - Throws: `AWSError` for too many, malformed ARNs, and two versions of one layer.
  init(_ arns: [String]) throws {
    guard arns.count <= LambdaLimits.layers else { throw LambdaError.tooManyLayers() }
    entries = try arns.map { arn in
      guard case let (id, number?)? = LayerID.parse(arn) else { throw LambdaError.badLayers(arns) }
      return Entry(arn: arn, id: id, number: number)
    }
    for (place, entry) in entries.enumerated() {
      if let twin = entries[..<place].first(where: { $0.id == entry.id }) { throw LambdaError.sameLayerTwice(twin.arn, entry.arn) }
    }
  }
}
