import Base

/// The resources on which a principal used an action: one by one up to a limit, from then on what they all begin with.
struct ResourceSet: Sendable, Equatable {
  private(set) var exact: Set<String> = []
  /// Set once there were too many: everything that begins with it counts as used.
  private(set) var prefix: String?

  init() {}
  init(exact: [String], prefix: String?) { (self.exact, self.prefix) = (Set(exact), prefix) }

  var isEmpty: Bool { exact.isEmpty && prefix == nil }

  func contains(_ resource: String) -> Bool {
    if let prefix { return resource.utf8.starts(with: prefix.utf8) }
    return exact.contains(resource)
  }

  mutating func insert(_ resource: String) {
    if let known = prefix {
      prefix = Self.common(known, resource)
      return
    }
    exact.insert(resource)
    if exact.count > IAMLimits.recordedResources { collapse() }
  }

  mutating func merge(_ other: ResourceSet) {
    for resource in other.exact { insert(resource) }
    if let theirs = other.prefix {
      if prefix == nil { collapse() }
      prefix = prefix.map { Self.common($0, theirs) } ?? theirs
    }
  }

  private mutating func collapse() {
    guard let first = exact.first else { return }
    prefix = exact.reduce(first, Self.common)
    exact = []
  }

  /// Of whole characters; a wildcard resource has nothing in common with others.
  private static func common(_ a: String, _ b: String) -> String {
    String(zip(a, b).prefix { $0 == $1 && $0 != "*" }.map(\.0))
  }

  /// As `Resource` elements of a policy, sorted.
  var patterns: [String] {
    if let prefix { return [prefix + "*"] }
    return exact.sorted()
  }
}

/// What a principal did by one action, and what it was refused.
struct ActionUse: Sendable, Equatable {
  var allowed = ResourceSet()
  var refused = ResourceSet()
  /// Exact to a minute.
  var last: Instant

  func knows(_ resource: String, _ isAllowed: Bool) -> Bool {
    isAllowed ? allowed.contains(resource) : refused.contains(resource)
  }
  mutating func insert(_ resource: String, _ isAllowed: Bool) {
    if isAllowed { allowed.insert(resource) } else { refused.insert(resource) }
  }
  mutating func merge(_ other: ActionUse) {
    allowed.merge(other.allowed)
    refused.merge(other.refused)
    last = max(last, other.last)
  }
}
