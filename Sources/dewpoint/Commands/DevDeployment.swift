import Base

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Makes what a plan says on a running server, or changes what is there.
struct DevDeployment {
  static let role = "dewpoint-dev"
  private static let functions = "/2015-03-31/functions"
  private static let mappings = "/2015-03-31/event-source-mappings"
  private static let trust =
    #"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#
  private static let everything = #"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#
  /// How long a function may take to become ready.
  private static let patience = 30.0

  let api: LocalAPI
  /// The role that the functions get; nil for one of our own that may do everything.
  let role: String?

  /// The account of the caller.
  func account() throws -> String {
    try api.query("sts", version: "2011-06-15", [("Action", "GetCallerIdentity")], answer: "Account") ?? AccountID.local.text
  }

  /// - Throws: `DevError` with what could not be made.
  func make(_ plan: DevPlan) throws {
    for queue in plan.queues { try said("the queue \(queue.name)") { try make(queue) } }
    // A policy names another queue, which is there now.
    for queue in plan.queues where queue.attributes.keys.contains(where: isPolicy) {
      try said("the queue \(queue.name)") { try set(queue.attributes.filter { isPolicy($0.key) }, of: queue) }
    }
    let role = try said("the role") { try self.role ?? ownRole() }
    for function in plan.functions {
      try said("the function \(function.name)") { try make(function, role) }
      for mapping in function.mappings { try said("the mapping of \(mapping.queue)") { try make(mapping, function) } }
    }
  }

  private func said<T>(_ what: String, _ body: () throws -> T) throws -> T {
    do { return try body() } catch let refusal as LocalAPI.Refusal { throw DevError("Cannot make \(what): \(refusal.description)") }
  }

  private func make(_ queue: DevPlan.Queue) throws {
    let attributes = queue.attributes.filter { !isPolicy($0.key) }
    do {
      try api.call("sqs", "AmazonSQS.CreateQueue", ["QueueName": .string(queue.name), "Attributes": json(attributes)])
    } catch let refusal as LocalAPI.Refusal where refusal.code.hasSuffix("QueueNameExists") {
      try set(attributes, of: queue)
    }
  }

  private func set(_ attributes: [String: String], of queue: DevPlan.Queue) throws {
    let found = try api.call("sqs", "AmazonSQS.GetQueueUrl", ["QueueName": .string(queue.name)])
    try api.call("sqs", "AmazonSQS.SetQueueAttributes", ["QueueUrl": found["QueueUrl"] ?? .null, "Attributes": json(attributes)])
  }

  private func isPolicy(_ attribute: String) -> Bool { attribute.hasSuffix("Policy") }

  private func json(_ texts: [String: String]) -> JSON {
    .object(JSONObject(texts.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
  }

  private func ownRole() throws -> String {
    let version = "2010-05-08"
    let arn: String?
    do {
      arn = try api.query(
        "iam", version: version,
        [("Action", "CreateRole"), ("RoleName", Self.role), ("AssumeRolePolicyDocument", Self.trust)], answer: "Arn")
    } catch let refusal as LocalAPI.Refusal where refusal.code == "EntityAlreadyExists" {
      arn = try api.query("iam", version: version, [("Action", "GetRole"), ("RoleName", Self.role)], answer: "Arn")
    }
    try api.query(
      "iam", version: version,
      [("Action", "PutRolePolicy"), ("RoleName", Self.role), ("PolicyName", "everything"), ("PolicyDocument", Self.everything)],
      answer: "RequestId")
    return arn ?? ""
  }

  private func make(_ function: DevPlan.Function, _ role: String) throws {
    let code: JSON = ["S3Bucket": "hot-reload", "S3Key": .string(function.directory)]
    let configuration = configuration(function, role)
    let path = "\(Self.functions)/\(percentEncoded(function.name))"
    do {
      var creation = configuration
      creation["Code"] = code
      creation["FunctionName"] = .string(function.name)
      try api.lambda("POST", Self.functions, .object(creation))
    } catch let refusal as LocalAPI.Refusal where refusal.status == 409 {
      try api.lambda("PUT", path + "/code", code)
      try waitUntilReady(path)
      try api.lambda("PUT", path + "/configuration", .object(configuration))
    }
    try waitUntilReady(path)
  }

  private func configuration(_ function: DevPlan.Function, _ role: String) -> JSONObject {
    var members = JSONObject([
      ("Role", .string(role)), ("Runtime", .string(function.runtime)), ("Handler", .string(function.handler)),
      ("Environment", .object(JSONObject([("Variables", json(function.environment))]))),
    ])
    members["Timeout"] = function.timeout.map { JSON($0) }
    members["MemorySize"] = function.memory.map { JSON($0) }
    return members
  }

  private func waitUntilReady(_ path: String) throws {
    var waited = 0.0
    while true {
      let answer = try api.lambda("GET", path + "/configuration")
      let (state, update) = (answer["State"]?.string, answer["LastUpdateStatus"]?.string)
      if state == "Active", update == "Successful" { return }
      if state == "Failed" || update == "Failed" {
        throw DevError("\(path): \(answer["StateReason"]?.string ?? answer["LastUpdateStatusReason"]?.string ?? "failed")")
      }
      guard waited < Self.patience else { throw DevError("\(path) is not ready after \(Int(Self.patience)) s.") }
      // Real time: this process has no clock that a test could move.
      usleep(20_000)
      waited += 0.02
    }
  }

  private func make(_ mapping: DevPlan.Mapping, _ function: DevPlan.Function) throws {
    var members = mapping.settings
    members["FunctionName"] = .string(function.name)
    do {
      var creation = members
      creation["EventSourceArn"] = .string(mapping.queue)
      try api.lambda("POST", Self.mappings + "/", .object(creation))
    } catch let refusal as LocalAPI.Refusal where refusal.status == 409 {
      let found = try api.lambda(
        "GET", "\(Self.mappings)/?EventSourceArn=\(percentEncoded(mapping.queue))&FunctionName=\(percentEncoded(function.name))")
      guard let id = found["EventSourceMappings"]?[0]?["UUID"]?.string else { throw refusal }
      try api.lambda("PUT", "\(Self.mappings)/\(id)", .object(members))
    }
  }
}
