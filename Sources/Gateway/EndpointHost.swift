import Base

/// What the Host of a request says of an endpoint: `ID.LABEL.REGION.SUFFIX`, for example a function URL's
/// `abc….lambda-url.eu-west-1.on.aws` or `abc….lambda-url.eu-west-1.localhost`; and a website's `BUCKET.s3-website.REGION.SUFFIX`,
/// `BUCKET.s3-website-REGION.SUFFIX` or `BUCKET.s3-website.localhost`.
struct EndpointHost: Equatable {
  /// In lower case. A bucket may have dots.
  var id: String
  var label: String
  /// Nil where the name has none.
  var region: Region?
  /// Whose name it is below, for example `localhost` or `on.aws`.
  var suffix: String

  /// The second label of names whose ids have no dots. No bucket or service is named by such a host.
  private static let labels = ["lambda-url"]
  /// The label of websites, after any number of others.
  static let website = "s3-website"

  /// - Parameter field: the Host field, with its port if it has one.
  init?(_ field: String?) {
    // Every request comes by here, and hardly any names an endpoint: most are sent away without an allocation.
    guard let field else { return nil }
    guard !Self.mayName(field) else {
      let parts = OriginGuard.withoutPort(field).lowercased().split(
        separator: ".", maxSplits: 3, omittingEmptySubsequences: false)
      guard parts.count == 4, !parts[0].isEmpty, Self.labels.contains(String(parts[1])), let region = Region(parts[2]),
        !parts[3].isEmpty
      else { return nil }
      (id, label, self.region, suffix) = (String(parts[0]), String(parts[1]), region, String(parts[3]))
      return
    }
    guard Self.mayNameWebsite(field), let host = Self(website: OriginGuard.withoutPort(field).lowercased()) else { return nil }
    self = host
  }

  private init?(website host: String) {
    var labels = host.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard labels.allSatisfy({ !$0.isEmpty }),
      let place = labels.lastIndex(where: { $0 == Self.website || $0.hasPrefix(Self.website + "-") }), place > 0
    else { return nil }
    id = labels[..<place].joined(separator: ".")
    label = Self.website
    let word = labels[place]
    labels.removeFirst(place + 1)
    if word != Self.website {
      guard let region = Region(word.dropFirst(Self.website.utf8.count + 1)) else { return nil }
      self.region = region
    } else if labels.count > 1, labels[0].contains("-") {
      region = Region(labels.removeFirst())
    }
    guard !labels.isEmpty else { return nil }
    suffix = labels.joined(separator: ".")
  }

  /// Whether a label follows the first point, in upper or lower case.
  private static func mayName(_ field: String) -> Bool {
    guard let point = field.utf8.firstIndex(of: UInt8(ascii: ".")) else { return false }
    let rest = field.utf8[point...].dropFirst()
    return labels.contains { label in
      rest.count > label.utf8.count && zip(rest, label.utf8).allSatisfy { ($0 | 32) == ($1 | 32) }
    }
  }

  /// Whether the label of websites follows some point.
  private static func mayNameWebsite(_ field: String) -> Bool {
    var rest = field.utf8[...]
    while let point = rest.firstIndex(of: UInt8(ascii: ".")) {
      rest = rest[point...].dropFirst()
      if rest.count > website.utf8.count, zip(rest, website.utf8).allSatisfy({ ($0 | 32) == ($1 | 32) }) { return true }
    }
    return false
  }
}
