import Base

/// Where a list goes on: of which list, after what, and when it was made, since tokens live for five minutes.
struct ListToken: Sendable, Equatable {
  /// What the list is of, with everything that chose it.
  var scope: String
  var last: String
  var made: Instant

  init(of scope: String, last: String, made: Instant) { (self.scope, self.last, self.made) = (scope, last, made) }

  /// Throws InvalidArgumentException for what is no token of ours, and ExpiredNextTokenException.
  /// - Parameter scope: of the list that is to go on; nil when the token itself says which.
  init(_ text: String, of scope: String? = nil, now: Instant) throws(AWSError) {
    guard let bytes = decodeBase64(Array(text.utf8)) else { throw KinesisError.invalidToken }
    let fields = bytes.utf8Text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    guard fields.count == 3, let made = Int64(fields[2]), scope == nil || fields[0] == scope else { throw KinesisError.invalidToken }
    (self.scope, last, self.made) = (fields[0], fields[1], Instant(milliseconds: made))
    guard now - self.made <= KinesisLimits.tokenLife else { throw KinesisError.expiredToken }
  }

  /// Fits in a URL.
  var text: String {
    Array([scope, last, String(made.milliseconds)].joined(separator: "\n").utf8).base64
      .replacing("+", by: "-").replacing("/", by: "_").replacing("=", by: "")
  }
}
