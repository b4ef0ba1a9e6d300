import Base
import Fabric
import Store
import Synchronization

/// Signs what goes out, with keys that are made when the first one is needed and kept in the store.
///
/// There are two keys. What leaves for endpoints of HTTP/S and for mail has one of 2048 bits, as on AWS. What goes to queues and functions
/// within this server comes by a way that IAM guards, and there are thousands a second of it: its key has 1024 bits, which cost a quarter.
final class MessageSigner: Sendable {
  enum Strength: Int, Sendable, CaseIterable { case inside = 1024, outside = 2048 }

  private struct State {
    var identities: [Strength: SigningIdentity] = [:]
    /// By message: all its subscriptions get the same signature.
    var signatures: [String: String] = [:]
  }
  private let state = Mutex(State())
  private let store: any Store
  private let clock: any AmbientClock

  init(_ store: any Store, _ clock: any AmbientClock) { (self.store, self.clock) = (store, clock) }

  /// The notification with its signature, in the name of the subscription.
  func envelope(_ notification: Notification, for subscription: String, _ strength: Strength) async throws -> Envelope {
    let identity = try await identity(strength)
    let memory = "\(strength.rawValue) \(notification.signatureVersion.rawValue) \(notification.id) \(notification.kind.word)"
    let text = notification.canonicalText
    // A message may have a body for each protocol.
    let key = memory + " \(text.count) \(notification.body.hashValue)"
    var signature = state.withLock { $0.signatures[key] }
    if signature == nil {
      let made = try identity.signature(text, notification.signatureVersion)
      signature = made
      state.withLock { state in
        if state.signatures.count >= SNSLimits.rememberedSignatures { state.signatures.removeAll(keepingCapacity: true) }
        state.signatures[key] = made
      }
    }
    return Envelope(
      notification: notification, subscription: subscription, signature: signature ?? "",
      certificateURL: "\(notification.endpoint)\(Self.path)\(identity.fileName)")
  }
  /// Where certificates are served.
  static let path = "/_dewpoint/sns/"

  private func identity(_ strength: Strength) async throws -> SigningIdentity {
    if let known = state.withLock({ $0.identities[strength] }) { return known }
    let key = Keys.signingKey(strength.rawValue)
    if let row = try await store.read({ try $0.get(key) }) { return keep(try SigningIdentity(row: row), strength) }
    let made = try SigningIdentity.make(bits: strength.rawValue, at: clock.wallNow()).row
    let row = try await store.transact { rows in
      if let present = try rows.get(key) { return present }
      try rows.set(key, made)
      return made
    }
    return keep(try SigningIdentity(row: row), strength)
  }
  private func keep(_ identity: SigningIdentity, _ strength: Strength) -> SigningIdentity {
    state.withLock { $0.identities[strength] = identity }
    return identity
  }

  /// The certificates, for everybody: verifiers fetch them by the `SigningCertURL` of a message.
  var page: InternalPage {
    InternalPage("sns/", for: .everybody) { request in
      try request.require("GET")
      for strength in Strength.allCases {
        guard let row = try await self.store.read({ try $0.get(Keys.signingKey(strength.rawValue)) }) else { continue }
        let identity = try SigningIdentity(row: row)
        guard request.path == Self.path + identity.fileName else { continue }
        return PageAnswer(contentType: "application/x-pem-file", body: Array(identity.certificate.utf8))
      }
      throw AWSError("NotFound", "There is no such certificate.", status: 404)
    }
  }
}
