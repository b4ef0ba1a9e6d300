import Base

/// Finds the operation of a REST service by method, path and query.
///
/// The path is split at its raw slashes and decoded after, so that an ARN or a `%2F` stays inside one segment. One
/// trailing slash is accepted. Where several operations fit, the one with more literal parts wins.
///
/// S3 has many operations on one path: there a parameter that an operation must have (`uploadId`) chooses too, and so does the
/// field `x-amz-copy-source`; and a slash at the end of a key belongs to the key.
public struct RESTRouter: Sendable {
  private enum Segment: Sendable { case literal(String), label(String), greedy(String) }

  private struct Route: Sendable {
    var operation: OperationModel
    var segments: [Segment]
    /// Parameters that the template demands, with their value when it gives one.
    var query: [(name: String, value: String?)]
    var isCopy: Bool
    var literals: Int
  }

  private struct Key: Hashable { var method: String; var count: Int }

  private let routes: [Key: [Route]]
  private let greedyRoutes: [Route]
  private let isS3: Bool
  private static let copySource = "x-amz-copy-source"

  public init(_ model: ServiceModel) {
    var routes: [Key: [Route]] = [:]
    var greedyRoutes: [Route] = []
    isS3 = model.protocols.contains(.restXml)
    for operation in model.operations.values.sorted(by: { $0.name < $1.name }) {
      let route = Self.route(operation, isS3: isS3)
      let isGreedy = route.segments.contains { if case .greedy = $0 { true } else { false } }
      if isGreedy {
        greedyRoutes.append(route)
      } else {
        routes[Key(method: operation.method, count: route.segments.count), default: []].append(route)
      }
    }
    self.routes = routes.mapValues { $0.sorted { $0.literals > $1.literals } }
    self.greedyRoutes = greedyRoutes.sorted { $0.literals > $1.literals }
  }

  private static func route(_ operation: OperationModel, isS3: Bool) -> Route {
    let parts = operation.uri.split(separator: "?", maxSplits: 1)
    let segments = split(String(parts[0])).map { text -> Segment in
      guard text.hasPrefix("{"), text.hasSuffix("}") else { return .literal(String(text)) }
      let name = text.dropFirst().dropLast()
      return name.hasSuffix("+") ? .greedy(String(name.dropLast())) : .label(String(name))
    }
    var query: [(name: String, value: String?)] = []
    for pair in parts.count > 1 ? parts[1].split(separator: "&") : [] {
      let sides = pair.split(separator: "=", maxSplits: 1)
      query.append((String(sides[0]), sides.count > 1 ? String(sides[1]) : nil))
    }
    let members = isS3 ? operation.input?.members.filter(\.isRequired) ?? [] : []
    query += members.filter { $0.location == .query }.map { ($0.wireName, nil) }
    let isCopy = members.contains { $0.location == .header && $0.wireName == copySource }
    let literals = segments.filter { if case .literal = $0 { true } else { false } }.count + query.count + (isCopy ? 1 : 0)
    return Route(operation: operation, segments: segments, query: query, isCopy: isCopy, literals: literals)
  }

  /// Without the leading slash and one trailing slash.
  private static func split(_ path: String) -> [Substring] {
    var segments = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map { Substring($0) }
    if segments.first?.isEmpty == true { segments.removeFirst() }
    if segments.last?.isEmpty == true { segments.removeLast() }
    return segments
  }

  public func match(
    method: String, path: String, query: String, headers: HeaderFields = [:]
  ) -> (operation: OperationModel, labels: [String: String])? {
    var segments = Self.split(path).map { $0.utf8.contains(UInt8(ascii: "%")) ? percentDecoded($0.utf8).utf8Text : String($0) }
    let fields = query.isEmpty ? nil : try? FormFields(query.utf8, isForm: true)
    let isCopy = isS3 && headers[Self.copySource] != nil
    for route in routes[Key(method: method, count: segments.count)] ?? [] where !route.isCopy || isCopy {
      if let labels = labels(route, segments, fields) { return (route.operation, labels) }
    }
    if isS3, segments.count > 1, path.utf8.last == UInt8(ascii: "/") { segments.append("") }
    for route in greedyRoutes where route.operation.method == method && (!route.isCopy || isCopy) {
      if let labels = labels(route, segments, fields) { return (route.operation, labels) }
    }
    return nil
  }

  private func labels(_ route: Route, _ segments: [String], _ query: FormFields?) -> [String: String]? {
    for demand in route.query {
      guard let value = query?[demand.name], demand.value == nil || demand.value == value else { return nil }
    }
    var labels: [String: String] = [:]
    var at = 0
    for (place, segment) in route.segments.enumerated() {
      let left = route.segments.count - place - 1
      guard at < segments.count else { return nil }
      switch segment {
      case .literal(let text):
        guard segments[at] == text else { return nil }
        at += 1
      case .label(let name):
        guard !segments[at].isEmpty else { return nil }
        labels[name] = segments[at]
        at += 1
      case .greedy(let name):
        guard segments.count - at > left else { return nil }
        labels[name] = segments[at..<(segments.count - left)].joined(separator: "/")
        at = segments.count - left
      }
    }
    return at == segments.count ? labels : nil
  }
}
