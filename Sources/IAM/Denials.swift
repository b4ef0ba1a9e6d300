import Base
import Fabric
import Synchronization

/// A call that was refused, with what would have allowed it.
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
  /// A policy statement that allows the call, ready to paste; nil where a statement denies it explicitly.
  public let missingStatement: String?

  init(_ access: Access, _ call: Call, _ decision: Decision) {
    (time, account, region, principal) = (call.now, call.account, call.region, call.principal.arn)
    (action, resource) = (access.action, access.resource)
    message = decision.message(for: access, principal: call.principal)
    var fields: [(String, JSON)] = [("Effect", "Allow")]
    switch decision {
    case .allowed, .explicitDeny: missingStatement = nil
    case .implicitDeny(let type):
      switch type {
      case .resource, .trust:
        let isService = if case .service = call.principal { true } else { false }
        fields.append(("Principal", [isService ? "Service" : "AWS": .string(principal)]))
      case .identity, .boundary, .session: break
      }
      fields.append(("Action", .string(action)))
      if type != .trust { fields.append(("Resource", .string(resource))) }
      missingStatement = JSON.object(JSONObject(fields)).text
    }
  }
}

/// The last denials, in a ring.
final class DenialLog: Sendable {
  private struct Ring {
    var denials: [Denial] = []
    var next = 0
  }
  private let ring = Mutex(Ring())

  func add(_ denial: Denial) {
    ring.withLock {
      if $0.denials.count < IAMLimits.recentDenials { $0.denials.append(denial) } else { $0.denials[$0.next] = denial }
      $0.next = ($0.next + 1) % IAMLimits.recentDenials
    }
  }

  var newestFirst: [Denial] {
    ring.withLock { ring in
      guard ring.denials.count == IAMLimits.recentDenials else { return ring.denials.reversed() }
      return (ring.denials[ring.next...] + ring.denials[..<ring.next]).reversed()
    }
  }
}
