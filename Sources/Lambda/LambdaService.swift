import Base
import Fabric
import HTTPServer
import Logging
import Sandbox
import Store
import Synchronization

/// Lambda: functions, their environments, and everything that invokes them.
public final class LambdaService: ServiceModule {
  public struct Configuration: Sendable {
    /// Unpacked code and runtime clients live below it.
    public var directory: String
    /// Python virtual environments that have `awslambdaric`.
    public var virtualEnvironments: [String]
    /// Where other interpreters are looked for, in the form of `PATH`.
    public var searchPath: String
    /// Booted environments that wait for a function, for each interpreter that functions use. Each takes some 15 MB.
    public var spareRuntimes: Int
    /// Where references to ECR are looked up: image layouts and archives by name and tag.
    public var imageDirectory: String?
    /// Whether an image may lie anywhere on the host, and not only in that directory.
    public var allowsAnyImage = false
    /// How fast a streamed answer passes after its first 6 MB, in bytes a second; 0 for no limit.
    public var streamedBytesPerSecond = 2 << 20
    /// Invocations that an account may run at the same time in a Region.
    public var concurrency = 1000
    /// Why no function may have a directory of this host as its code; nil when it may.
    public var refusalOfHotReload: String?
    /// Whether a function gets the code that lies in S3 now, when its object has changed.
    public var reloadsFromS3 = false
    /// Why no process may be attached by the pages, which know no keys; nil when it may.
    public var refusalOfAttachment: String?
    public init(directory: String, virtualEnvironments: [String], searchPath: String, spareRuntimes: Int = 2) {
      (self.directory, self.virtualEnvironments, self.searchPath) = (directory, virtualEnvironments, searchPath)
      self.spareRuntimes = spareRuntimes
    }
  }
  /// The services that Lambda works with.
  public struct Neighbours: Sendable {
    public var authoriser: any Authoriser
    public var roles: any RolePort
    public var principals: any PrincipalPort
    public var queues: any QueuePort
    public var objects: any ObjectPort
    public var logs: any LogPort
    public var metrics: any MetricPort
    public var door: any Door
    /// By the service in a stream's ARN: `kinesis`, `dynamodb`. Mappings of streams that nobody serves are refused.
    public var streams: [String: any StreamPort]
    public var hops: any HopPort
    public var chaos: Chaos
    public init(
      authoriser: any Authoriser, roles: any RolePort, principals: any PrincipalPort, queues: any QueuePort, objects: any ObjectPort,
      logs: any LogPort, metrics: any MetricPort, door: any Door, streams: [String: any StreamPort] = [:],
      hops: any HopPort = EmptyHops(), chaos: Chaos = .off
    ) {
      (self.hops, self.chaos) = (hops, chaos)
      (self.authoriser, self.roles, self.principals, self.queues, self.logs) = (authoriser, roles, principals, queues, logs)
      (self.objects, self.metrics, self.door, self.streams) = (objects, metrics, door, streams)
    }
  }

  private let control: ControlPlane
  private let placement: Placement
  private let logForwarder: LogForwarder
  private let queue: AsyncQueue
  private let mappings: MappingRunner
  private let invokeOperation: InvokeOperation
  private let functionURLs: FunctionURLEndpoint
  private let executions: DurableExecutions
  private let durable: DurableRunner
  private let durableAPI: DurableAPI
  private let packages: PackageStore
  private let roles: any RolePort
  private let runtimes: HostRuntimes
  private let clients: RuntimeClients
  private let hotReload: HotReload
  private let attachments: Attachments
  private let stopping = Nudge()
  /// While it runs.
  private let spares = Mutex<SpareRuntimes?>(nil)
  private let configuration: Configuration
  private let ambient: Ambient
  private let logger: Logger

