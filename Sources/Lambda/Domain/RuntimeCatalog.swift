/// Knows which runtimes this host can run.
protocol RuntimeCatalog: Sendable {
  /// - Parameter runtime: an identifier of the API, such as `python3.13`.
  func support(for runtime: String) -> RuntimeSupport
}

enum RuntimeSupport: Sendable, Equatable {
  /// The very interpreter that was asked for; the value says which.
  case exact(String)
  /// Another version of the language will serve it; the value says which.
  case nearest(String)
  /// The language is not there.
  case missing(reason: String)
}

/// The runtime identifiers of the API.
enum RuntimeNames {
  /// Those that functions may be created with.
  static let supported = [
    "nodejs20.x", "nodejs22.x", "nodejs24.x", "nodejs26.x", "python3.9", "python3.10", "python3.11", "python3.12", "python3.13",
    "python3.14", "python3.15", "java8.al2", "java11", "java17", "java21", "java25", "dotnet8", "dotnet10", "ruby3.2", "ruby3.3",
    "ruby3.4", "ruby4.0", "provided.al2", "provided.al2023",
  ]
  /// Those that AWS knows and no longer accepts.
  static let retired: Set<String> = [
    "nodejs", "nodejs4.3", "nodejs4.3-edge", "nodejs6.10", "nodejs8.10", "nodejs10.x", "nodejs12.x", "nodejs14.x", "nodejs16.x",
    "nodejs18.x", "java8", "python2.7", "python3.6", "python3.7", "python3.8", "dotnetcore1.0", "dotnetcore2.0", "dotnetcore2.1",
    "dotnetcore3.1", "dotnet6", "go1.x", "ruby2.5", "ruby2.7", "provided",
  ]
  /// Whether AWS has ever had it.
  static func isKnown(_ name: String) -> Bool { supported.contains(name) || retired.contains(name) }
}
