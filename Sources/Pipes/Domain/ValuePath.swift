import Base

/// A path into an event: `$.a.b[0].c`, `$.list[*].x`.
struct ValuePath: Sendable, Equatable {
  private enum Step: Sendable, Equatable {
    case member(String)
    case element(Int)
    case all
  }
  private let steps: [Step]

  /// Nil for what is no path.
  init?(_ text: some StringProtocol) {
    guard text.first == "$" else { return nil }
    var steps: [Step] = []
    var rest = text.dropFirst()
    while let first = rest.first {
      rest = rest.dropFirst()
      if first == "." {
        let name = rest.prefix { $0 != "." && $0 != "[" }
        guard !name.isEmpty else { return nil }
        steps.append(.member(String(name)))
        rest = rest.dropFirst(name.count)
      } else if first == "[", let end = rest.firstIndex(of: "]") {
        let inner = rest[..<end]
        if inner == "*" {
          steps.append(.all)
        } else if let place = Int(inner), place >= 0 {
          steps.append(.element(place))
        } else {
          return nil
        }
        rest = rest[rest.index(after: end)...]
      } else {
        return nil
      }
    }
    self.steps = steps
  }

  /// Nil when there is nothing.
  func value(in event: JSON) -> JSON? { Self.value(in: event, steps[...]) }

  private static func value(in json: JSON, _ steps: ArraySlice<Step>) -> JSON? {
    guard let step = steps.first else { return json }
    switch step {
    case .member(let name): return json[name].flatMap { value(in: $0, steps.dropFirst()) }
    case .element(let place): return json[place].flatMap { value(in: $0, steps.dropFirst()) }
    case .all: return json.array.map { .array($0.compactMap { value(in: $0, steps.dropFirst()) }) }
    }
  }
}