  public init(
    store: any Store, blobs: any BlobStore, ambient: Ambient, neighbours: Neighbours, configuration: Configuration, logger: Logger
  ) {
    (self.configuration, self.ambient, self.logger) = (configuration, ambient, logger)
    runtimes = HostRuntimes.discover(
      virtualEnvironments: configuration.virtualEnvironments, searchPath: configuration.searchPath)
    let library = ImageLibrary(directory: configuration.imageDirectory, allowsAnyPath: configuration.allowsAnyImage)
    packages = PackageStore(
      blobs: blobs, directory: configuration.directory + "/code",
      images: ImageStore(library: library, directory: configuration.directory + "/images"))
    clients = RuntimeClients(directory: configuration.directory + "/runtimes")
    roles = neighbours.roles
    let limits = AccountLimits(concurrency: configuration.concurrency)
    logForwarder = LogForwarder(logs: neighbours.logs, roles: neighbours.roles, clock: ambient.clock, logger: logger)
    hotReload = HotReload(refusal: configuration.refusalOfHotReload, clock: ambient.clock, logger: logger)
    let metrics = FunctionMetrics()
    metrics.report(to: neighbours.metrics)
    placement = Placement(
      ambient: ambient, logForwarder: logForwarder, metrics: metrics, hotReload: hotReload, accountLimit: limits.concurrency)
    control = ControlPlane(
      store: store, ambient: ambient, packages: packages, roles: neighbours.roles,
      principals: neighbours.principals, authoriser: neighbours.authoriser, queues: neighbours.queues,
      objects: neighbours.objects, streams: neighbours.streams, catalog: NoticedCatalog(runtimes, logger: logger),
      provisioner: placement, hotReload: hotReload, metrics: metrics, limits: limits, followsObjects: configuration.reloadsFromS3,
      logger: logger)
    attachments = Attachments(control: control, placement: placement, roles: roles, ambient: ambient, logger: logger)
    executions = DurableExecutions(store: store, ambient: ambient)
    let hops = InvocationHops(port: neighbours.hops, ambient: ambient)
    let invoker = Invoker(placement: placement, metrics: metrics, ambient: ambient, executions: executions, hops: hops)
    let carriers = TargetCarriers(door: neighbours.door, queues: neighbours.queues, roles: neighbours.roles)
    let targets = ReportTargets(carriers, neighbours.objects, ambient)
    let deadLetters = DeadLetters(
      targets: targets, roles: neighbours.roles, metrics: metrics, hops: hops, ambient: ambient, logger: logger)
    let destinations = Destinations(
      control: control, targets: targets, carriers: carriers, roles: neighbours.roles, authoriser: neighbours.authoriser,
      metrics: metrics, hops: hops, ambient: ambient, logger: logger)
    queue = AsyncQueue(
      store: store, control: control, invoker: invoker, executions: executions, deadLetters: deadLetters,
      destinations: destinations, metrics: metrics, hops: hops, chaos: neighbours.chaos, ambient: ambient, logger: logger)
    durable = DurableRunner(
      executions: executions, control: control, invoker: invoker,
      reports: DurableReports(
        executions: executions, control: control, deadLetters: deadLetters, destinations: destinations, queue: queue,
        logger: logger),
      logger: logger)
    durableAPI = DurableAPI(
      control: control, executions: executions,
      targets: DurableTargets(
        control: control, roles: neighbours.roles, authoriser: neighbours.authoriser, ambient: ambient))
    mappings = MappingRunner(
      control: control,
      poller: QueuePoller(
        control: control, invoker: invoker, queues: neighbours.queues, roles: neighbours.roles, metrics: metrics,
        hops: hops, chaos: neighbours.chaos, ambient: ambient, logger: logger),
      streams: StreamPoller(
        delivery: StreamDelivery(
          control: control, invoker: invoker, targets: targets, roles: neighbours.roles, metrics: metrics,
          hops: hops, chaos: neighbours.chaos, ambient: ambient, logger: logger)),
      ambient: ambient, logger: logger)
    invokeOperation = InvokeOperation(
      control: control, invoker: invoker, queue: queue, executions: executions, hops: hops, clock: ambient.clock,
      streamedBytesPerSecond: configuration.streamedBytesPerSecond)
    functionURLs = FunctionURLEndpoint(
      control: control, invoker: invoker, authoriser: neighbours.authoriser, metrics: metrics, ambient: ambient,
      bytesPerSecond: configuration.streamedBytesPerSecond, logger: logger)
  }

  public var apis: [ServiceAPI] {
    [ServiceAPI(LambdaModel.service, operations: control.operations + invokeOperation.operations + durableAPI.operations)]
  }
  public var endpoints: [WebEndpoint] { [functionURLs.endpoint] }
  public var workers: [any Worker] {
    control.workers + [
      placement.memory,
      IdleWorker(placement: placement),
      ProvisionWorker(store: control.store, placement: placement, nudge: control.provisionNudge),
    ]
  }

