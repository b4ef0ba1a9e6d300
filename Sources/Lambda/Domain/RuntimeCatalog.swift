/// What this host can run.
protocol RuntimeCatalog: Sendable {
  func support(for runtime: String) -> RuntimeSupport
}

/// How a runtime identifier is served here.
enum RuntimeSupport: Sendable, Equatable {
  case exact(String)
  /// Another version of the same language serves it.
  case nearest(String)
  case missing(reason: String)
}
