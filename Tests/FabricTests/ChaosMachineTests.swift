import Base
import TestCloud
import Testing

@testable import Fabric

private let queue = "arn:aws:sqs:us-east-1:000000000000:orders"

private func point(
  _ service: String = "sns", _ operation: String = ChaosPoint.deliver, origin: String? = nil, resources: [String] = [queue],
  account: AccountID = .local
) -> ChaosPoint {
  ChaosPoint(
    service: service, origin: origin, operation: operation, account: account, region: .usEast1, source: "arn:aws:sns:us-east-1:1:t",
    target: queue, resources: resources, trace: .test)
}

@Suite struct ChaosMachineTests {
  private func machine(_ rules: ChaosRule.Settings...) throws -> ChaosMachine {
    var machine = ChaosMachine()
    for rule in rules { _ = try machine.add(rule) }
    return machine
  }

  /// Which of so many points are struck.
  private func hits(_ rule: ChaosRule.Settings, of count: Int) throws -> [Int] {
    var machine = try machine(rule)
    return (0..<count).filter { _ in machine.obstacle(at: point()).refusal != nil }
  }

  @Test func `a seed strikes the same ones each time, another seed others, and about as many as the rate says`() throws {
    let first = try hits(.init(.fail, service: "sns", rate: 0.2, seed: 1), of: 10_000)
    #expect(try hits(.init(.fail, service: "sns", rate: 0.2, seed: 1), of: 10_000) == first)
    #expect(try hits(.init(.fail, service: "sns", rate: 0.2, seed: 2), of: 10_000) != first)
    #expect((1800...2200).contains(first.count))
    #expect(try hits(.init(.fail, service: "sns", rate: 1, seed: 3), of: 50).count == 50)
  }

  @Test func `a count ends it, and points that it is not for use nothing of its sequence up`() throws {
    var machine = try machine(.init(.throttle, service: "sns", count: 2, seed: 1))
    let refusals = (0..<5).map { _ in machine.obstacle(at: point()).refusal }
    #expect(refusals == [.throttle, .throttle, nil, nil, nil])
    #expect(machine.rules[0].hits == 2 && machine.rules[0].seen == 2 && machine.rules[0].isOver)

    var alone = try self.machine(.init(.fail, service: "sns", rate: 0.5, seed: 9))
    var among = alone
    let expected = (0..<100).map { _ in alone.obstacle(at: point()).refusal }
    let found = (0..<100).map { _ in
      _ = among.obstacle(at: point("s3"))
      return among.obstacle(at: point()).refusal
    }
    #expect(found == expected)
  }

  struct Match: Sendable, CustomTestStringConvertible {
    var rule: ChaosRule.Settings
    var point: ChaosPoint
    var isMet: Bool
    var testDescription: String { "\(rule.service) \(rule.operation ?? "-") \(rule.resource ?? "-") \(point.operation) \(isMet)" }
    init(_ isMet: Bool, _ rule: ChaosRule.Settings, _ point: ChaosPoint) { (self.rule, self.point, self.isMet) = (rule, point, isMet) }
  }
  @Test(arguments: [
    Match(true, .init(.fail, service: "sns", seed: 1), point()),
    Match(true, .init(.fail, service: "sns", seed: 1), point("sns", "Publish")),
    Match(false, .init(.fail, service: "sqs", seed: 1), point()),
    Match(true, .init(.fail, service: "sns", operation: "deliver", seed: 1), point()),
    Match(false, .init(.fail, service: "sns", operation: "deliver", seed: 1), point("sns", "Publish")),
    Match(false, .init(.fail, service: "sns", operation: "Publish", seed: 1), point()),
    Match(true, .init(.fail, service: "kinesis", seed: 1), point("lambda", origin: "kinesis")),
    Match(true, .init(.fail, service: "lambda", seed: 1), point("lambda", origin: "kinesis")),
    Match(false, .init(.fail, service: "dynamodb", seed: 1), point("lambda", origin: "kinesis")),
    Match(true, .init(.fail, service: "sns", resource: queue, seed: 1), point()),
    Match(true, .init(.fail, service: "sns", resource: "orders", seed: 1), point()),
    Match(true, .init(.fail, service: "sns", resource: "or*s", seed: 1), point()),
    Match(true, .init(.fail, service: "sns", resource: "arn:aws:sqs:*:orders", seed: 1), point()),
    Match(false, .init(.fail, service: "sns", resource: "order", seed: 1), point()),
    Match(false, .init(.fail, service: "sns", resource: "arn:aws:sqs:*:order", seed: 1), point()),
    Match(false, .init(.fail, service: "sns", resource: "orders", seed: 1), point(resources: [])),
    Match(
      true, .init(.fail, service: "sns", resource: "work", seed: 1), point(resources: ["arn:aws:lambda:us-east-1:1:function:work:live"])),
    Match(true, .init(.fail, service: "sns", resource: "things", seed: 1), point(resources: ["arn:aws:dynamodb:us-east-1:1:table/things"])),
    Match(false, .init(.fail, service: "sns", account: .test(1), seed: 1), point()),
    Match(true, .init(.fail, service: "sns", account: .test(1), seed: 1), point(account: .test(1))),
  ])
  func `a rule is for its service, operation, resource and account`(_ match: Match) throws {
    var machine = try machine(match.rule)
    #expect((machine.obstacle(at: match.point).refusal != nil) == match.isMet)
  }