  /// Runs environments, the asynchronous queue and the pollers until `stop`. Not to be cancelled: environments end in order.
  /// - Parameter endpoint: what functions reach as the server: the state that they belong to, and no other that may come after it.
  public func run(sandboxes: SandboxHost, server: HTTPServer, endpoint: any HTTPHandler) async throws {
    try clients.install()
    attachments.serve(on: server)
    let sandboxes = RuntimeSandboxes(host: sandboxes, server: server, endpoint: endpoint)
    let spares = SpareRuntimes(
      limit: configuration.spareRuntimes, sandboxes: sandboxes, gate: placement.gate, clock: ambient.clock, logger: logger)
    self.spares.withLock { $0 = spares }
    let launcher = Launcher(
      sandboxes: sandboxes, packages: packages, roles: roles, runtimes: runtimes, clients: clients, spares: spares,
      logger: logger)
    await withDiscardingTaskGroup { group in
      group.addTask { await self.logForwarder.run() }
      group.addTask {
        await self.placement.run(launcher)
        spares.stop()
      }
      group.addTask { await spares.run() }
      group.addTask { await self.feed(launcher) }
    }
  }

  /// Has the runtimes booted that functions use: those that there are, and those that come.
  private func prepareSpares(_ launcher: Launcher) async {
    let changes = control.changes.stream()
    for runtime in (try? await control.store.read { try FunctionRows($0).runtimes() }) ?? [] { launcher.wantSpares(of: runtime) }
    for await change in changes {
      guard case .changed(let id) = change else { continue }
      if let function = try? await control.store.read({ try FunctionRows($0).function(id) }) {
        launcher.wantSpares(of: function.latest.runtime)
      }
    }
  }

  /// Brings events to functions until the server stops; what is under way is finished.
  private func feed(_ launcher: Launcher) async {
    await withDiscardingTaskGroup { group in
      group.addTask { await self.queue.run() }
      group.addTask { await self.durable.run() }
      group.addTask { await SnapshotRunner(control: self.control, placement: self.placement).run() }
      group.addTask { await self.mappings.run() }
      group.addTask {
        await self.hotReload.run { reload in
          self.logger.info(
            "code was reloaded", metadata: ["directory": "\(reload.directory)", "files": "\(reload.files.joined(separator: " "))"])
          self.placement.reload(reload.directory)
        }
      }
      group.addTask { await self.prepareSpares(launcher) }
      group.addTask {
        let changes = self.control.changes.stream()
        for (function, count) in (try? await self.control.reservations()) ?? [:] { self.placement.reserve(function, count) }
        for await change in changes {
          let reserved = try? await self.control.reservation(of: change.id)
          self.placement.reserve(change.id, reserved ?? nil)
          if case .deleted(let id) = change { self.placement.remove(id) }
        }
      }
      await stopping.wait()
      group.cancelAll()
    }
  }

  /// Lets running invocations end within the limit, then ends every environment and hands the last log lines on.
  public func stop(within limit: Duration) async {
    stopping.nudge()
    hotReload.finish()
    await placement.stop(within: limit)
    logForwarder.finish()
  }

  /// How long environments get to end when their account is emptied.
  private static let removalLimit = Duration.seconds(5)

  public func removeAll(of account: AccountID) async throws {
    // First what brings work, then what does it.
    try await control.removeMappings(of: account)
    try await control.removeFunctions(of: account)
    try await queue.removeAll(of: account)
    try await executions.removeAll(of: account)
    await placement.removeAll(of: account, within: Self.removalLimit)
    await logForwarder.drain()
    logForwarder.forget(account)
  }

  public var inventory: [InventoryItem] {
    ControlPlane.inventory + [InventoryItem("durable executions", below: DurableKeys.executions)]
  }

