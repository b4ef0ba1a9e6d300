import Base
import Crypto

/// One page of a list. The token is a digest of the query, so that no other can go on with it, and the last name shown.
struct Page {
  private(set) var last: String?
  private let query: [UInt8]

  init(_ token: String?, of query: String) throws(AWSError) {
    self.query = SHA256.hash(data: Array(query.utf8)).prefix(8).map { $0 }
    guard let token, !token.isEmpty else { return }
    guard let bytes = decodeBase64(token), bytes.prefix(8).elementsEqual(self.query),
      let name = String(validating: bytes.dropFirst(8), as: UTF8.self), !name.isEmpty
    else { throw SNSError.invalid("NextToken") }
    last = name
  }

  /// Nil when nothing is left.
  /// - Parameter names: one more than is shown when there is more.
  func token(_ names: [String]) -> String? {
    guard names.count > SNSLimits.listPage else { return nil }
    let bytes = query + Array(names[SNSLimits.listPage - 1].utf8)
    return bytes.base64.replacing("+", by: "-").replacing("/", by: "_").replacing("=", by: "")
  }
}
