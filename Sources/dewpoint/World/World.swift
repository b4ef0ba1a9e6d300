import Base
import CloudWatch
import DynamoDB
import EventBridge
import Fabric
import Firehose
import Gateway
import HTTPClient
import HTTPServer
import IAM
import Kinesis
import Lambda
import Logging
import Pipes
import S3
import SNS
import SQS
import Sandbox
import Scheduler
import Store
import Tracing

/// The services on one state, put together: the only place that knows them all. When the state is exchanged the whole world is,
/// so that nothing of an old one can reach a new one.
final class World: Sendable {
  /// What outlives every world.
  struct Surroundings: Sendable {
    var settings: ServerSettings
    var clock: AdjustableClock
    var ambient: Ambient
    var originGuard: OriginGuard
    var metrics: RequestMetrics
    /// For endpoints of users.
    var client: any HTTPSender
    var logger: Logger
    let address = ServerAddress()
  }

  let state: OpenState
  let modules: [any ServiceModule]
  let gateway: Gateway
  private let sqs: SQSService
  private let logs: CloudWatchService
  private let kinesis: KinesisService
  private let firehose: FirehoseService
  private let lambda: LambdaService
  private let s3: S3Service
  private let tracing: TracingService
  private let pipes: PipesService
  private let chaos: Chaos
  private let workers: WorkerGroup
  private let workScope = WorkScope()
  private let stopped = Nudge()

  init(_ state: OpenState, in surroundings: Surroundings) {
    self.state = state
    let (store, ambient, logger, settings) = (state.store, surroundings.ambient, surroundings.logger, surroundings.settings)
    let iam = IAMService(store: store, ambient: ambient, configuration: settings.identity)
    tracing = TracingService(store: store, ambient: ambient, configuration: settings.tracing)
    chaos = Chaos(ambient: ambient, hops: tracing)
    let dispatcher = Dispatcher(authoriser: iam, ambient: ambient, logger: logger, metrics: surroundings.metrics, chaos: chaos)
    sqs = SQSService(store: store, ambient: ambient, authoriser: iam, principals: iam, hops: tracing, chaos: chaos)
    let queues = ChaosQueues(sqs, chaos)
    logs = CloudWatchService(store: store, ambient: ambient, authoriser: iam, logger: logger)
    let events = EventBridgeService(
      store: store, ambient: ambient,
      neighbours: .init(
        authoriser: iam, roles: iam, principals: iam, queues: queues, door: dispatcher, http: surroundings.client, hops: tracing,
        metrics: logs, chaos: chaos), logger: logger)
    var streams = KinesisService.Configuration()
    streams.limitsShards = settings.limitsShards
    kinesis = KinesisService(
      store: store, ambient: ambient, authoriser: iam, principals: iam, metricPort: logs, hops: tracing, configuration: streams)
    firehose = FirehoseService(
      store: store, ambient: ambient,
      neighbours: .init(
        authoriser: iam, roles: iam, door: dispatcher, streams: ChaosStreams(kinesis, of: "kinesis", chaos), http: surroundings.client,
        logs: logs, chaos: chaos),
      metricPort: logs, logger: logger)
    var tableRules = DynamoDBService.Configuration()
    tableRules.enforcesThroughput = settings.enforcesThroughput
    s3 = S3Service(
      store: store, bytes: state.objects, ambient: ambient,
      neighbours: .init(
        authoriser: iam, keys: iam, principals: iam, carriers: TargetCarriers(door: dispatcher, queues: queues, roles: iam),
        events: events, hops: tracing, chaos: chaos),
      logger: logger)
    let tables = DynamoDBService(
      store: store, ambient: ambient, neighbours: .init(authoriser: iam, principals: iam, door: dispatcher, objects: s3),
      configuration: tableRules, logger: logger)
    var functions = LambdaService.Configuration(
      directory: state.directory.lambda, virtualEnvironments: settings.virtualEnvironments, searchPath: settings.searchPath,
      spareRuntimes: settings.spareRuntimes)
    functions.concurrency = settings.lambdaConcurrency
    functions.streamedBytesPerSecond = settings.streamedBytesPerSecond
    functions.reloadsFromS3 = settings.reloadsFromS3
    functions.refusalOfHotReload = settings.refusalOfHotReload
    functions.refusalOfAttachment = settings.refusalOfStateControl
    functions.imageDirectory = settings.imageDirectory
    // Who may call without a known key is somebody of this machine.
    functions.allowsAnyImage = settings.rootKey == nil
    let sources: [String: any StreamPort] = [
      "kinesis": ChaosStreams(kinesis, of: "kinesis", chaos),
      "dynamodb": ChaosStreams(tables, of: "dynamodbstreams", origin: "dynamodb", chaos),
    ]
    lambda = LambdaService(
      store: store, blobs: state.blobs, ambient: ambient,
      neighbours: .init(
        authoriser: iam, roles: iam, principals: iam, queues: queues, objects: s3, logs: logs, metrics: logs, door: dispatcher,
        streams: sources, hops: tracing, chaos: chaos),
      configuration: functions, logger: logger)
    let sns = SNSService(
      store: store, ambient: ambient,
      neighbours: .init(
        principals: iam, roles: iam, queues: queues, logs: logs, metrics: logs, door: dispatcher, hops: tracing,
        http: surroundings.client, chaos: chaos, address: { [address = surroundings.address] in address.url }), logger: logger)
    let scheduler = SchedulerService(
      store: store, ambient: ambient, neighbours: .init(roles: iam, queues: queues, door: dispatcher, hops: tracing, chaos: chaos),
      logger: logger)
    pipes = PipesService(
      store: store, ambient: ambient,
      neighbours: .init(roles: iam, queues: queues, logs: logs, door: dispatcher, hops: tracing, streams: sources, chaos: chaos),
      logger: logger)
    // In the order in which an account is emptied: who makes others work and write comes first.
    modules = [scheduler, pipes, events, sns, lambda, firehose, iam, s3, tables, sqs, kinesis, logs, tracing]
    dispatcher.install(modules.flatMap(\.apis))
    workers = WorkerGroup(modules.flatMap(\.workers), clock: surroundings.clock, logger: logger)
    gateway = Gateway(
      dispatcher: dispatcher, keys: iam, ambient: ambient, originGuard: surroundings.originGuard,
      pages: InternalPages(
        modules.flatMap(\.pages)
          + ChaosPage.pages(chaos, ChaosCatalog(dispatcher.apis), ambient.random, refusal: settings.refusalOfStateControl)),
      endpoints: modules.flatMap(\.endpoints), metrics: surroundings.metrics)
  }

