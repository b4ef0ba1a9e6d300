import Base

/// What `dewpoint dev` makes on the server.
struct DevPlan: Equatable {
  struct Function: Equatable {
    var name: String
    /// Absolute: its code.
    var directory: String
    var handler: String
    var runtime: String
    /// In seconds, and in megabytes; nil for the defaults of Lambda.
    var timeout: Int?
    var memory: Int?
    var environment: [String: String] = [:]
    var mappings: [Mapping] = []
  }
  /// A queue whose messages a function gets.
  struct Mapping: Equatable {
    var queue: String
    /// Such as `BatchSize`, as the API takes them.
    var settings = JSONObject()
  }
  struct Queue: Equatable {
    var name: String
    var attributes: [String: String] = [:]
  }

  var functions: [Function] = []
  var queues: [Queue] = []
  /// What of the project is not made, for people.
  var notes: [String] = []
}

/// What is wrong with a project, in one line.
struct DevError: Error, CustomStringConvertible, Equatable {
  var description: String
  init(_ description: String) { self.description = description }
}

/// What the user said of the function beside the directory.
struct DevChoices: Equatable {
  var name: String?
  var handler: String?
  var runtime: String?
  var timeout: Int?
  var memory: Int?
  var environment: [String: String] = [:]

  /// True when a template could not say the same.
  var isEmpty: Bool { self == DevChoices() }
}

/// Finds the function of a directory that has no template, by the names of its files.
enum DevConvention {
  /// In the order in which they are looked for.
  private static let pythons = ["lambda_function.py", "app.py", "handler.py", "main.py", "index.py"]
  private static let nodes = ["index.mjs", "index.js", "index.cjs", "app.mjs", "app.js", "handler.mjs", "handler.js"]
  static let python = "python3.13"
  static let node = "nodejs22.x"
  private static let maximumSource = 4 << 20

  /// - Throws: `DevError` when the directory does not tell, and nobody else does.
  static func function(in directory: String, _ choices: DevChoices) throws -> DevPlan.Function {
    var (runtime, handler) = (choices.runtime, choices.handler)
    if runtime == nil || handler == nil {
      guard let found = try found(in: directory, runtime) else {
        throw DevError(
          "\(directory) has no function that is known by its name (bootstrap, \(nodes[0]), \(nodes[1]), \(pythons.prefix(3).joined(separator: ", ")))"
            + " and no template.yaml: say --runtime and --handler.")
      }
      runtime = runtime ?? found.runtime
      if handler == nil {
        guard let words = found.handler else {
          throw DevError("\(found.file) defines neither handler nor lambda_handler: say which it is with --handler.")
        }
        handler = words
      }
    }
    return DevPlan.Function(
      name: try choices.name ?? name(of: directory), directory: directory, handler: handler ?? "", runtime: runtime ?? "",
      timeout: choices.timeout, memory: choices.memory, environment: choices.environment)
  }

  private static func found(in directory: String, _ runtime: String?) throws -> (file: String, runtime: String, handler: String?)? {
    func isWanted(_ family: String) -> Bool { runtime?.hasPrefix(family) ?? true }
    if isWanted("provided"), try content("\(directory)/bootstrap") != nil { return ("bootstrap", "provided.al2023", "bootstrap") }
    for file in nodes where isWanted("nodejs") {
      if try content("\(directory)/\(file)") != nil { return (file, node, "\(file.prefix { $0 != "." }).handler") }
    }
    for file in pythons where isWanted("python") {
      guard let text = try content("\(directory)/\(file)") else { continue }
      let module = file.dropLast(3)
      let names = ["lambda_handler", "handler"].filter { text.contains("def \($0)(") }
      return (file, python, names.first.map { "\(module).\($0)" })
    }
    return nil
  }

  private static func content(_ path: String) throws -> String? {
    do { return try Files.read(path, limit: maximumSource)?.utf8Text } catch let error as FileError { throw DevError("\(error)") }
  }

  /// Its last component, with what a name may have.
  static func name(of directory: String) throws -> String {
    let last = directory.split(separator: "/").last.map(String.init) ?? ""
    let letters = last.map { $0.isASCII && ($0.isLetter || $0.isNumber) || $0 == "-" || $0 == "_" ? $0 : "-" }
    let name = String(letters.prefix(64))
    guard name.contains(where: { $0.isLetter || $0.isNumber }) else { throw DevError("Say what the function is called with --name.") }
    return name
  }
}
