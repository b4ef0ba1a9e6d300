import Base
import Fabric

/// `/_dewpoint/trace/ID`, `/_dewpoint/trace/last` and the list `/_dewpoint/trace`: text, or JSON where that is asked for by `Accept`
/// or `format=json`.
extension TracingService {
  public var pages: [InternalPage] {
    [
      InternalPage("trace") { [self] request in
        try request.require("GET")
        return try await list(request)
      },
      InternalPage("trace/") { [self] request in
        try request.require("GET")
        let name = request.path.split(separator: "/").last.map { percentDecoded(String($0)) } ?? ""
        guard name == "last" else { return try await page(of: try Self.root(name), request) }
        guard let newest = try await recent(TraceFilter(request), limit: 1).first else {
          throw AWSError("NotFound", "Nothing was recorded yet.", status: 404)
        }
        return try await page(of: newest.trace, request)
      },
    ]
  }

  /// A trace id, or a whole trace header.
  private static func root(_ name: String) throws -> String {
    guard let trace = TraceContext(header: name.hasPrefix("Root=") ? name : "Root=\(name)"), !name.contains(";") || name.hasPrefix("Root=") else {
      throw AWSError("NotFound", "That is no trace id: they look like 1-5759e988-bd862e3fe1be46a994272793.", status: 404)
    }
    return trace.root
  }

  private func page(of trace: String, _ request: PageRequest) async throws -> PageAnswer {
    let (tree, isCut) = try await tree(of: trace)
    guard !tree.lines.isEmpty else {
      throw AWSError("NotFound", "Nothing is known of the trace \(trace): it was never seen, or is no longer kept.", status: 404)
    }
    return request.wantsJSON ? .json(tree.json(trace, isCut: isCut)) : .text(tree.text(trace, isCut: isCut))
  }

  private func list(_ request: PageRequest) async throws -> PageAnswer {
    var limit = TracingLimits.listedNormally
    if let text = request.parameter("limit") {
      guard let number = Int(text), TracingLimits.listed.contains(number) else {
        throw AWSError("BadRequest", "limit must be a number from 1 to \(TracingLimits.listed.upperBound).", status: 400)
      }
      limit = number
    }
    let traces = try await recent(TraceFilter(request), limit: limit)
    if request.wantsJSON { return .json(["traces": .array(traces.map(\.json))]) }
    return .text(traces.isEmpty ? "Nothing was recorded that matches.\n" : traces.map(\.text).joined())
  }

  func tree(of trace: String) async throws -> (TraceTree, isCut: Bool) {
    try await flush()
    let limit = TracingLimits.shownHops
    let hops = try await store.read { try HopRows.hops(ofTrace: trace, limit: limit + 1, $0) }
    return (TraceTree(Array(hops.prefix(limit))), hops.count > limit)
  }

  /// The traces that began last, of those with a hop that matches; the newest first.
  func recent(_ filter: TraceFilter, limit: Int) async throws -> [TraceSummary] {
    try await flush()
    let traces = try await store.read { reader in
      var (found, seen, looked) = ([String](), Set<String>(), 0)
      // Some more than are shown: a trace with a late hop may have begun long ago.
      let enough = limit + TracingLimits.listedNormally
      try HopRows.newestFirst(reader) { hop in
        looked += 1
        if filter.matches(hop), seen.insert(hop.trace).inserted { found.append(hop.trace) }
        return found.count < enough && looked < TracingLimits.searchedHops
      }
      return found
    }
    var summaries: [TraceSummary] = []
    for trace in traces {
      if let summary = TraceSummary(try await tree(of: trace).0) { summaries.append(summary) }
    }
    // Of those that began in the same millisecond the one that was heard of last comes first.
    let order = summaries.enumerated().sorted { ($1.element.began, $0.offset) < ($0.element.began, $1.offset) }
    return order.prefix(limit).map(\.element)
  }
}

/// What a list shows: `resource=` is a part of a name that a hop speaks of, `outcome=` what came of it, `account=` whose it is.
struct TraceFilter: Sendable {
  var resource: String?
  var outcome: String?
  var account: String?

  init(resource: String? = nil, outcome: String? = nil, account: String? = nil) {
    (self.resource, self.outcome, self.account) = (resource, outcome, account)
  }

  /// Throws `AWSError` for an outcome that there is not.
  init(_ request: PageRequest) throws {
    self.init(
      resource: request.parameter("resource"), outcome: request.parameter("outcome"), account: request.parameter("account"))
    if let outcome, !HopOutcome.names.contains(outcome) {
      throw AWSError("BadRequest", "outcome must be one of: \(HopOutcome.names.joined(separator: ", ")).", status: 400)
    }
  }

  func matches(_ hop: Hop) -> Bool {
    if let outcome, hop.outcome.name != outcome { return false }
    if let account, hop.account.text != account { return false }
    guard let resource else { return true }
    return hop.source.contains(resource) || hop.target.contains(resource)
  }
}

extension PageRequest {
  /// People read text; programs say what they want.
  fileprivate var wantsJSON: Bool {
    if let format = parameter("format") { return format == "json" }
    return accept?.contains("json") == true
  }
}
