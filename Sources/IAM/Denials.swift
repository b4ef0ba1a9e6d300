import Base
import Fabric
import Synchronization

/// A call that was refused, with what refused it and what would have allowed it.
public struct Denial: Sendable {
  public let time: Instant
  public let account: AccountID
  public let region: Region
  /// The caller's ARN, or the service's name.
  public let principal: String
  public let action: String
  public let resource: String
  /// The text that the client got.
  public let message: String
  /// `identity-based policy`, `permissions boundary`, `session policy`, `resource-based policy` or `role trust policy`.
  public let policyType: String
  /// A statement denies the call, and no further permission helps.
  public let isExplicit: Bool
  /// The inline policy (`role_NAME_POLICY`) or the managed policy's ARN in which the denying statement stands, if it has one.
  public let policy: String?
  /// The denying statement: its Sid, or its place from 1.
  public let statement: String?
  /// A policy statement that allows the call, ready to paste; nil where a statement denies it explicitly.
  public let missingStatement: String?
  /// Facts of the request that conditions may test.
  let context: [String: [String]]

  init(_ access: Access, _ call: Call, _ decision: Decision, _ denying: DenyingStatement?, provider: String? = nil) {
    (time, account, region, principal) = (call.now, call.account, call.region, provider ?? call.principal.arn)
    (action, resource, context) = (access.action, access.resource, access.conditionValues)
    message = decision.message(for: access, principal: call.principal)
    policy = denying?.policy
    statement = denying.map { $0.sid ?? "number \($0.index + 1)" }
    switch decision {
    case .allowed: (policyType, isExplicit, missingStatement) = ("", false, nil)
    case .explicitDeny(let type): (policyType, isExplicit, missingStatement) = (type.rawValue, true, nil)
    case .implicitDeny(let type):
      (policyType, isExplicit) = (type.rawValue, false)
      missingStatement = Self.missing(type, access, call.principal, provider)
    }
  }

  private static func missing(_ type: PolicyType, _ access: Access, _ principal: Principal, _ provider: String?) -> String {
    var fields: [(String, JSON)] = [("Effect", "Allow")]
    switch type {
    case .resource, .trust:
      switch principal {
      case .service: fields.append(("Principal", ["Service": .string(principal.arn)]))
      case .anonymous: fields.append(("Principal", provider.map { ["Federated": .string($0)] } ?? "*"))
      // A session comes and goes; the role is what a policy means to name.
      case .role(let session): fields.append(("Principal", ["AWS": .string(session.roleARN)]))
      case .root, .user, .federated: fields.append(("Principal", ["AWS": .string(principal.arn)]))
      }
    case .identity, .boundary, .session: break
    }
    fields.append(("Action", .string(access.action)))
    if type != .trust { fields.append(("Resource", .string(access.resource))) }
    return JSON.object(JSONObject(fields)).text
  }
}

/// The last denials, in a ring. Each has a number that only grows, so that a reader can ask for those after one.
final class DenialLog: Sendable {
  struct Numbered: Sendable {
    var number: Int
    var denial: Denial
  }
  private struct Ring {
    var denials: [Numbered] = []
    var next = 0
    var count = 0
  }
  private let ring = Mutex(Ring())

  func add(_ denial: Denial) {
    ring.withLock {
      $0.count += 1
      let numbered = Numbered(number: $0.count, denial: denial)
      if $0.denials.count < IAMLimits.recentDenials { $0.denials.append(numbered) } else { $0.denials[$0.next] = numbered }
      $0.next = ($0.next + 1) % IAMLimits.recentDenials
    }
  }

  /// Since the process began.
  var count: Int { ring.withLock { $0.count } }

  var newestFirst: [Numbered] {
    ring.withLock { ring in
      guard ring.denials.count == IAMLimits.recentDenials else { return ring.denials.reversed() }
      return (ring.denials[ring.next...] + ring.denials[..<ring.next]).reversed()
    }
  }

  func removeAll(of account: AccountID) {
    ring.withLock { ring in
      // In the order of time, so that the ring begins anew at its start.
      let all = ring.denials.sorted { $0.number < $1.number }.filter { $0.denial.account != account }
      ring.denials = all
      ring.next = all.count % IAMLimits.recentDenials
    }
  }
}
