import Glibc

/// One thing that reads hostile bytes, with what must hold for every input.
struct Target: Sendable {
  let name: String
  let test: @Sendable ([UInt8]) -> Void

  static let all: [Target] = [
    Target(name: "json", test: fuzzJSON),
    Target(name: "query", test: fuzzQuery),
    Target(name: "awsjson", test: fuzzAWSJSON),
    Target(name: "rest", test: fuzzREST),
    Target(name: "xml", test: fuzzXML),
    Target(name: "cbor", test: fuzzCBOR),
    Target(name: "awscbor", test: fuzzAWSCBOR),
    Target(name: "eventstream", test: fuzzEventStream),
    Target(name: "chunked", test: fuzzChunked),
    Target(name: "signature", test: fuzzSignature),
    Target(name: "zip", test: fuzzZip),
    Target(name: "tar", test: fuzzTar),
    Target(name: "inflate", test: fuzzInflate),
    Target(name: "policy", test: fuzzPolicy),
    Target(name: "filter", test: fuzzFilter),
    Target(name: "pattern", test: fuzzEventPattern),
    Target(name: "names", test: fuzzNames),
    Target(name: "attributes", test: fuzzAttributes),
    Target(name: "schedule", test: fuzzSchedule),
    Target(name: "patternset", test: fuzzPatternSet),
    Target(name: "recordfilter", test: fuzzRecordFilter),
    Target(name: "template", test: fuzzTemplate),
    Target(name: "item", test: fuzzItem),
    Target(name: "expression", test: fuzzExpression),
    Target(name: "partiql", test: fuzzPartiQL),
    Target(name: "s3", test: fuzzS3),
    Target(name: "form", test: fuzzForm),
    Target(name: "streamtokens", test: fuzzStreamTokens),
  ]

  /// Runs one input. Besides a trap and a broken promise, being slow is a failure: processor time may grow with the input, not
  /// with its square. A slow run is measured again, so that a busy machine is not taken for a slow parser.
  func run(_ bytes: [UInt8]) {
    let allowed = Self.allowance(bytes.count)
    for attempt in 1...3 {
      let start = Self.processorTime()
      test(bytes)
      let spent = Self.processorTime() - start
      if spent <= allowed { return }
      if attempt == 3 { fatalError("\(bytes.count) bytes took \(spent / 1000) µs of \(allowed / 1000) µs") }
    }
  }

  /// Nanoseconds for an input of so many bytes, in a build with coverage hooks.
  static func allowance(_ count: Int) -> UInt64 { 20_000_000 + UInt64(count) * 4_000 }

  private static func processorTime() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}

/// A promise to hold for every input.
func promise(_ holds: Bool, _ text: @autoclosure () -> String) {
  if !holds { fatalError("broken: \(text())") }
}

extension [UInt8] {
  /// The input cut at NUL bytes into exactly so many parts; the last one takes the rest, missing ones are empty.
  func parts(_ count: Int) -> [[UInt8]] {
    var parts = split(separator: 0, maxSplits: count - 1, omittingEmptySubsequences: false).map { Array($0) }
    while parts.count < count { parts.append([]) }
    return parts
  }
}
