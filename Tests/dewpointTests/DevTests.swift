import Base
import Glibc
import Testing

@testable import dewpoint

@Suite struct DevTests {
  /// Removed with its files at the end of a test.
  private final class Scratch {
    let path: String
    var files: [String] = []
    init() throws { path = try Files.makeTemporary("/tmp/dewpoint-dev-test-") }
    deinit {
      for file in files { unlink("\(path)/\(file)") }
      rmdir(path)
    }
  }
  private let scratch: Scratch
  private var directory: String { scratch.path }

  init() throws { scratch = try Scratch() }

  private func write(_ name: String, _ text: String = "") throws {
    scratch.files.append(name)
    let file = open("\(directory)/\(name)", O_WRONLY | O_CREAT, 0o644)
    try Files.write(Array(text.utf8), to: file, name)
    close(file)
  }

  @Test(arguments: [
    ("bootstrap", "", "provided.al2023", "bootstrap"), ("index.mjs", "", "nodejs22.x", "index.handler"),
    ("index.cjs", "", "nodejs22.x", "index.handler"),
    ("lambda_function.py", "def lambda_handler(e, c):", "python3.13", "lambda_function.lambda_handler"),
    ("app.py", "def handler(e, c):", "python3.13", "app.handler"),
  ])
  func `a file tells what the function is`(_ file: String, _ text: String, _ runtime: String, _ handler: String) throws {
    try write(file, text)
    let found = try DevConvention.function(in: directory, DevChoices(name: "f"))
    #expect((found.runtime, found.handler, found.name) == (runtime, handler, "f"))
  }

  @Test func `what the user says wins over the files, and a wish for a runtime looks at its files only`() throws {
    try write("bootstrap")
    try write("app.py", "def handler(e, c):")
    #expect(try DevConvention.function(in: directory, DevChoices(runtime: "python3.12")).handler == "app.handler")
    let said = try DevConvention.function(in: directory, DevChoices(handler: "other.main", runtime: "python3.12", timeout: 4))
    #expect((said.handler, said.runtime, said.timeout) == ("other.main", "python3.12", 4))
    #expect(throws: DevError.self) { try DevConvention.function(in: directory, DevChoices(runtime: "nodejs22.x")) }
  }

  @Test(arguments: [("/home/me/my project.v2", "my-project-v2"), ("/srv/ordörs", "ord-rs"), ("/a/ok_Name-1", "ok_Name-1")])
  func `a directory's name becomes one that a function may have`(_ path: String, _ name: String) throws {
    #expect(try DevConvention.name(of: path) == name)
  }

  private func plan(_ yaml: String) throws -> DevPlan {
    try DevTemplate(
      try DevYAML.json(Array(yaml.utf8), "t.yaml"), directory: directory, account: "123456789012", region: "eu-west-1",
      endpoint: "http://localhost:4566"
    ).plan()
  }

  private func environment(_ value: String) throws -> String? {
    try plan(
      """
      Parameters: {P: {Default: 7}}
      Resources:
        Q: {Type: AWS::SQS::Queue, Properties: {FifoQueue: true}}
        F: {Type: AWS::Serverless::Function, Properties: {Runtime: python3.13, Handler: a.b, Environment: {Variables: {V: \(value)}}}}
      """
    ).functions[0].environment["V"]
  }

  @Test(arguments: [
    ("!Ref Q", "http://localhost:4566/123456789012/Q.fifo"), ("!GetAtt Q.Arn", "arn:aws:sqs:eu-west-1:123456789012:Q.fifo"),
    ("{'Fn::GetAtt': [Q, QueueName]}", "Q.fifo"), ("!Ref P", "7"), ("!Ref AWS::Region", "eu-west-1"), ("!Ref F", "F"),
    ("!GetAtt F.Arn", "arn:aws:lambda:eu-west-1:123456789012:function:F"), ("!Sub '${P}-${Q.QueueName}-${!raw}'", "7-Q.fifo-${raw}"),
    ("!Sub ['${A}/${P}', {A: !Ref F}]", "F/7"), ("!Join ['-', [a, !Ref P]]", "a-7"), ("true", "true"), ("007", "007"), ("'8'", "8"),
  ])
  func `values that refer to others are resolved`(_ value: String, _ expected: String) throws {
    #expect(try environment(value) == expected)
  }

  @Test(arguments: ["!Ref Nobody", "!GetAtt Q.Color", "!Select [0, [a]]", "!Sub '${open'", "[a]", "{a: 1, b: 2}", "!Ref [a]"])
  func `a value that cannot be known is refused with its place`(_ value: String) throws {
    let error = #expect(throws: DevError.self) { try environment(value) }
    #expect(error?.description.hasPrefix("F.Environment.Variables.V") == true)
  }

  @Test func `what a function has of its own wins over the globals`() throws {
    let function = try plan(
      """
      Globals: {Function: {Timeout: 5, MemorySize: 256, Runtime: nodejs22.x, Environment: {Variables: {A: 1, B: 1}}}}
      Resources:
        Fn:
          Type: AWS::Serverless::Function
          Properties:
            FunctionName: named
            Handler: index.handler
            Timeout: 9
            Environment: {Variables: {B: 2}}
            Events: {Q: {Type: SQS, Properties: {Queue: 'arn:aws:sqs:eu-west-1:123456789012:other', BatchSize: 3}}}
      """
    ).functions[0]
    #expect((function.name, function.timeout, function.memory, function.runtime) == ("named", 9, 256, "nodejs22.x"))
    #expect(function.environment == ["A": "1", "B": "2"])
    #expect(function.mappings == [.init(queue: "arn:aws:sqs:eu-west-1:123456789012:other", settings: JSONObject([("BatchSize", 3)]))])
    #expect(function.directory == directory)
  }

  @Test func `a template that makes many values of few is refused`() throws {
    let lines = (1...40).map { "a\($0): &a\($0) [*a\($0 - 1), *a\($0 - 1)]" }
    #expect(throws: DevError.self) { try DevYAML.json(Array(("a0: &a0 [x]\n" + lines.prefix(25).joined(separator: "\n")).utf8), "t.yaml") }
  }
}
