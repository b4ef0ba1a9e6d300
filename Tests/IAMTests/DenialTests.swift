import Base
import Fabric
import Testing

@testable import IAM

struct DenialTests {
  private let cloud = Cloud()

  private func page(_ path: String, _ query: String = "") async throws -> PageAnswer {
    let page = try #require(cloud.service.pages.first { $0.path == path })
    return try await page.answer(PageRequest(method: "GET", path: "/_dewpoint/\(path)", query: query))
  }
  private func denials(_ query: String = "") async throws -> JSON { try JSON.parse(await page("denials", query).body) }

  @Test func `an implicit denial shows the statement that was missing`() async throws {
    let role = try await cloud.role("worker")
    _ = try await cloud.denial("sqs:SendMessage", as: cloud.session(role))
    let denial = try #require(try await denials()["denials"]?[0])
    #expect(denial["principal"]?.string == "arn:aws:sts::111111111111:assumed-role/worker/s1")
    #expect(denial["action"]?.string == "sqs:SendMessage" && denial["resource"]?.string == queue)
    #expect(denial["reason"]?.string == "no identity-based policy allows it" && denial["explicitDeny"]?.bool == false)
    #expect(denial["missingStatement"]?["Resource"]?.string == queue)
    #expect(denial["time"]?.string == "2023-11-14T22:13:20.000Z")
  }

  @Test func `an explicit denial names policy and statement and has nothing to paste`() async throws {
    let role = try await cloud.role("worker")
    try await cloud.put(
      allow("*"), #"{"Sid":"NoSend","Effect":"Deny","Action":"sqs:Send*","Resource":"*"}"#, on: "worker", named: "limits")
    _ = try await cloud.denial("sqs:SendMessage", as: cloud.session(role))
    let denial = try #require(try await denials()["denials"]?[0])
    #expect(denial["policy"]?.string == "role_worker_limits" && denial["statement"]?.string == "NoSend")
    #expect(denial["missingStatement"]?.isNull == true)
    #expect(
      denial["reason"]?.string == "explicit deny in an identity-based policy (role_worker_limits), statement NoSend")
  }

  @Test func `a denying statement without Sid is counted, also in a resource's policy`() async throws {
    let closed = policy(
      #"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"},"#
        + #"{"Effect":"Deny","Principal":"*","Action":"sqs:SendMessage","Resource":"*"}"#)
    _ = try await cloud.denial("sqs:SendMessage", as: .root(alpha), resourcePolicy: closed)
    let denial = try #require(try await denials()["denials"]?[0])
    #expect(denial["policyType"]?.string == "resource-based policy" && denial["statement"]?.string == "number 2")
  }

  @Test func `a missing statement in a resource's policy names the role, not its session`() async throws {
    let role = try await cloud.role("worker", as: .root(beta))
    try await cloud.put(allow("*"), on: "worker", as: .root(beta))
    _ = try await cloud.denial("sqs:SendMessage", as: cloud.session(role, beta))
    let denial = try #require(try await denials()["denials"]?[0])
    #expect(denial["policyType"]?.string == "resource-based policy")
    #expect(denial["missingStatement"]?["Principal"]?["AWS"]?.string == "arn:aws:iam::222222222222:role/worker")
  }

  @Test func `readers ask for what came after what they have seen`() async throws {
    for n in 0..<5 { _ = try await cloud.denial("sqs:SendMessage", on: "q\(n)", as: .sns()) }
    let all = try await denials()
    #expect(all["denials"]?.array?.map { $0["resource"]?.string } == ["q0", "q1", "q2", "q3", "q4"])
    #expect(all["last"]?.int == 5)
    let rest = try await denials("after=3")
    #expect(rest["denials"]?.array?.map { $0["number"]?.int } == [4, 5])
    #expect(try await denials("limit=1")["denials"]?.array?.count == 1)
    #expect(try await denials("account=222222222222")["denials"]?.array?.isEmpty == true)
    let text = try await page("denials", "format=text&limit=1").body.utf8Text
    #expect(text.contains("sqs:SendMessage on q4: no resource-based policy allows it") && text.contains("missing: {"))
    await #expect(throws: AWSError.self) { _ = try await denials("after=yesterday") }
  }

  @Test func `an encoded message is only for the account`() async throws {
    let role = try await cloud.role("worker")
    _ = try await cloud.denial("sqs:SendMessage", as: cloud.session(role))
    var input = DecodeAuthorizationMessageInput()
    input.encodedMessage = try #require(try await denials()["denials"]?[0]?["encodedAuthorizationMessage"]?.string)
    let output: DecodeAuthorizationMessageOutput = try await cloud.call("DecodeAuthorizationMessage", input)
    let message = try JSON.parse(try #require(output.decodedMessage))
    #expect(message["allowed"]?.bool == false && message["context"]?["action"]?.string == "sqs:SendMessage")
    let foreign = try await refusal {
      let _: DecodeAuthorizationMessageOutput = try await cloud.call("DecodeAuthorizationMessage", input, as: .root(beta))
    }
    #expect(foreign.code == "InvalidAuthorizationMessageException")
    input.encodedMessage = "nonsense"
    await #expect(throws: AWSError.self) {
      let _: DecodeAuthorizationMessageOutput = try await cloud.call("DecodeAuthorizationMessage", input)
    }
  }
}