  @Test func `delays add up, and the first refusal ends it`() throws {
    var machine = try machine(
      .init(.slow, service: "sns", delay: .seconds(1), seed: 1), .init(.slow, service: "sns", delay: .seconds(2), seed: 1),
      .init(.throttle, service: "sns", seed: 1), .init(.fail, service: "sns", seed: 1),
      .init(.slow, service: "sns", delay: .seconds(4), seed: 1))
    let obstacle = machine.obstacle(at: point())
    #expect(obstacle.delay == .seconds(3) && obstacle.refusal == .throttle)
    #expect(obstacle.hits.map(\.reason) == [
      "chaos rule 1: slow sns deliver by 1000 ms", "chaos rule 2: slow sns deliver by 2000 ms", "chaos rule 3: throttle sns deliver",
    ])
    #expect(machine.rules.map(\.hits) == [1, 1, 1, 0, 0])
  }

  @Test func `each fault is asked for by itself`() throws {
    var machine = try machine(.init(.duplicate, service: "sns", seed: 1), .init(.reorder, service: "sqs", seed: 1))
    #expect(machine.obstacle(at: point()).hits.isEmpty && machine.obstacle(at: point("sqs")).hits.isEmpty)
    #expect(machine.duplicate(at: point())?.reason == "chaos rule 1: duplicate sns deliver")
    #expect(machine.duplicate(at: point("sqs")) == nil)
    #expect(machine.order(of: 3, at: point()) == nil)
  }

  @Test(arguments: [2, 3, 10, 100])
  func `another order has the same things, and is another one`(_ count: Int) throws {
    var machine = try machine(.init(.reorder, service: "sqs", seed: 5))
    for _ in 0..<50 {
      let order = try #require(machine.order(of: count, at: point("sqs"))?.order)
      #expect(order != Array(0..<count) && order.sorted() == Array(0..<count))
    }
    #expect(machine.order(of: 1, at: point("sqs")) == nil && machine.rules[0].seen == 50)
  }

  @Test func `numbers are not used again, and there is a limit`() throws {
    var machine = try machine(.init(.fail, service: "sns", seed: 1), .init(.fail, service: "s3", account: .test(1), seed: 1))
    #expect(machine.remove(1)?.id == 1 && machine.remove(1) == nil)
    #expect(try machine.add(.init(.fail, service: "sns", seed: 1)).id == 3)
    #expect(machine.removeAll { $0.settings.account == .test(1) } == 1 && machine.rules.map(\.id) == [3])
    for _ in 1..<ChaosMachine.maximumRules { _ = try machine.add(.init(.fail, service: "sns", seed: 1)) }
    #expect(throws: AWSError.self) { try machine.add(.init(.fail, service: "sns", seed: 1)) }
    #expect(machine.removeAll() == ChaosMachine.maximumRules)
  }
}

@Suite struct ChaosCatalogTests {
  private let catalog = ChaosCatalog(operations: [
    "sqs": ["SendMessage", "ReceiveMessage"], "sns": ["Publish"], "lambda": ["Invoke"], "kinesis": ["PutRecord"], "iam": ["GetUser"],
  ])

  @Test(arguments: [
    ChaosRule.Settings(.duplicate, service: "sqs", seed: 1), .init(.reorder, service: "lambda", operation: "deliver", seed: 1),
    .init(.fail, service: "iam", seed: 1), .init(.fail, service: "sqs", operation: "SendMessage", resource: "orders.fifo", seed: 1),
    .init(.throttle, service: "kinesis", operation: "deliver", rate: 0.001, count: 1, seed: 1),
    .init(.slow, service: "sns", delay: .milliseconds(1), seed: 1), .init(.slow, service: "sns", delay: .minutes(15), seed: 1),
  ])
  func `what can strike is taken`(_ rule: ChaosRule.Settings) throws { try catalog.check(rule) }

  @Test(arguments: [
    (ChaosRule.Settings(.fail, service: "rds", seed: 1), "There is no service 'rds'"),
    (.init(.fail, service: "sns", operation: "publish", seed: 1), "no operation 'publish'"),
    (.init(.fail, service: "sqs", operation: "deliver", seed: 1), "never strike at sqs"),
    (.init(.duplicate, service: "iam", seed: 1), "never strike at iam"),
    (.init(.duplicate, service: "sns", operation: "Publish", seed: 1), "strikes deliveries"),
    (.init(.reorder, service: "kinesis", seed: 1), "must keep it"), (.init(.reorder, service: "sns", seed: 1), "no order to lose"),
    (.init(.reorder, service: "sqs", resource: "orders.fifo", seed: 1), "FIFO"),
    (.init(.duplicate, service: "sqs", resource: "*.fifo", seed: 1), "FIFO"),
    (.init(.fail, service: "sns", rate: 0, seed: 1), "rate"), (.init(.fail, service: "sns", rate: 1.01, seed: 1), "rate"),
    (.init(.fail, service: "sns", rate: .nan, seed: 1), "rate"), (.init(.fail, service: "sns", rate: -1, seed: 1), "rate"),
    (.init(.fail, service: "sns", count: 0, seed: 1), "count"), (.init(.slow, service: "sns", seed: 1), "delay"),
    (.init(.slow, service: "sns", delay: .seconds(901), seed: 1), "delay"), (.init(.fail, service: "sns", delay: .seconds(1), seed: 1), "delay"),
    (.init(.fail, service: "sns", resource: "", seed: 1), "resource"),
    (.init(.fail, service: "sns", resource: String(repeating: "x", count: 2049), seed: 1), "resource"),
  ])
  func `what could never strike is refused, and says why`(_ rule: ChaosRule.Settings, _ words: String) {
    do {
      try catalog.check(rule)
      Issue.record("it was taken")
    } catch {
      #expect(error.status == 400 && error.message.contains(words), "\(error.message)")
    }
  }
}
