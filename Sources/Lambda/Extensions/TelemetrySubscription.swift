import Base

/// What an extension asks the Telemetry API or the Logs API for (AWS: "Lambda Telemetry API reference, Subscribe").
struct TelemetrySubscription: Sendable, Equatable {
  enum Destination: Sendable, Equatable {
    /// A server of the extension on the sandbox's own loopback.
    case http(port: UInt16, path: String, method: String)
    case tcp(port: UInt16)
  }

  struct Buffering: Sendable, Equatable {
    var items = 10_000
    var bytes = 262_144
    var timeout = Duration.milliseconds(1000)
  }

  /// Of the extension.
  var name: String
  var api: TelemetryAPI
  /// Compared as text: they are dates.
  var schemaVersion: String
  var types: [TelemetryKind]
  var destination: Destination
  var buffering: Buffering

  /// The defects of a request, joined as AWS does.
  struct Invalid: Error, Sendable, Equatable { var message: String }

  private static let hosts: Set<String> = ["sandbox.localdomain", "sandbox"]
  /// The Runtime API's, and Dewpoint's own.
  private static let reservedPorts: Set<Int> = [Int(LaunchPlan.runtimeAPIPort), Int(LaunchPlan.endpointPort)]

  init(_ body: [UInt8], api: TelemetryAPI, name: String) throws(Invalid) {
    guard let request = try? JSON.parse(body), request.object != nil else { throw Invalid(message: "The body is not a JSON object") }
    var defects: [String] = []
    (self.api, self.name) = (api, name)
    schemaVersion = Self.schemaVersion(request["schemaVersion"], api, &defects)
    types = Self.types(request["types"], &defects)
    buffering = Self.buffering(request["buffering"], &defects)
    destination = Self.destination(request["destination"], api, &defects)
    guard defects.isEmpty else { throw Invalid(message: defects.joined(separator: "; ")) }
  }

  private static func schemaVersion(_ value: JSON?, _ api: TelemetryAPI, _ defects: inout [String]) -> String {
    let known = api == .telemetry ? ["2022-07-01", "2022-12-13", "2025-01-29"] : ["2020-08-15", "2021-03-18"]
    if value == nil, api == .logs { return known[0] }
    guard let text = value?.string, known.contains(text) else {
      defects.append(value == nil ? "schemaVersion is not provided" : "schemaVersion should be one of \(known.joined(separator: ", "))")
      return known[0]
    }
    return text
  }

  private static func types(_ value: JSON?, _ defects: inout [String]) -> [TelemetryKind] {
    guard let list = value?.array, !list.isEmpty else {
      defects.append("types should not be empty")
      return []
    }
    var kinds: [TelemetryKind] = []
    for entry in list {
      guard let kind = entry.string.flatMap(TelemetryKind.init) else {
        defects.append("types should be one of platform, function, extension")
        return []
      }
      if !kinds.contains(kind) { kinds.append(kind) }
    }
    return kinds
  }

  private static func buffering(_ value: JSON?, _ defects: inout [String]) -> Buffering {
    var buffering = Buffering()
    guard let value, !value.isNull else { return buffering }
    guard value.object != nil else {
      defects.append("buffering should be an object")
      return buffering
    }
    func number(_ name: String, _ range: ClosedRange<Int64>) -> Int? {
      guard let member = value[name], !member.isNull else { return nil }
      guard let number = member.int, range.contains(number) else {
        defects.append("\(name) should be between \(range.lowerBound) and \(range.upperBound)")
        return nil
      }
      return Int(number)
    }
    buffering.items = number("maxItems", 1000...10_000) ?? buffering.items
    buffering.bytes = number("maxBytes", 262_144...1_048_576) ?? buffering.bytes
    buffering.timeout = number("timeoutMs", 25...30_000).map { .milliseconds($0) } ?? buffering.timeout
    return buffering
  }

  private static func destination(_ value: JSON?, _ api: TelemetryAPI, _ defects: inout [String]) -> Destination {
    let nowhere = Destination.tcp(port: 0)
    guard let value, value.object != nil else {
      defects.append("destination is not provided")
      return nowhere
    }
    switch value["protocol"]?.string {
    case "HTTP": return http(value, api, &defects) ?? nowhere
    case "TCP":
      let port = value["port"]?.int.map { Int($0) } ?? value["URI"]?.string.flatMap { address($0, scheme: "tcp://")?.port }
      return checked(port, &defects).map { .tcp(port: $0) } ?? nowhere
    default:
      defects.append("protocol should be one of HTTP, TCP")
      return nowhere
    }
  }

  private static func http(_ value: JSON, _ api: TelemetryAPI, _ defects: inout [String]) -> Destination? {
    guard let uri = value["URI"]?.string, !uri.isEmpty else {
      defects.append("URI is not provided")
      return nil
    }
    guard let (host, port, path) = address(uri, scheme: "http://"), hosts.contains(host) else {
      defects.append("URI should be of the form http://sandbox.localdomain:PORT/PATH")
      return nil
    }
    let method = value["method"]?.string ?? "POST"
    if api == .logs, method != "POST", method != "PUT" { defects.append("method should be one of POST, PUT") }
    if let encoding = value["encoding"]?.string, encoding != "JSON" { defects.append("encoding should be JSON") }
    return checked(port, &defects).map { .http(port: $0, path: path, method: api == .logs ? method : "POST") }
  }

  private static func checked(_ port: Int?, _ defects: inout [String]) -> UInt16? {
    guard let port else {
      defects.append("URI port is not provided")
      return nil
    }
    guard (1...65_535).contains(port), !reservedPorts.contains(port) else {
      defects.append("URI port is not valid or reserved")
      return nil
    }
    return UInt16(port)
  }

  private static func address(_ uri: String, scheme: String) -> (host: String, port: Int?, path: String)? {
    guard uri.lowercased().hasPrefix(scheme) else { return nil }
    let rest = uri.dropFirst(scheme.count)
    let slash = rest.firstIndex(of: "/") ?? rest.endIndex
    let path = String(rest[slash...])
    guard path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { return nil }
    let parts = rest[..<slash].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    return (parts[0].lowercased(), parts.count == 2 ? Int(parts[1]) : nil, path.isEmpty ? "/" : path)
  }
}
