import Base

/// One number that a service tells of itself, or one histogram, in the terms of Prometheus' text format.
public struct Measurement: Sendable {
  public enum Kind: String, Sendable { case counter, gauge, histogram }
  /// With the prefix `dewpoint_` and the unit at its end: `dewpoint_sqs_messages_visible`.
  public var name: String
  public var help: String
  public var kind: Kind
  /// In the order in which they are printed. Their values must come from a bounded set.
  public var labels: [(name: String, value: String)]
  public var value: Double
  /// In place of the value, for the kind `histogram`.
  public var histogram: Histogram?

  public init(_ name: String, _ kind: Kind, _ value: Double, labels: [(name: String, value: String)] = [], help: String) {
    (self.name, self.kind, self.value, self.labels, self.help) = (name, kind, value, labels, help)
  }

  public init(_ name: String, _ histogram: Histogram, labels: [(name: String, value: String)] = [], help: String) {
    (self.name, self.help, kind, self.labels, value, self.histogram) = (name, help, .histogram, labels, 0, histogram)
  }
}
