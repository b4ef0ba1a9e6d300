import Base
import Fabric
import HTTPServer
import TestCloud
import Testing

@testable import Gateway

struct SwitchboardTests {
  private let old = Bench()
  private let new = Bench()
  private let board: Switchboard

  init() {
    board = Switchboard(
      originGuard: OriginGuard(),
      pages: InternalPages([
        InternalPage("state") { _ in .text("here") }, InternalPage("/_other/page") { _ in .text("alias") },
        InternalPage("/moto-api/reset") { request in
          try request.require("POST")
          return .text("done")
        },
        InternalPage("upload", takesStream: true) { _ in .text("taken") },
      ]))
  }

  private func send(_ request: HTTPRequest) async -> Answer { Answer(await board.handle(request)) }
  private var call: HTTPRequest { .json("sqs", "AmazonSQS.SendMessage", #"{"QueueUrl":"q","MessageBody":"m"}"#) }

  @Test func `requests go to the gateway of the day`() async {
    board.connect(old.gateway)
    #expect(await send(call).status == 200)
    board.hold()
    board.connect(new.gateway)
    #expect(await send(call).status == 200)
    #expect(old.call != nil && new.call != nil)
  }

  @Test func `requests that come during an exchange wait for the new state, in their order`() async {
    board.connect(old.gateway)
    board.hold()
    let started = Recorder<Int>()
    let board = board
    let call = call
    let statuses = await withTaskGroup(of: Int.self) { group in
      for n in 0..<5 {
        group.addTask {
          started.add(n)
          return await board.handle(call).status
        }
      }
      await eventually { started.count == 5 }
      board.connect(new.gateway)
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(statuses == [200, 200, 200, 200, 200])
    #expect(old.call == nil)
  }

  @Test func `who gives up while he waits is not served later`() async {
    board.hold()
    let board = board
    let call = call
    let status = await withTaskGroup(of: Int.self) { group in
      group.addTask { await board.handle(call).status }
      group.cancelAll()
      return await group.next()
    }
    #expect(status == 503)
    board.connect(new.gateway)
    #expect(new.call == nil)
  }

  @Test func `the server's own pages are answered during an exchange`() async {
    board.hold()
    #expect(await send(.to(nil, "GET", "/_dewpoint/state")).text == "here")
    #expect(await send(.to(nil, "GET", "/_other/page?x=1")).text == "alias")
  }

  @Test(arguments: ["/_dewpoint/state", "/_other/page", "/moto-api/reset", "/_dewpoint/upload"])
  func `all pages obey the same rules about who may read and change`(_ path: String) async {
    var request = HTTPRequest.to(nil, "POST", path)
    #expect(await send(request).status == 200)
    for (address, listener) in [("192.168.1.7", "api"), ("127.0.0.1", "env-1")] {
      (request.head.remoteAddress, request.head.listener) = (address, listener)
      #expect(await send(request).status == 403)
    }
    // What a subscription or an API destination has the server send to itself.
    #expect(await send(.to(nil, "POST", path, headers: ["host": "localhost", "x-dewpoint-outgoing": "1"])).status == 403)
    for headers: HeaderFields in [["host": "evil.example"], ["host": "localhost", "origin": "https://evil.example"], ["sec-fetch-site": "cross-site"]] {
      #expect(await send(.to(nil, "POST", path, headers: headers)).status == 403)
      let head = HTTPRequestHead(method: "POST", target: path, headers: headers, remoteAddress: "127.0.0.1", listener: "api")
      if case .refuse = board.admit(head) {} else { Issue.record("the body of a refused request is waited for") }
    }
  }

  @Test func `only the page that asks for it gets a body of any size as a stream`() {
    func admission(_ target: String) -> HTTPAdmission { board.admit(HTTPRequestHead(method: "POST", target: target)) }
    if case .stream = admission("/_dewpoint/upload?x") {} else { Issue.record("not streamed") }
    if case .collect(let limit) = admission("/_dewpoint/state") { #expect(limit == 8 << 20) } else { Issue.record("streamed") }
    if case .collect(let limit) = admission("/2015-03-31/functions") { #expect(limit > 8 << 20) } else { Issue.record("streamed") }
  }

  @Test func `a path that is no page belongs to the services`() async {
    board.connect(old.gateway)
    #expect(await send(.to(nil, "GET", "/_dewpoint/nonsense")).status == 404)
    #expect(await send(.to("lambda", "GET", "/2015-03-31/functions/moto-api")).status == 200)
  }
}
