import Base
import Fabric
import TestCloud
import Testing

@testable import Gateway

struct MetricsTests {
  @Test func `samples of a name stand together with one help and one type`() {
    let text = Exposition.text([
      Measurement("a_total", .counter, 1, labels: [(name: "x", value: "1")], help: "Some."),
      Measurement("b", .gauge, 2.5, help: "Other."), Measurement("a_total", .counter, 3, labels: [(name: "x", value: "2")], help: "Some."),
    ])
    #expect(text == """
      # HELP a_total Some.
      # TYPE a_total counter
      a_total{x="1"} 1
      a_total{x="2"} 3
      # HELP b Other.
      # TYPE b gauge
      b 2.5

      """)
  }

  @Test func `a histogram counts what lies at or below each bound`() {
    var histogram = Histogram([0.1, 1])
    for value in [0.05, 0.1, 0.5, 7] { histogram.add(value) }
    let lines = Exposition.text([Measurement("h", histogram, labels: [(name: "x", value: "y")], help: "H.")]).split(separator: "\n")
    #expect(lines == [
      "# HELP h H.", "# TYPE h histogram", #"h_bucket{x="y",le="0.1"} 2"#, #"h_bucket{x="y",le="1"} 3"#, #"h_bucket{x="y",le="+Inf"} 4"#,
      #"h_sum{x="y"} 7.65"#, #"h_count{x="y"} 4"#,
    ])
  }

  @Test func `texts cannot break out of their place`() {
    let text = Exposition.text([Measurement("a", .gauge, 1, labels: [(name: "x", value: "a\"b\\c\nd")], help: "one\ntwo \\")])
    #expect(text == "# HELP a one\\ntwo \\\\\n# TYPE a gauge\na{x=\"a\\\"b\\\\c\\nd\"} 1\n")
  }

  @Test func `calls of clients are counted by operation and status, made-up names as one`() async {
    let bench = Bench()
    _ = await bench.send(.json("sqs", "AmazonSQS.SendMessage", #"{"QueueUrl":"q","MessageBody":"m"}"#))
    _ = await bench.send(.json("sqs", "AmazonSQS.SendMessage", "{}"))
    _ = await bench.send(.json("sqs", "AmazonSQS.PurgeQueue", #"{"QueueUrl":"q"}"#))
    for name in ["Foo", "Bar", "Baz"] { _ = await bench.send(.json("sqs", "AmazonSQS.\(name)")) }
    let rows = bench.metrics.all
    func count(_ operation: String) -> [Int: UInt64] {
      rows.filter { $0.key.operation == operation }.reduce(into: [:]) { $0[$1.key.status] = $1.value }
    }
    #expect(count("SendMessage")[200] == 1)
    #expect(count("PurgeQueue") == [501: 1])
    #expect(count("Unknown").values.reduce(0, +) == 3)
    #expect(count("Foo").isEmpty)
    #expect(rows.keys.allSatisfy { $0.origin == .client })
  }

  @Test func `calls of services by the door are counted apart`() async throws {
    let metrics = RequestMetrics()
    let clock = TestClock()
    let dispatcher = Dispatcher(authoriser: ScriptedAuthoriser(), ambient: .test(clock: clock), metrics: metrics)
    dispatcher.install([
      ServiceAPI(
        Models.stream,
        operations: [
          Fabric.Operation(
            "CreateLogGroup", access: { (_: AnyView, _) in [] },
            run: { (_: AnyView, _) -> AnyView in throw AWSError("ResourceAlreadyExistsException", "It is there.", status: 400) })
        ])
    ])
    var input = AnyView(.init(try #require(Models.stream.operations["CreateLogGroup"]?.input))).record
    input["logGroupName"] = .string("g")
    let caller = Caller(principal: .root(.local), account: .local, region: .usEast1, trace: .test)
    for operation in ["CreateLogGroup", "PutLogEvents"] {
      await #expect(throws: AWSError.self) { try await dispatcher.call("logs", operation, input, as: caller) }
    }
    #expect(metrics.all == [
      .init(service: "logs", operation: "CreateLogGroup", status: 400, origin: .service): 1,
      .init(service: "logs", operation: "Unknown", status: 501, origin: .service): 1,
    ])
  }
}
