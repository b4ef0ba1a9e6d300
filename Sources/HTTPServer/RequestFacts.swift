import Base

/// What the server itself reads from a head, and the rules about it that the decoder does not hold.
///
/// RFC 9112: two lengths, two hosts or a coding nobody decodes are how requests are smuggled past whoever reads them otherwise.
struct RequestFacts: Equatable {
  var contentLength: Int?
  var expect: String?
  var keepAlive: Bool
  /// The client offers another protocol; the decoder stops after such a request.
  var offersUpgrade = false

  enum Judgement: Equatable {
    case good(RequestFacts)
    case refused(status: Int)
  }

  /// Also brings a target in absolute form into its usual one.
  static func judge(_ head: inout HTTPRequestHead, _ version: Connection.Version, isHTTP10: Bool, maximumTarget: Int) -> Judgement {
    guard head.target.utf8.count <= maximumTarget else { return .refused(status: 414) }
    var facts = RequestFacts(keepAlive: !isHTTP10, offersUpgrade: head.method == "CONNECT")
    var hosts = 0, lengths = 0, codings = 0
    for field in head.headers.fields {
      // Most fields are none of these; their length says so.
      switch field.name.utf8.count {
      case 4 where field.name == "host":
        hosts += 1
        guard hosts == 1, isHost(field.value) else { return .refused(status: 400) }
      case 6 where field.name == "expect": if !isHTTP10 { facts.expect = field.value }
      case 7 where field.name == "upgrade": facts.offersUpgrade = version == .http1
      case 10 where field.name == "connection": facts.read(connection: field.value)
      case 14 where field.name == "content-length":
        lengths += 1
        guard lengths == 1, isNumber(field.value), let length = Int(field.value) else { return .refused(status: 400) }
        facts.contentLength = length
      case 17 where field.name == "transfer-encoding":
        codings += 1
        guard codings == 1, !isHTTP10, version == .http1 else { return .refused(status: 400) }
        guard field.value.lowercased() == "chunked" else { return .refused(status: 501) }
      default: break
      }
    }
    guard lengths == 0 || codings == 0 else { return .refused(status: 400) }
    guard normalise(&head) else { return .refused(status: 400) }
    return .good(facts)
  }

  private mutating func read(connection value: String) {
    for token in value.lowercased().split(separator: ",") {
      switch token.trimmed {
      case "close": keepAlive = false
      case "keep-alive": keepAlive = true
      default: break
      }
    }
  }

  /// The host of a target in absolute form outranks the `host` field (RFC 9112 §3.2.2).
  private static func normalise(_ head: inout HTTPRequestHead) -> Bool {
    if head.target.utf8.first == UInt8(ascii: "/") { return true }
    if head.method == "CONNECT" || head.method == "OPTIONS" && head.target == "*" { return true }
    let scheme = head.target.prefix { $0 != ":" }.lowercased()
    guard scheme == "http" || scheme == "https", head.target.dropFirst(scheme.count).hasPrefix("://") else { return false }
    let rest = head.target.dropFirst(scheme.count + 3)
    let end = rest.utf8.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.endIndex
    let (host, path) = (String(rest[..<end]), rest[end...])
    guard !host.isEmpty, isHost(host) else { return false }
    head.headers["host"] = host
    head.target = path.utf8.first == UInt8(ascii: "/") ? String(path) : "/\(path)"
    return true
  }

  /// Letters and digits of any kind, and what names, addresses and ports are written with.
  private static func isHost(_ text: String) -> Bool {
    text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
      case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "_"),
        UInt8(ascii: "%"), UInt8(ascii: "~"):
        true
      default: byte >= 128
      }
    }
  }
  private static func isNumber(_ text: String) -> Bool { !text.isEmpty && text.utf8.allSatisfy { $0 >= 48 && $0 <= 57 } }
}
