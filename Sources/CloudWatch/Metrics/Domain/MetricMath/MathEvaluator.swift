import Base

/// Works an expression out.
struct MathEvaluator {
  /// The values of other queries, by their ids, in the order of the request; those of METRICS() are not expressions.
  var queries: [String: MathValue]
  var metrics: [MathSeries]
  /// What FILL fills, and TIME_SERIES makes.
  var window: MetricWindow

  func value(of expression: MathExpression) throws(MathError) -> MathValue {
    switch expression {
    case .number(let number): return .number(number)
    case .text(let text): return .text(text)
    case .query(let id):
      guard let value = queries[id] else { throw MathError("\(id) is not the Id of a query.") }
      return value
    case .negative(let inner): return try MathValue.apply(.number(0), try value(of: inner)) { $0 - $1 }
    case .operation(let sign, let left, let right):
      return try MathValue.apply(try value(of: left), try value(of: right), sign.apply)
    case .list(let items):
      var all: [MathSeries] = []
      for item in items {
        switch try value(of: item) {
        case .series(let series): all.append(series)
        case .list(let more): all += more
        case let other: throw MathError("An array holds time series, and not \(other.kind).")
        }
      }
      return .list(all)
    case .call(let name, let items):
      var arguments: [MathValue] = []
      // REPEAT and LINEAR of FILL are words, and not queries.
      for (place, item) in items.enumerated() {
        if name == "FILL", place == 1, case .query(let word) = item, queries[word] == nil {
          arguments.append(.text(word.uppercased()))
        } else {
          arguments.append(try value(of: item))
        }
      }
      return try call(name, arguments)
    }
  }

  private func call(_ name: String, _ arguments: [MathValue]) throws(MathError) -> MathValue {
    switch name {
    case "METRICS": return .list(try metrics(arguments))
    case "IF": return try choice(arguments)
    case "FILL": return try fill(arguments)
    default: break
    }
    guard arguments.count == 1, let argument = arguments.first else { throw MathError(unknown(name)) }
    if let body = MathFunction.aggregates[name] { return try aggregate(argument, body) }
    if let body = MathFunction.scalars[name] {
      if case .number(let number) = argument { return .number(body(number)) }
      return try argument.map { $0.map(body) }
    }
    if let body = MathFunction.steps[name] { return try argument.map { $0.steps(body) } }
    if let body = MathFunction.times[name] {
      return try argument.map { series in
        var result = series
        result.points = series.points.map { MathSeries.Point(time: $0.time, value: body($0.time)) }
        return result
      }
    }
    switch (name, argument) {
    case ("PERIOD", .series(let series)): return .number(Double(series.period))
    case ("RUNNING_SUM", _):
      return try argument.map { series in
        var sum = 0.0
        return series.map { sum += $0; return sum }
      }
    case ("TIME_SERIES", .number(let number)):
      try checkRoom(1)
      let none = MathSeries(id: "", label: "", period: Int(window.periodMilliseconds / 1000), points: [])
      return .series(MathFunction.fill(none, with: .value(number), in: window))
    case ("REMOVE_EMPTY", .list(let all)): return .list(all.filter { !$0.points.isEmpty })
    case ("FIRST", .list(let all)), ("LAST", .list(let all)):
      guard let one = name == "FIRST" ? all.first : all.last else { throw MathError("\(name) of an empty array.") }
      return .series(one)
    default: throw MathError(unknown(name))
    }
  }

  private func unknown(_ name: String) -> String {
    let known = ["METRICS", "IF", "FILL", "PERIOD", "RUNNING_SUM", "TIME_SERIES", "REMOVE_EMPTY", "FIRST", "LAST"]
    let isKnown = known.contains(name) || MathFunction.aggregates[name] != nil || MathFunction.scalars[name] != nil
      || MathFunction.steps[name] != nil || MathFunction.times[name] != nil
    return isKnown ? "\(name) has other arguments." : "The function \(name) is not supported by Dewpoint yet."
  }

  private func aggregate(_ argument: MathValue, _ body: ([Double]) -> Double) throws(MathError) -> MathValue {
    switch argument {
    case .series(let series):
      let value = body(series.points.map(\.value))
      return .number(value.isFinite ? value : 0)
    case .list(let all): return .series(.combine(all, body))
    case .number, .text: throw MathError("A time series is expected, and not \(argument.kind).")
    }
  }

  private func metrics(_ arguments: [MathValue]) throws(MathError) -> [MathSeries] {
    guard let argument = arguments.first else { return metrics }
    guard arguments.count == 1, case .text(let part) = argument else { throw MathError("METRICS takes a text.") }
    return metrics.filter { $0.id.contains(part) }
  }

  /// A data point for each of the condition; where the chosen side has none, there is none.
  private func choice(_ arguments: [MathValue]) throws(MathError) -> MathValue {
    guard arguments.count == 2 || arguments.count == 3 else { throw MathError("IF takes a condition and one or two values.") }
    let otherwise = arguments.count == 3 ? arguments[2] : nil
    switch arguments[0] {
    case .number(let number):
      guard number == 0 else { return arguments[1] }
      guard let otherwise else { throw MathError("IF of a number needs two values.") }
      return otherwise
    case .series(let condition):
      let yes = try lookup(arguments[1])
      var no: (@Sendable (Instant) -> Double?)?
      if let otherwise { no = try lookup(otherwise) }
      var result = condition
      result.points = condition.points.compactMap { point in
        (point.value != 0 ? yes(point.time) : no?(point.time)).map { MathSeries.Point(time: point.time, value: $0) }
      }
      return .series(result)
    case .list, .text: throw MathError("The condition of IF is \(arguments[0].kind).")
    }
  }

  private func lookup(_ value: MathValue) throws(MathError) -> @Sendable (Instant) -> Double? {
    switch value {
    case .number(let number): return { _ in number }
    case .series(let series):
      let values = Dictionary(series.points.map { ($0.time, $0.value) }, uniquingKeysWith: { first, _ in first })
      return { values[$0] }
    case .list, .text: throw MathError("IF chooses between numbers and time series, and not \(value.kind).")
    }
  }

  /// What is filled may be far more than there is.
  private func checkRoom(_ series: Int64) throws(MathError) {
    guard window.count <= Int64(MetricsLimits.dataPoints) / max(1, series) else {
      throw MathError("The time range has too many periods to be filled.")
    }
  }

  private func fill(_ arguments: [MathValue]) throws(MathError) -> MathValue {
    guard arguments.count == 2 else { throw MathError("FILL takes a time series and what to fill it with.") }
    let filler: MathFiller
    switch arguments[1] {
    case .number(let number): filler = .value(number)
    case .series(let series):
      filler = .series(Dictionary(series.points.map { ($0.time, $0.value) }, uniquingKeysWith: { first, _ in first }))
    case .text("REPEAT"): filler = .repeated
    case .text("LINEAR"): filler = .linear
    case .text, .list: throw MathError("FILL takes a number, REPEAT, LINEAR or a time series.")
    }
    var count: Int64 = 1
    if case .list(let all) = arguments[0] { count = Int64(all.count) }
    try checkRoom(count)
    return try arguments[0].map { MathFunction.fill($0, with: filler, in: window) }
  }
}
