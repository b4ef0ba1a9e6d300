import Base
import HTTPServer
import TestCloud
import Testing

@testable import Fabric
@testable import Gateway

struct ChaosPageTests {
  private let chaos = Chaos(ambient: .test(), hops: EmptyHops())
  private let bench: Bench

  init() { bench = Self.bench(chaos) }

  private static func bench(_ chaos: Chaos, refusal: String? = nil) -> Bench {
    let catalog = ChaosCatalog(operations: ["sqs": ["SendMessage"]])
    return Bench(pages: ChaosPage.pages(chaos, catalog, SeededRandom(seed: 1), refusal: refusal))
  }

  private func send(
    _ method: String, _ body: String = "", path: String = "", from address: String? = "127.0.0.1", listener: String = "api", bench: Bench? = nil
  ) async -> Answer {
    var request = HTTPRequest.to(nil, method, "/_dewpoint/chaos\(path)", body: body)
    (request.head.remoteAddress, request.head.listener) = (address, listener)
    return await (bench ?? self.bench).send(request)
  }

  @Test func `a rule is added, shown, and stopped by its number`() async {
    #expect(await send("GET").json == ["rules": []])
    let added = await send(
      "POST", #"{"fault":"fail","service":"sqs","operation":"SendMessage","resource":"orders","account":"111111111111","rate":0.5,"count":3,"seed":7}"#)
    #expect(added.status == 201)
    #expect(added.json == [
      "id": 1, "fault": "fail", "service": "sqs", "operation": "SendMessage", "resource": "orders", "account": "111111111111",
      "rate": 0.5, "count": 3, "seed": 7, "seen": 0, "hits": 0, "isOver": false,
    ])
    #expect(await send("GET", path: "/1").json == added.json)
    #expect(await send("GET").json?["rules"]?.array?.count == 1)
    #expect(await send("DELETE", path: "/1").json?["id"] == 1)
    #expect(await send("DELETE", path: "/1").status == 404 && !chaos.isOn)
  }

  @Test func `all are stopped at once, and a seed that is not given is made and shown`() async {
    for _ in 0..<2 {
      #expect(await send("POST", #"{"fault":"slow","service":"sqs","delay":"1s500ms"}"#).json?["seed"]?.int != nil)
    }
    #expect(chaos.rules[0].settings.seed != chaos.rules[1].settings.seed && chaos.rules[0].settings.delay == .milliseconds(1500))
    #expect(await send("DELETE").json == ["removed": 2])
    #expect(chaos.rules.isEmpty)
  }

  @Test(arguments: [
    "", "[]", "{}", "not json", #"{"fault":"explode","service":"sqs"}"#, #"{"fault":"fail"}"#, #"{"fault":"fail","service":7}"#,
    #"{"fault":"fail","service":"rds"}"#, #"{"fault":"fail","service":"sqs","operation":"PurgeQueue"}"#, #"{"fault":"fail","service":"sqs","rate":"1"}"#,
    #"{"fault":"fail","service":"sqs","rate":0}"#, #"{"fault":"fail","service":"sqs","rate":2}"#, #"{"fault":"fail","service":"sqs","rate":1e999}"#,
    #"{"fault":"fail","service":"sqs","count":0}"#, #"{"fault":"fail","service":"sqs","count":1.5}"#, #"{"fault":"fail","service":"sqs","seed":-1}"#,
    #"{"fault":"fail","service":"sqs","seed":9007199254740992}"#, #"{"fault":"slow","service":"sqs"}"#, #"{"fault":"slow","service":"sqs","delay":"soon"}"#,
    #"{"fault":"slow","service":"sqs","delay":"16m"}"#, #"{"fault":"fail","service":"sqs","delay":"1s"}"#, #"{"fault":"fail","service":"sqs","account":"1"}"#,
    #"{"fault":"reorder","service":"sqs","resource":"a.fifo"}"#, #"{"fault":"fail","service":"sqs","resource":""}"#, #"{"fault":"fail","service":"sqs","often":true}"#,
  ])
  func `what is no rule is refused and adds none`(_ body: String) async {
    let answer = await send("POST", body)
    #expect(answer.status == 400 && answer.json?["message"]?.string?.isEmpty == false)
    #expect(!chaos.isOn)
  }

  @Test(arguments: [("GET", "/0"), ("GET", "/x"), ("DELETE", "/99999999999999999999"), ("GET", "/")])
  func `a rule that is not there is not found`(_ method: String, _ path: String) async {
    #expect(await send(method, path: path).status == 404)
  }

  @Test func `only this machine may see and change the rules, and nobody where keys count`() async {
    let rule = #"{"fault":"fail","service":"sqs"}"#
    for (address, listener) in [("192.0.2.1", "api"), ("127.0.0.1", "environment")] {
      for method in ["GET", "POST", "DELETE"] { #expect(await send(method, rule, from: address, listener: listener).status == 403) }
    }
    let closed = Self.bench(chaos, refusal: "Keys count here.")
    #expect(await send("POST", rule, bench: closed).status == 403)
    #expect(await send("DELETE", bench: closed).status == 403)
    #expect(await send("DELETE", path: "/1", bench: closed).status == 403)
    #expect(await send("GET", bench: closed).status == 200 && !chaos.isOn)
    #expect(await send("PUT", rule).status == 405)
  }
}
