import Fabric

/// Measurements in Prometheus' text format, version 0.0.4
/// (https://prometheus.io/docs/instrumenting/exposition_formats/): the samples of a name stand together, under one HELP and TYPE.
public enum Exposition {
  public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  public static func text(_ measurements: [Measurement]) -> String {
    var order: [String] = []
    var families: [String: [Measurement]] = [:]
    for measurement in measurements {
      if families[measurement.name] == nil { order.append(measurement.name) }
      families[measurement.name, default: []].append(measurement)
    }
    var out = ""
    for name in order {
      guard let family = families[name], let first = family.first else { continue }
      out += "# HELP \(name) \(escaped(first.help))\n# TYPE \(name) \(first.kind.rawValue)\n"
      for measurement in family { append(measurement, to: &out) }
    }
    return out
  }

  private static func append(_ measurement: Measurement, to out: inout String) {
    guard let histogram = measurement.histogram else {
      return sample(measurement.name, measurement.labels, number(measurement.value), &out)
    }
    var total: UInt64 = 0
    for (bound, count) in zip(histogram.bounds, histogram.counts) {
      total += count
      sample("\(measurement.name)_bucket", measurement.labels + [(name: "le", value: number(bound))], "\(total)", &out)
    }
    sample("\(measurement.name)_bucket", measurement.labels + [(name: "le", value: "+Inf")], "\(histogram.count)", &out)
    sample("\(measurement.name)_sum", measurement.labels, number(histogram.sum), &out)
    sample("\(measurement.name)_count", measurement.labels, "\(histogram.count)", &out)
  }

  private static func sample(_ name: String, _ labels: [(name: String, value: String)], _ value: String, _ out: inout String) {
    out += name
    if !labels.isEmpty {
      out += "{" + labels.map { "\($0.name)=\"\(escaped($0.value, quotes: true))\"" }.joined(separator: ",") + "}"
    }
    out += " \(value)\n"
  }

  private static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    return value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
  }

  private static func escaped(_ text: String, quotes: Bool = false) -> String {
    var out = ""
    for character in text.unicodeScalars {
      switch character {
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\"" where quotes: out += "\\\""
      default: out.unicodeScalars.append(character)
      }
    }
    return out
  }
}
