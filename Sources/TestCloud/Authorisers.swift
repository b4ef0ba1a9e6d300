import Base
import Fabric
import Synchronization

/// Allows everything, except what a test forbids, and remembers what it was asked.
public final class ScriptedAuthoriser: Authoriser {
  public struct Question: Sendable, Equatable {
    public var action: String
    public var resource: String
    public var principal: String
    public var service: String
    public var conditionValues: [String: [String]]
  }
  private struct State {
    var deniesAll = false
    var denied: Set<String> = []
    var asked: [Question] = []
  }
  private let state: Mutex<State>

  public init(denyingAll: Bool = false) { state = Mutex(State(deniesAll: denyingAll)) }
  public static func allowAll() -> ScriptedAuthoriser { ScriptedAuthoriser() }
  public static func denyAll() -> ScriptedAuthoriser { ScriptedAuthoriser(denyingAll: true) }

  /// Forbids these actions, and no others than these, from now on. An action may be bound to a resource: `sqs:SendMessage arn:…`.
  public func deny(_ actions: String...) { state.withLock { ($0.denied, $0.deniesAll) = (Set(actions), false) } }
  public func allowAll() { state.withLock { ($0.denied, $0.deniesAll) = ([], false) } }

  /// Every question since the beginning or the last `forget`, in its order.
  public var asked: [Question] { state.withLock { $0.asked } }
  public func forget() { state.withLock { $0.asked = [] } }

  public func authorise(_ access: Access, for call: Call) async throws {
    let isDenied = state.withLock { state in
      state.asked.append(
        Question(action: access.action, resource: access.resource, principal: call.principal.arn, service: call.service,
          conditionValues: access.conditionValues))
      return state.deniesAll || state.denied.contains(access.action) || state.denied.contains("\(access.action) \(access.resource)")
    }
    if isDenied {
      throw AWSError(
        "AccessDeniedException",
        "User: \(call.principal.arn) is not authorized to perform: \(access.action) on resource: \(access.resource) because no "
          + "identity-based policy allows the \(access.action) action", status: 403)
    }
  }
}

/// Keys by their id, for tests of what comes before IAM.
public final class ScriptedKeys: KeyDirectory {
  private let table: Mutex<[String: Result<KeyIdentity, any Error>]>

  public init(_ identities: [String: KeyIdentity] = [:]) { table = Mutex(identities.mapValues { .success($0) }) }

  public func set(_ accessKeyID: String, _ identity: KeyIdentity) { table.withLock { $0[accessKeyID] = .success(identity) } }
  public func fail(_ accessKeyID: String, _ error: any Error) { table.withLock { $0[accessKeyID] = .failure(error) } }

  public func identity(accessKeyID: String, sessionToken: String?, now: Instant) async throws -> KeyIdentity {
    guard let found = table.withLock({ $0[accessKeyID] }) else { throw KeyFailure.unknown }
    return try found.get()
  }
}
