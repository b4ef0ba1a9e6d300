import ArgumentParser
import Base
import CloudWatch
import Fabric
import Gateway
import IAM
import Lambda
import Logging
import SQS
import Store
import StoreMemory

/// Prints docs/COVERAGE.md, made from the operation tables of this very binary.
struct CoverageCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "coverage", abstract: "Print which operations are implemented, as Markdown.")

  func run() async throws {
    let directory = try DataDirectory(nil)
    defer { directory.removeIfTemporary() }
    let ambient = Ambient(clock: AdjustableClock(), random: SystemRandom())
    let store = MemoryStore()
    let logger = Logger(label: "dewpoint") { _ in SwiftLogNoOpLogHandler() }
    let iam = IAMService(store: store, ambient: ambient)
    let sqs = SQSService(store: store, ambient: ambient, authoriser: iam)
    let logs = CloudWatchService(store: store, ambient: ambient, authoriser: iam, logger: logger)
    let lambda = LambdaService(
      store: store, blobs: MemoryBlobStore(), ambient: ambient,
      neighbours: .init(authoriser: iam, roles: iam, queues: sqs, logs: logs),
      configuration: .init(directory: directory.lambda, virtualEnvironments: [], searchPath: ""), logger: logger)
    let modules: [any ServiceModule] = [iam, sqs, logs, lambda]
    print(Coverage.markdown(modules.flatMap(\.apis)), terminator: "")
    await store.close()
  }
}
