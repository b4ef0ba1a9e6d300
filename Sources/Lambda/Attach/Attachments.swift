import Base
import Fabric
import HTTPServer
import Logging
import Synchronization

/// Lets a process of a developer be the environment of a function (`dewpoint exec`): it gets the real events, with the variables
/// and the role of the function.
final class Attachments: Sendable {
  /// What the command asks for.
  struct Request: Sendable {
    var name: FunctionName
    /// As the command reaches the server; the process gets it, too.
    var endpoint: String
    var hasTimeout: Bool
  }

  /// In place of the time-out of the function when there shall be none.
  private static let endless = Duration.hours(24)

  private let control: ControlPlane
  private let placement: Placement
  private let roles: any RolePort
  private let ambient: Ambient
  private let logger: Logger
  private let server = Mutex<HTTPServer?>(nil)
  private struct Running: Sendable {
    var attachment: Attachment
    var environment: Environment
    var process: AttachedProcess
  }
  /// At most one for each version of a function.
  private let running = Mutex<[String: Running]>([:])

  init(control: ControlPlane, placement: Placement, roles: any RolePort, ambient: Ambient, logger: Logger) {
    (self.control, self.placement, self.roles, self.ambient, self.logger) = (control, placement, roles, ambient, logger)
  }

  func serve(on server: HTTPServer) { self.server.withLock { $0 = server } }

  /// - Throws: `AWSError` for a function that cannot be run.
  func version(_ request: Request) async throws -> FunctionVersion {
    var version = try await control.resolve(request.name).version
    switch version.state {
    case .pending: throw LambdaError.pending(version.id)
    case .failed: throw LambdaError.failedFunction(version.id)
    case .active: break
    }
    guard !placement.isAttached(version) else {
      throw AWSError("ResourceConflictException", "A process is attached to \(version.qualifiedARN) already.", status: 409)
    }
    if !request.hasTimeout { version.timeout = Self.endless }
    return version
  }

  /// Lives as long as the command reads: when it goes away, whatever the reason, the function goes back to sandboxes.
  func serve(_ version: FunctionVersion, _ request: Request, _ write: @Sendable ([UInt8]) async throws -> Void) async throws {
    guard let server = server.withLock({ $0 }) else { throw LambdaError.service("the server is starting") }
    let credentials: SessionCredentials
    do { credentials = try await Launcher.credentials(for: version, from: roles) } catch let failure as LaunchFailure {
      return try await write(Attachment.Message.end(reason: "It cannot be attached: \(failure).").line)
    }
    let attachment = Attachment(id: ambient.random.bytes(16).hex, clock: ambient.clock)
    let process = AttachedProcess { [weak self] in self?.end(attachment.id, reason: "Its time is over, or the function is gone. The process is ended.") }
    let environment = placement.makeAttached(version, process) { attachment.tell(.log($0)) }
    let api = AttachedRuntimeAPI(
      inner: RuntimeAPIHandler(environment: environment), environment: environment, attachment: attachment)
    let listener = try await server.listen(host: "127.0.0.1", port: 0, label: "attached", handler: api)
    running.withLock { $0[attachment.id] = Running(attachment: attachment, environment: environment, process: process) }
    guard placement.attach(environment) else {
      end(attachment.id, reason: "Another process was attached first.")
      await server.close(listener, abort: true)
      return try await write(Attachment.Message.end(reason: "Another process is attached to the function.").line)
    }
    logger.info("a process is attached", metadata: ["function": "\(version.qualifiedARN)"])
    let variables = LaunchPlan.attached(
      to: version, credentials, logStream: environment.logStream, runtimeAPI: "127.0.0.1:\(listener.port ?? 0)",
      endpoint: request.endpoint)
    attachment.tell(.attached(id: attachment.id, arn: version.qualifiedARN, variables: variables))
    await attachment.deliver(write)
    exited(attachment.id, .signalled(9))
    await server.close(listener, abort: true)
    logger.info("a process is detached", metadata: ["function": "\(version.qualifiedARN)"])
  }

  /// The command has told of output. False for an attachment that is over.
  func wrote(_ id: String, _ bytes: [UInt8], flush: UInt64?) -> Bool {
    guard let running = running.withLock({ $0[id] }) else { return false }
    let isTaken = bytes.isEmpty || running.process.wrote(bytes)
    if let flush { running.attachment.flushed(flush) }
    return isTaken
  }

  func held(_ id: String, _ isHeld: Bool) -> Bool {
    guard let running = running.withLock({ $0[id] }) else { return false }
    running.environment.hold(.debugger, isHeld)
    return true
  }

  /// Its environment may go on in a sandbox, where nobody holds the time.
  private func take(_ id: String) -> Running? {
    guard let running = running.withLock({ $0.removeValue(forKey: id) }) else { return nil }
    for holder in [HeldTime.Holder.start, .debugger] { running.environment.hold(holder, false) }
    return running
  }

  /// The process has ended by itself. What it worked on fails as an exit of the runtime, what waits goes to sandboxes.
  @discardableResult
  func exited(_ id: String, _ end: ProcessEnd) -> Bool {
    guard let running = take(id) else { return false }
    placement.detach(running.environment) { running.process.ended(end) }
    running.attachment.finish()
    return true
  }

  /// The server ends it.
  private func end(_ id: String, reason: String) {
    guard let running = take(id) else { return }
    running.attachment.tell(.end(reason: reason))
    placement.detach(running.environment) { running.process.ended(.signalled(9)) }
    running.attachment.finish()
  }
}
