import Base

/// Names a code signing configuration.
struct CodeSigningID: Hashable, Sendable {
  var account: AccountID
  var region: Region
  /// `csc-` and 17 letters and digits.
  var id: String

  static let length = 17
  static let alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"

  var arn: String { "arn:aws:lambda:\(region):\(account.text):code-signing-config:\(id)" }

  init(account: AccountID, region: Region, id: String) { (self.account, self.region, self.id) = (account, region, id) }

  /// Nil for what names none.
  init?(arn text: String) {
    guard let arn = ARN(text), arn.service == "lambda", let account = AccountID(arn.account), let region = Region(arn.region),
      arn.resource.hasPrefix("code-signing-config:")
    else { return nil }
    self.init(account: account, region: region, id: String(arn.resource.dropFirst("code-signing-config:".count)))
  }
}

/// Whose signatures the code of functions must bear, and what becomes of other code (AWS: "Using code signing").
///
/// There is no AWS Signer here to make a signature, and none of its certificates to check one with: all code counts as unsigned.
struct CodeSigning: Sendable, Equatable {
  enum Policy: String, Sendable { case warn = "Warn", enforce = "Enforce" }

  var id: CodeSigningID
  var description: String
  /// ARNs of versions of signing profiles: 1 to 20.
  var publishers: [String]
  /// What becomes of code that is not signed by one of them.
  var untrusted: Policy
  var tags: [String: String]
  var modifiedAt: Instant
}
