import Base
import Synchronization

/// The text of a service's schema, as `Tools/generate-models` writes it: one line per shape, fields parted by blanks.
///
///     service sqs signing=sqs endpoint=sqs version=2012-11-05 protocols=awsJson10,awsQuery target=AmazonSQS …
///     o SendMessage POST / 200 SendMessageRequest SendMessageResult SendMessageResult - QueueDoesNotExist …
///     s SendMessageRequest QueueUrl:$s;r DelaySeconds:$i MessageAttributes?MessageAttribute:MessageBodyAttributeMap;f
///     u Union member:type …
///     e QueueDoesNotExist 400 AWS.SimpleQueueService.NonExistentQueue client message:$s
///     l TagKeyList TagKey @TagKey 0..50
///     m TagMap TagKey TagValue @Key,Value
///     t QueueName $s 1..80 * =A|B ~pattern to the end of the line
///
/// A member is `name[=wireName][?queryName]:type[;flags]`; `flags` are the letters of `apply(flags:)`. Types that begin
/// with `$` are built in. The generator writes this text and tests read every line of it, so a fault is a precondition.
final class SchemaText: Sendable {
  struct Line { var kind: UInt8; var start: Int; var end: Int }

  let text: StaticString
  let lines: [String: Line]
  private let structures = Mutex<[String: StructureShape]>([:])

  init(_ text: StaticString, service: (SchemaCursor) -> Void, operation: (SchemaCursor) -> Void) {
    self.text = text
    let bytes = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    var lines: [String: Line] = [:]
    lines.reserveCapacity(1024)
    var at = 0
    while at < bytes.count {
      var end = at
      while end < bytes.count, bytes[end] != UInt8(ascii: "\n") { end += 1 }
      var cursor = SchemaCursor(bytes, at, end)
      at = end + 1
      guard let kind = cursor.field() else { continue }
      switch kind {
      case "service": service(cursor)
      case "o": operation(cursor)
      default:
        let name = cursor.required()
        lines[name] = Line(kind: kind.utf8.first ?? 0, start: cursor.at, end: end)
      }
    }
    self.lines = lines
  }

  func cursor(_ line: Line) -> SchemaCursor {
    SchemaCursor(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount), line.start, line.end)
  }

  /// Makes the structures, whose members are read later.
  func makeStructures() -> [String: StructureShape] {
    var made: [String: StructureShape] = [:]
    made.reserveCapacity(lines.count)
    for (name, line) in lines {
      var cursor = cursor(line)
      var (status, code, isServerFault): (Int?, String?, Bool) = (nil, nil, false)
      switch line.kind {
      case UInt8(ascii: "s"), UInt8(ascii: "u"): break
      case UInt8(ascii: "e"):
        status = Int(cursor.required())
        code = cursor.unlessDash()
        isServerFault = cursor.required() == "server"
      default: continue
      }
      let body = Line(kind: line.kind, start: cursor.at, end: line.end)
      made[name] = StructureShape(
        name: name, isUnion: line.kind == UInt8(ascii: "u"), errorStatus: status, errorCode: code, isServerFault: isServerFault,
        readMembers: { [self] in members(body) })
    }
    structures.withLock { $0 = made }
    return made
  }

  private func members(_ line: Line) -> [Member] {
    var cursor = cursor(line)
    var members: [Member] = []
    while let token = cursor.member() {
      let (type, constraints, _) = resolve(token.type)
      let flags = token.flags
      members.append(
        Member(
          name: token.name, wireName: token.wireName, queryName: token.queryName, type: type, location: location(flags),
          isRequired: flags.contains("r"), isFlattened: flags.contains("f"), isXMLAttribute: flags.contains("a"),
          isStreaming: flags.contains("s"), isIdempotencyToken: flags.contains("i"), timestampFormat: format(flags),
          constraints: constraints))
    }
    return members
  }

  private func location(_ flags: Substring.UTF8View) -> MemberLocation {
    for flag in flags {
      switch flag {
      case UInt8(ascii: "h"): return .header
      case UInt8(ascii: "p"): return .prefixHeaders
      case UInt8(ascii: "q"): return .query
      case UInt8(ascii: "m"): return .queryMap
      case UInt8(ascii: "l"): return .label
      case UInt8(ascii: "g"): return .greedyLabel
      case UInt8(ascii: "c"): return .statusCode
      case UInt8(ascii: "y"): return .payload
      default: continue
      }
    }
    return .body
  }

  private func format(_ flags: Substring.UTF8View) -> TimestampFormat? {
    if flags.contains("E") {
      .epochSeconds
    } else if flags.contains("I") {
      .iso8601
    } else if flags.contains("H") {
      .httpDate
    } else {
      nil
    }
  }

  /// The type of a shape name, the constraints on it and, for element shapes, nothing else.
  private func resolve(_ name: String) -> (ShapeType, Constraints, Line?) {
    if let type = ShapeType(builtIn: name) { return (type, Constraints(), nil) }
    guard let line = lines[name] else { preconditionFailure("schema: shape \(name) is not defined") }
    var cursor = cursor(line)
    switch line.kind {
    case UInt8(ascii: "t"):
      guard let type = ShapeType(builtIn: cursor.required()) else { preconditionFailure("schema: \(name) has no built-in type") }
      return (type, cursor.constraints(), line)
    case UInt8(ascii: "l"):
      let element = cursor.required()
      let wireName = cursor.names()?.first.flatMap { $0 }
      return (.list(self.element(element, wireName)), cursor.constraints(), line)
    case UInt8(ascii: "m"):
      let (key, value) = (cursor.required(), cursor.required())
      let names = cursor.names() ?? [nil, nil]
      return (.map(key: element(key, names[0]), value: element(value, names[1])), cursor.constraints(), line)
    default:
      guard let shape = structures.withLock({ $0[name] }) else { preconditionFailure("schema: shape \(name) is not defined") }
      return (.structure(StructureReference(shape)), Constraints(), line)
    }
  }

  private func element(_ name: String, _ wireName: String?) -> ElementShape {
    let (type, constraints, _) = resolve(name)
    return ElementShape(type: type, constraints: constraints, wireName: wireName)
  }
}

extension ShapeType {
  fileprivate init?(builtIn name: String) {
    switch name {
    case "$s": self = .string
    case "$i", "$l": self = .integer
    case "$d": self = .double
    case "$b": self = .boolean
    case "$x": self = .blob
    case "$t": self = .timestamp
    case "$j": self = .document
    case "$r": self = .rawJSON
    default: return nil
    }
  }
}

extension Substring.UTF8View {
  fileprivate func contains(_ letter: Unicode.Scalar) -> Bool { contains(UInt8(ascii: letter)) }
}
