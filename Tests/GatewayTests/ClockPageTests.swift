import Base
import HTTPServer
import TestCloud
import Testing

@testable import Gateway

struct ClockPageTests {
  private static let start = Instant(seconds: 1_800_000_000)
  private let clock: AdjustableClock
  private let bench: Bench

  private let saved = Recorder<AdjustableClock.Mode>()

  init() { self.init(AdjustableClock(mode: .frozen(at: Self.start))) }

  private init(_ clock: AdjustableClock) {
    self.clock = clock
    bench = Bench(pages: [ClockPage.page(clock) { [saved] mode in saved.add(mode) }])
  }

  private func send(_ method: String, _ body: String = "", from address: String? = "127.0.0.1", listener: String = "api") async -> Answer {
    var request = HTTPRequest.to(nil, method, "/_dewpoint/clock", body: body)
    (request.head.remoteAddress, request.head.listener) = (address, listener)
    return await bench.send(request)
  }

  @Test func `the page shows the clock`() async {
    let answer = await send("GET")
    #expect(answer.status == 200)
    #expect(answer.json?["now"] == "2027-01-15T08:00:00.000Z")
    #expect(answer.json?["epochMilliseconds"] == 1_800_000_000_000)
    #expect(answer.json?["mode"] == "frozen")
    #expect(answer.json?["offsetSeconds"]?.double != nil)
  }

  @Test(arguments: [
    (#"{"advance":"6h"}"#, Duration.hours(6)), (#"{"advance":"1d12h30m"}"#, .hours(36) + .minutes(30)), (#"{"advance":90}"#, .seconds(90)),
    (#"{"advance":"0s"}"#, .zero), (#"{"freeze":true}"#, .zero),
  ])
  func `the clock moves as asked, and its state is saved`(_ body: String, _ duration: Duration) async {
    let answer = await send("POST", body)
    #expect(answer.status == 200)
    #expect(clock.now() == Self.start + duration)
    #expect(answer.json?["epochMilliseconds"]?.int == clock.now().milliseconds)
    #expect(saved.values == [.frozen(at: Self.start + duration)])
  }

  @Test func `the clock goes on and goes back to real time`() async {
    #expect(await send("POST", #"{"resume":true}"#).json?["mode"] == "running")
    #expect(await send("POST", #"{"reset":true}"#).json?["mode"] == "running")
    #expect(clock.mode == .running(offset: .zero))
  }

  @Test(arguments: [
    "", "{}", "[]", "null", "{", #"{"freeze":false}"#, #"{"freeze":1}"#, #"{"advance":"6h","freeze":true}"#, #"{"advance":"-6h"}"#,
    #"{"advance":"6"}"#, #"{"advance":"6 weeks"}"#, #"{"advance":-1}"#, #"{"advance":null}"#, #"{"advance":"3661d"}"#,
    #"{"advance":9223372036854775807}"#, #"{"advance":"999999999999999999999d"}"#, #"{"nonsense":true}"#,
  ])
  func `anything else is refused and changes nothing`(_ body: String) async {
    #expect(await send("POST", body).status == 400)
    #expect(clock.mode == .frozen(at: Self.start))
    #expect(saved.values.isEmpty)
  }

  @Test func `the clock does not leave the years that texts can have`() async {
    let late = AdjustableClock(mode: .frozen(at: .distantFuture - .days(1)))
    let tests = ClockPageTests(late)
    #expect(await tests.send("POST", #"{"advance":"2d"}"#).status == 400)
    #expect(await tests.send("POST", #"{"advance":"1d"}"#).status == 200)
    #expect(late.now() == .distantFuture)
  }

  @Test func `other methods are refused`() async {
    #expect(await send("PUT", #"{"freeze":true}"#).status == 405)
    #expect(await send("DELETE").status == 405)
  }

  @Test func `only this machine may change the clock, and no function from its sandbox`() async {
    for (address, listener) in [("192.168.1.7", "api"), ("127.0.0.1", "environment-1"), (nil, "environment-1")] {
      #expect(await send("POST", #"{"advance":"1h"}"#, from: address, listener: listener).status == 403)
      #expect(await send("GET", from: address, listener: listener).status == 200)
    }
    #expect(clock.now() == Self.start)
    for address in ["127.0.0.1", "::1", "::ffff:127.0.0.1", nil] {
      #expect(await send("POST", #"{"advance":"1h"}"#, from: address).status == 200)
    }
  }

  @Test func `a page that is not there is not found`() async {
    #expect(await bench.send(.to(nil, "GET", "/_dewpoint/nonsense")).status == 404)
  }
}

@Test(arguments: [
  ("500ms", Duration.milliseconds(500)), ("90s", .seconds(90)), ("5m", .minutes(5)), ("6h", .hours(6)), ("2d", .days(2)),
  ("1d12h30m", .hours(36) + .minutes(30)), (" 1s ", .seconds(1)), ("2hours", .hours(2)), ("1minute", .minutes(1)), ("0s", .zero),
  ("1s1s", .seconds(2)), ("100000000000ms", .milliseconds(100_000_000_000)),
])
func `a duration is read`(_ text: String, _ duration: Duration) { #expect(parseDuration(text) == duration) }

@Test(arguments: ["", " ", "6", "h", "6 h", "-6h", "+6h", "6.5h", "6w", "6H", "1e3s", "٣h", "²h", "6h,", "99999999999999999999s", "h6", "6hh"])
func `what is no duration is refused`(_ text: String) { #expect(parseDuration(text) == nil) }
