import Base
import Testing

@testable import EventBridge

private let bus = BusName(account: .local, region: .usEast1, name: "orders")

@Test func `statements are added, replaced by their id and taken away`() throws {
  let one = try BusPolicy.adding(statement: "a", action: "events:PutEvents", principal: "222222222222", condition: nil, to: nil, of: bus)
  #expect(one == """
    {"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::222222222222:root"},\
    "Action":"events:PutEvents","Resource":"arn:aws:events:us-east-1:000000000000:event-bus/orders"}]}
    """)
  let condition = BusPolicy.Condition(type: "StringEquals", key: "aws:PrincipalOrgID", value: "o-1")
  let two = try BusPolicy.adding(statement: "b", action: "events:PutEvents", principal: "*", condition: condition, to: one, of: bus)
  let last = try #require(try JSON.parse(two)["Statement"]?.array?.last)
  #expect(last["Principal"] == "*")
  #expect(last["Condition"]?.text == #"{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}"#)
  let again = try BusPolicy.adding(statement: "a", action: "events:PutEvents", principal: "*", condition: nil, to: two, of: bus)
  #expect(try JSON.parse(again)["Statement"]?.array?.map { $0["Sid"]?.string } == ["b", "a"])
  #expect(try BusPolicy.removing(statement: "a", from: one) == nil)
  #expect(throws: AWSError.self) { try BusPolicy.removing(statement: "c", from: two) }
}

@Test(arguments: ["", "x", "[]", "{}", #"{"Statement":[]}"#, #"{"Statement":[{"Effect":"Allow"}]}"#, #"{"Statement":{"Effect":"May","Principal":"*","Action":"*"}}"#])
func `what is no policy is refused`(text: String) {
  #expect(throws: AWSError.self) { try BusPolicy.check(text) }
}

@Test func `a policy has at most 10,240 characters`() throws {
  var policy: String?
  var count = 0
  while let next = try? BusPolicy.adding(
    statement: "statement-\(count)", action: "events:PutEvents", principal: "222222222222", condition: nil, to: policy, of: bus)
  {
    (policy, count) = (next, count + 1)
  }
  #expect((40...60).contains(count))
}
