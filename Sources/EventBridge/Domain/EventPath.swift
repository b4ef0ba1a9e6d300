import Base

/// A path into an event, in the part of JSONPath that EventBridge knows: `$.detail.items[0].name`, `$['detail-type']`, `$.a[*]`, `$.*`.
struct EventPath: Sendable, Equatable {
  enum Step: Sendable, Equatable { case member(String), element(Int), all }
  private(set) var steps: [Step] = []

  /// Nil when the text is no such path.
  init?(_ text: String) {
    var rest = Array(text.utf8)[...]
    guard rest.popFirst() == UInt8(ascii: "$") else { return nil }
    while let first = rest.popFirst() {
      switch first {
      case UInt8(ascii: "."):
        let name = rest.prefix { $0 != UInt8(ascii: ".") && $0 != UInt8(ascii: "[") }
        guard !name.isEmpty, !name.contains(where: { $0 <= 32 || $0 == UInt8(ascii: "]") }) else { return nil }
        rest = rest.dropFirst(name.count)
        steps.append(name.elementsEqual("*".utf8) ? .all : .member(name.utf8Text))
      case UInt8(ascii: "["):
        guard let end = rest.firstIndex(of: UInt8(ascii: "]")), let step = Self.bracket(rest[..<end].utf8Text) else { return nil }
        rest = rest[(end + 1)...]
        steps.append(step)
      default: return nil
      }
    }
  }

  private static func bracket(_ text: String) -> Step? {
    if text == "*" { return .all }
    if let place = Int(text), place >= 0 { return .element(place) }
    for quote in ["'", "\""] where text.utf8.count > 2 && text.hasPrefix(quote) && text.hasSuffix(quote) {
      return .member(String(text.dropFirst().dropLast()))
    }
    return nil
  }

  /// What lies there. Nil when nothing does; with a wildcard a list of all that was found.
  func value(in event: JSON) -> JSON? {
    var found = [event]
    for step in steps {
      found = found.flatMap { value -> [JSON] in
        switch step {
        case .member(let name): value[name].map { [$0] } ?? []
        case .element(let place): value[place].map { [$0] } ?? []
        case .all: value.array ?? value.object?.map(\.value) ?? []
        }
      }
    }
    guard !steps.contains(.all) else { return found.isEmpty ? nil : .array(found) }
    return found.first
  }
}
