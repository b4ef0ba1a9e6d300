import Base

/// Reads what `dewpoint dev` needs of a SAM template: functions, their queues, and the values that refer to them.
struct DevTemplate {
  private let template: JSON
  private let directory: String
  private let account: String
  private let region: String
  private let endpoint: String

  static let names = ["template.yaml", "template.yml", "template.json"]

  /// - Parameter directory: of the template, absolute.
  init(_ template: JSON, directory: String, account: String, region: String, endpoint: String) {
    (self.template, self.directory, self.account, self.region, self.endpoint) = (template, directory, account, region, endpoint)
  }

  private var resources: JSONObject { template["Resources"]?.object ?? JSONObject() }

  /// - Throws: `DevError`, which names the place.
  func plan() throws -> DevPlan {
    var plan = DevPlan()
    for (id, resource) in resources {
      switch resource["Type"]?.string {
      case "AWS::Serverless::Function": plan.functions.append(try function(id, resource, &plan.notes))
      case "AWS::SQS::Queue": plan.queues.append(try queue(id, resource["Properties"]?.object ?? JSONObject()))
      case let type: plan.notes.append("\(id) (\(type ?? "no Type")) is not made: deploy the template if the function needs it.")
      }
    }
    guard !plan.functions.isEmpty else { throw DevError("The template in \(directory) has no AWS::Serverless::Function.") }
    return plan
  }

  private func function(_ id: String, _ resource: JSON, _ notes: inout [String]) throws -> DevPlan.Function {
    let global = template["Globals"]?["Function"]
    let own = resource["Properties"]
    func property(_ name: String) -> JSON? { own?[name] ?? global?[name] }
    guard property("PackageType")?.string != "Image", property("ImageUri") == nil else {
      throw DevError("\(id) is a container image, which `dewpoint dev` does not reload: use `dewpoint exec`.")
    }
    guard property("InlineCode") == nil else { throw DevError("\(id) has InlineCode: `dewpoint dev` needs a directory.") }
    var function = DevPlan.Function(
      name: try own?["FunctionName"].map { try text($0, "\(id).FunctionName") } ?? id, directory: try code(property("CodeUri"), id),
      handler: try text(property("Handler"), "\(id).Handler", else: "bootstrap"), runtime: try text(property("Runtime"), "\(id).Runtime"),
      timeout: try number(property("Timeout"), "\(id).Timeout"), memory: try number(property("MemorySize"), "\(id).MemorySize"))
    for source in [global, own] {
      for (name, value) in source?["Environment"]?["Variables"]?.object ?? JSONObject() {
        function.environment[name] = try text(value, "\(id).Environment.Variables.\(name)")
      }
    }
    for (name, event) in own?["Events"]?.object ?? JSONObject() {
      if event["Type"]?.string == "SQS" {
        function.mappings.append(try mapping(event["Properties"]?.object ?? JSONObject(), "\(id).Events.\(name)"))
      } else {
        notes.append("\(id).Events.\(name) (\(event["Type"]?.string ?? "no Type")) is not connected: deploy the template for it.")
      }
    }
    return function
  }

  private func code(_ uri: JSON?, _ id: String) throws -> String {
    guard let uri else { return directory }
    guard let path = uri.string, !path.hasPrefix("s3://") else {
      throw DevError("\(id).CodeUri must be a directory, not a place in S3.")
    }
    let joined = path.hasPrefix("/") ? path : path == "." || path == "./" ? directory : "\(directory)/\(path)"
    guard let real = Files.directory(joined) else { throw DevError("\(id).CodeUri: there is no directory \(joined).") }
    return real
  }

  private func mapping(_ properties: JSONObject, _ place: String) throws -> DevPlan.Mapping {
    var mapping = DevPlan.Mapping(queue: try text(properties["Queue"], "\(place).Queue"))
    for name in ["BatchSize", "MaximumBatchingWindowInSeconds", "FilterCriteria", "FunctionResponseTypes", "ScalingConfig", "Enabled"] {
      mapping.settings[name] = properties[name]
    }
    return mapping
  }

  private func queue(_ id: String, _ properties: JSONObject) throws -> DevPlan.Queue {
    var queue = DevPlan.Queue(name: try queueName(id))
    for (name, value) in properties where name != "QueueName" && name != "Tags" {
      let place = "\(id).\(name)"
      if let policy = value.object, name.hasSuffix("Policy") {
        var resolved = JSONObject()
        for (name, value) in policy { resolved[name] = .string(try text(value, "\(place).\(name)")) }
        queue.attributes[name] = JSON.object(resolved).text
      } else {
        queue.attributes[name] = try text(value, place)
      }
    }
    return queue
  }

