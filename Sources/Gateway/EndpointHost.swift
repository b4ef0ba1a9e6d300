import Base

/// What the Host of a request says of an endpoint: `ID.LABEL.REGION.SUFFIX`, for example a function URL's
/// `abc….lambda-url.eu-west-1.on.aws` or `abc….lambda-url.eu-west-1.localhost`.
struct EndpointHost: Equatable {
  /// In lower case.
  var id: String
  var label: String
  var region: Region
  /// Whose name it is below, for example `localhost` or `on.aws`.
  var suffix: String

  /// Labels that endpoints of AWS have. No bucket or service is named by such a host: their second label is another.
  private static let labels = ["lambda-url"]

  /// - Parameter field: the Host field, with its port if it has one.
  init?(_ field: String?) {
    // Every request comes by here, and hardly any names an endpoint: most are sent away without an allocation.
    guard let field, Self.mayName(field) else { return nil }
    let parts = OriginGuard.withoutPort(field).lowercased().split(
      separator: ".", maxSplits: 3, omittingEmptySubsequences: false)
    guard parts.count == 4, !parts[0].isEmpty, Self.labels.contains(String(parts[1])), let region = Region(parts[2]), !parts[3].isEmpty
    else { return nil }
    (id, label, self.region, suffix) = (String(parts[0]), String(parts[1]), region, String(parts[3]))
  }

  /// Whether a label follows the first point, in upper or lower case.
  private static func mayName(_ field: String) -> Bool {
    guard let point = field.utf8.firstIndex(of: UInt8(ascii: ".")) else { return false }
    let rest = field.utf8[point...].dropFirst()
    return labels.contains { label in
      rest.count > label.utf8.count && zip(rest, label.utf8).allSatisfy { ($0 | 32) == ($1 | 32) }
    }
  }
}