  public func measurements() async -> [Measurement] {
    let counts = placement.counts
    let spare = spares.withLock { $0 }?.count ?? 0
    let states = [("starting", counts.starting), ("busy", counts.busy), ("idle", counts.idle), ("spare", spare)]
    let environments = states.map { state, count in
      Measurement(
        "dewpoint_lambda_environments", .gauge, Double(count), labels: [(name: "state", value: state)],
        help: "Execution environments by state; a spare is a booted runtime that belongs to no function yet.")
    }
    var all = environments + [
      Measurement(
        "dewpoint_lambda_invocations_running", .gauge, Double(counts.invocations - counts.waiting),
        help: "Invocations that an environment works on."),
      Measurement(
        "dewpoint_lambda_invocations_waiting", .gauge, Double(counts.waiting), help: "Invocations that wait for an environment."),
      Measurement(
        "dewpoint_lambda_pollers", .gauge, Double(mappings.runningCount), help: "Event source mappings that are polled."),
    ]
    all += [("wanted", counts.provisioned.wanted), ("booted", counts.provisioned.booted)].map { state, count in
      Measurement(
        "dewpoint_lambda_provisioned_environments", .gauge, Double(count), labels: [(name: "state", value: state)],
        help: "Environments that are to be kept ready, and those of them that have booted.")
    }
    let found = counts.provisionedInvocations
    all += [("ready", found.ready), ("spillover", found.spilled)].map { kind, count in
      Measurement(
        "dewpoint_lambda_provisioned_invocations_total", .counter, Double(count), labels: [(name: "found", value: kind)],
        help: "Invocations of versions with provisioned concurrency that found a ready environment, or none left.")
    }
    if let events = try? await queue.counts() {
      all += [("due", events.due), ("taken", events.taken)].map { state, count in
        Measurement(
          "dewpoint_lambda_async_events", .gauge, Double(count), labels: [(name: "state", value: state)],
          help: "Asynchronous events that wait (due) or are being tried (taken); counted up to 1000.")
      }
    }
    return all
  }

  /// `lambda/packages/HASH.zip`: the zip that a function's `Code.Location` names, by a link that is signed and valid for ten minutes.
  public var pages: [InternalPage] {
    [
      InternalPage("lambda/packages/", for: .everybody) { [control, packages] request in
        let file = request.path.split(separator: "/").last.map(String.init) ?? ""
        guard let hash = control.links.hash(file: file, query: request.query), let zip = try? await packages.zip(hash) else {
          throw AWSError("NotFound", "There is no such package, or the link has expired: ask GetFunction again.", status: 404)
        }
        return PageAnswer(contentType: "application/zip", body: zip)
      }
    ] + ReloadPage.pages(control, hotReload) + AttachPages.pages(attachments, refusal: configuration.refusalOfAttachment)
  }

  /// What this host can run, a line for each language, for `dewpoint doctor`.
  public static func runtimeReport(virtualEnvironments: [String], searchPath: String) -> [(name: String, isFound: Bool, text: String)] {
    let runtimes = HostRuntimes.discover(virtualEnvironments: virtualEnvironments, searchPath: searchPath)
    func serves(_ name: String, _ language: String) -> String {
      let others = RuntimeNames.supported.filter { $0.hasPrefix(language) && runtimes.support(for: $0) == .nearest(name) }
      return others.isEmpty ? "" : "; also serves \(others.joined(separator: ", "))"
    }
    var lines: [(name: String, isFound: Bool, text: String)] = runtimes.pythons.map {
      let name = "python\($0.version)"
      return (name, true, "\($0.executable), with awslambdaric in \($0.sitePackages)\(serves(name, "python"))")
    }
    if runtimes.pythons.isEmpty {
      lines.append(("python", false, "make a virtual environment and tell of it: python3 -m venv DIR && DIR/bin/pip install awslambdaric boto3, then --python DIR"))
    }
    if let node = runtimes.node {
      let name = node.major.map { "nodejs\($0).x" } ?? "node"
      lines.append((name, true, node.executable + serves(name, "nodejs")))
    } else {
      lines.append(("nodejs", false, "install Node.js so that `node` is on the PATH"))
    }
    if let ruby = runtimes.ruby {
      lines.append(("ruby\(ruby.version)", true, ruby.executable + serves("ruby\(ruby.version)", "ruby")))
    } else {
      lines.append(("ruby", false, "install Ruby so that `ruby` is on the PATH"))
    }
    for java in runtimes.javas { lines.append((java.name, true, java.executable + serves(java.name, "java"))) }
    if runtimes.javas.isEmpty {
      lines.append(("java", false, "install a Java runtime environment so that `java` is on the PATH, or below /usr/lib/jvm"))
    }
    lines.append(("provided.al2023", true, "runs the package's own bootstrap"))
    return lines
  }
}