  /// Works until `stop`. Not to be cancelled: environments end in order.
  func run(sandboxes: SandboxHost, http: HTTPServer) async throws {
    defer { stopped.nudge() }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await self.lambda.run(sandboxes: sandboxes, server: http, endpoint: self.gateway) }
      group.addTask {
        await self.workScope.run {
          async let pipes: Void = self.pipes.run()
          try? await self.workers.run()
          await pipes
        }
      }
      try await group.waitForAll()
    }
  }

  /// Ends all work, and with it `run`: long polls at once, running invocations within the limit. The store stays open.
  func stop(within limit: Duration) async {
    sqs.endWaits()
    kinesis.endWaits()
    await lambda.stop(within: limit)
    workScope.stop()
    await stopped.wait()
  }

  /// The last that a stopped world does; what is still asked of it afterwards fails.
  func close() async {
    // Of clients that have asked again since the stop, by a connection that they keep open.
    sqs.endWaits()
    defer { sqs.endWaits() }
    try? await logs.flush()
    try? await tracing.flush()
    await state.store.close()
  }

  /// What functions have written, and what events have gone through, is in the store.
  func settle() async throws {
    try await logs.flush()
    try await tracing.flush()
  }

  /// While what is given is kept, no content of an object is deleted.
  func holdFiles() -> any Sendable & AnyObject { s3.holdFiles() }

  func removeAll(of account: AccountID) async throws {
    chaos.removeAll(of: account)
    for module in modules { try await module.removeAll(of: account) }
  }

  var inventory: [InventoryItem] { modules.flatMap(\.inventory) }

  func measurements() async -> [Measurement] {
    var all = state.store.statistics.measurements
    for module in modules { all += await module.measurements() }
    return all
  }
}

/// Runs something until told to stop.
private struct WorkScope: Sendable {
  private let signal = Nudge()
  func stop() { signal.nudge() }
  func run(_ body: @escaping @Sendable () async -> Void) async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await body() }
      group.addTask { await signal.wait() }
      await group.next()
      group.cancelAll()
    }
  }
}
