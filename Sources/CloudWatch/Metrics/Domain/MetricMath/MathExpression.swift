/// A metric math expression as it was written (AWS: "Using math expressions with CloudWatch metrics").
indirect enum MathExpression: Sendable, Equatable {
  case number(Double)
  case text(String)
  /// Another query, by its id.
  case query(String)
  case negative(MathExpression)
  case operation(MathOperator, MathExpression, MathExpression)
  case call(String, [MathExpression])
  case list([MathExpression])

  /// The queries that it names.
  var queries: [String] {
    switch self {
    case .number, .text: []
    case .query(let id): [id]
    case .negative(let inner): inner.queries
    case .operation(_, let left, let right): left.queries + right.queries
    case .call(_, let items), .list(let items): items.flatMap(\.queries)
    }
  }

  /// Somewhere in it are all metrics of the request.
  var asksForMetrics: Bool {
    switch self {
    case .number, .text, .query: false
    case .negative(let inner): inner.asksForMetrics
    case .operation(_, let left, let right): left.asksForMetrics || right.asksForMetrics
    case .call("METRICS", _): true
    case .call(_, let items), .list(let items): items.contains { $0.asksForMetrics }
    }
  }
}

enum MathOperator: String, Sendable {
  case plus = "+", minus = "-", times = "*", divided = "/", power = "^"
  case equal = "==", unequal = "!=", less = "<", greater = ">", lessOrEqual = "<=", greaterOrEqual = ">="
  case and = "AND", or = "OR"

  /// A data point that has no number, as after a division by zero, is none.
  func apply(_ left: Double, _ right: Double) -> Double {
    func truth(_ holds: Bool) -> Double { holds ? 1 : 0 }
    switch self {
    case .plus: return left + right
    case .minus: return left - right
    case .times: return left * right
    case .divided: return left / right
    case .power: return MathFunction.power(left, right)
    case .equal: return truth(left == right)
    case .unequal: return truth(left != right)
    case .less: return truth(left < right)
    case .greater: return truth(left > right)
    case .lessOrEqual: return truth(left <= right)
    case .greaterOrEqual: return truth(left >= right)
    case .and: return truth(left != 0 && right != 0)
    case .or: return truth(left != 0 || right != 0)
    }
  }

  /// How tightly it binds.
  var rank: Int {
    switch self {
    case .or: 1
    case .and: 2
    case .equal, .unequal, .less, .greater, .lessOrEqual, .greaterOrEqual: 3
    case .plus, .minus: 4
    case .times, .divided: 5
    case .power: 7
    }
  }
}

/// Why an expression is none, in words for the caller.
struct MathError: Error, Equatable {
  var reason: String
  init(_ reason: String) { self.reason = reason }
}
