import ArgumentParser
import Base

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The developer's loop: the functions of a directory run from it, and their logs come to the terminal.
struct Dev: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run the functions of a directory from that directory, and show their logs.",
    discussion: """
      Functions come from template.yaml (SAM: functions and their SQS queues), else from the files: bootstrap, index.mjs, \
      lambda_function.py, app.py and their like. What is changed there runs at the next invocation. A server is started when none \
      runs, with the settings of `dewpoint up` from environment and file.
      """)

  @Argument(help: "The directory of the project.") var directory = "."
  @Option(help: "What the function is called (default: as the directory).") var name: String?
  @Option(help: "Such as app.handler.") var handler: String?
  @Option(help: "Such as python3.13, nodejs22.x, provided.al2023.") var runtime: String?
  @Option(help: ArgumentHelp("An environment variable; may be given several times.", valueName: "NAME=VALUE")) var env: [String] = []
  @Option(help: "Seconds that an invocation may take.") var timeout: Int?
  @Option(help: "Megabytes.") var memory: Int?
  @Option(help: ArgumentHelp("The role of the functions (default: \(DevDeployment.role), which may do everything).", valueName: "arn"))
  var role: String?
  @Option(help: "The account (default: that of the keys in the environment, else 000000000000).") var account: String?
  @Option(help: "The Region (default: AWS_REGION, AWS_DEFAULT_REGION or us-east-1).") var region: String?
  @OptionGroup var server: ServerOption

  func run() async throws {
    guard let place = Files.directory(directory) else { throw DevError("There is no directory \(directory).") }
    let choices = try choices()
    let template = try template(in: place)
    if template != nil, !choices.isEmpty { throw DevError("\(place) has a template, which says all that these options say.") }
    // What is wrong with the project is said before a server is started.
    let caller = CallerOption(account: account, region: region)
    _ = try plan(place, template, choices, account: caller.account)
    // From here on Ctrl-C waits for the session: a server that was started is to be ended, too.
    let signals = SignalPipe([SIGINT, SIGTERM, SIGHUP])
    let started = DevServer.answers(at: server.address) ? nil : try DevServer(at: server.address)
    defer { started?.stop() }
    let api = LocalAPI(endpoint: server.address, account: caller.account, region: caller.region)
    let deployment = DevDeployment(api: api, role: role)
    let owner = try deployment.account()
    let plan = try plan(place, template, choices, account: owner)
    try deployment.make(plan)
    introduce(plan, started)
    let isOver = try DevSession(plan, api: api, account: owner, server: started, signals: signals).run()
    farewell(plan, started)
    guard isOver else { throw DevError("The server is gone.") }
  }

  private func choices() throws -> DevChoices {
    var variables: [String: String] = [:]
    for pair in env {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 2, !parts[0].isEmpty else { throw DevError("--env takes NAME=VALUE, not '\(pair)'.") }
      variables[parts[0]] = parts[1]
    }
    return DevChoices(name: name, handler: handler, runtime: runtime, timeout: timeout, memory: memory, environment: variables)
  }

  private func template(in place: String) throws -> JSON? {
    for name in DevTemplate.names {
      let path = "\(place)/\(name)"
      do {
        if let content = try Files.read(path, limit: DevYAML.maximumBytes) { return try DevYAML.json(content, path) }
      } catch let error as FileError { throw DevError("\(error)") }
    }
    return nil
  }

  private func plan(_ place: String, _ template: JSON?, _ choices: DevChoices, account: String) throws -> DevPlan {
    guard let template else { return DevPlan(functions: [try DevConvention.function(in: place, choices)]) }
    return try DevTemplate(
      template, directory: place, account: account, region: CallerOption(account: account, region: region).region,
      endpoint: server.address
    ).plan()
  }

  private func introduce(_ plan: DevPlan, _ started: DevServer?) {
    if let started { print("Started a server at \(server.address) (state: \(started.place)).") }
    for note in plan.notes { print("Note: \(note)") }
    for queue in plan.queues { print("Queue \(queue.name)") }
    for function in plan.functions {
      print("Function \(function.name) (\(function.runtime), \(function.handler)) runs from \(function.directory)")
      for mapping in function.mappings { print("  gets the messages of \(mapping.queue)") }
      print(
        "  aws --endpoint-url \(server.address) lambda invoke --function-name \(function.name) "
          + "--cli-binary-format raw-in-base64-out --payload '{}' /dev/stdout")
    }
    print("Watching. Ctrl-C ends this.")
    fflush(nil)
  }

  private func farewell(_ plan: DevPlan, _ started: DevServer?) {
    let names = plan.functions.map(\.name).joined(separator: ", ")
    let others = (plan.queues.map(\.name) + (role == nil ? ["the role \(DevDeployment.role)"] : [])).joined(separator: ", ")
    print("\n\(names)\(others.isEmpty ? "" : ", \(others)") stay as they are: the code of the functions is still the directory.")
    if let started {
      print(started.place == "memory" ? "The server that was started ends, and the state with it." : "The server that was started ends; its state stays in \(started.place).")
    }
    fflush(nil)
  }
}