  private func queueName(_ id: String) throws -> String {
    let properties = resources[id]?["Properties"]
    if let name = properties?["QueueName"] { return try text(name, "\(id).QueueName") }
    return properties?["FifoQueue"]?.bool == true ? id + ".fifo" : id
  }
}

/// The values.
extension DevTemplate {
  private func number(_ value: JSON?, _ place: String) throws -> Int? {
    guard let value else { return nil }
    guard let number = Int(try text(value, place)) else { throw DevError("\(place) must be a number.") }
    return number
  }

  private func text(_ value: JSON?, _ place: String, else standard: String? = nil) throws -> String {
    switch value {
    case nil, .null?:
      guard let standard else { throw DevError("\(place) is missing.") }
      return standard
    case .string(let text)?: return text
    case .int(let number)?: return String(number)
    case .bool(let isOn)?: return String(isOn)
    case .object(let object)? where object.count == 1:
      for (name, argument) in object { return try call(name, argument, place) }
      return ""
    default: throw DevError("\(place) must be a text.")
    }
  }

  private func call(_ function: String, _ argument: JSON, _ place: String) throws -> String {
    switch function {
    case "Ref":
      if let name = argument.string { return try reference(name, place) }
    case "Fn::GetAtt":
      let parts = argument.array?.compactMap(\.string) ?? argument.string?.split(separator: ".", maxSplits: 1).map(String.init) ?? []
      if parts.count == 2 { return try attribute(parts[1], of: parts[0], place) }
    case "Fn::Sub":
      if let text = argument.string { return try substituted(text, JSONObject(), place) }
      if let text = argument[0]?.string { return try substituted(text, argument[1]?.object ?? JSONObject(), place) }
    case "Fn::Join":
      if let separator = argument[0]?.string, let items = argument[1]?.array {
        return try items.map { try text($0, place) }.joined(separator: separator)
      }
    default: throw DevError("\(place): `dewpoint dev` does not understand \(function); deploy the template instead.")
    }
    throw DevError("\(place): \(function) is not used as it should be.")
  }

  private func reference(_ name: String, _ place: String) throws -> String {
    switch name {
    case "AWS::Region": return region
    case "AWS::AccountId": return account
    case "AWS::Partition": return "aws"
    case "AWS::URLSuffix": return "amazonaws.com"
    case "AWS::StackName": return directory.split(separator: "/").last.map(String.init) ?? "dev"
    default: break
    }
    if let parameter = template["Parameters"]?[name] {
      guard let standard = parameter["Default"] else { throw DevError("\(place): the parameter \(name) has no Default.") }
      return try text(standard, "Parameters.\(name).Default")
    }
    switch resources[name]?["Type"]?.string {
    case "AWS::SQS::Queue": return "\(endpoint)/\(account)/\(try queueName(name))"
    case "AWS::Serverless::Function": return try text(resources[name]?["Properties"]?["FunctionName"], place, else: name)
    case let type?: throw DevError("\(place): `dewpoint dev` does not make \(name) (\(type)); deploy the template instead.")
    case nil: throw DevError("\(place): there is nothing that is called \(name).")
    }
  }

  private func attribute(_ attribute: String, of name: String, _ place: String) throws -> String {
    switch (resources[name]?["Type"]?.string, attribute) {
    case ("AWS::SQS::Queue", "Arn"): return "arn:aws:sqs:\(region):\(account):\(try queueName(name))"
    case ("AWS::SQS::Queue", "QueueName"): return try queueName(name)
    case ("AWS::SQS::Queue", "QueueUrl"): return try reference(name, place)
    case ("AWS::Serverless::Function", "Arn"): return "arn:aws:lambda:\(region):\(account):function:\(try reference(name, place))"
    default: throw DevError("\(place): `dewpoint dev` does not know \(name).\(attribute); deploy the template instead.")
    }
  }

  private func substituted(_ text: String, _ own: JSONObject, _ place: String) throws -> String {
    var out = ""
    var rest = text[...]
    while let open = rest.firstRange(of: "${") {
      out += rest[..<open.lowerBound]
      guard let close = rest[open.upperBound...].firstIndex(of: "}") else { throw DevError("\(place): a ${ has no end.") }
      let name = String(rest[open.upperBound..<close])
      rest = rest[rest.index(after: close)...]
      if name.hasPrefix("!") {
        out += "${\(name.dropFirst())}"
      } else if let value = own[name] {
        out += try self.text(value, place)
      } else if let dot = name.firstIndex(of: ".") {
        out += try attribute(String(name[name.index(after: dot)...]), of: String(name[..<dot]), place)
      } else {
        out += try reference(name, place)
      }
    }
    return out + rest
  }
}
