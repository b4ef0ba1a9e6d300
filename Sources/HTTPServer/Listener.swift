import Base
import NIOCore
import Synchronization

/// Identifies a listening socket of one server.
public struct ListenerID: Hashable, Sendable {
  let number: UInt64
}

/// A listening socket that the server holds.
public struct HTTPListener: Sendable, Hashable {
  public let id: ListenerID
  public let label: String
  /// The bound IP address and port; nil for sockets of another family.
  public let host: String?
  public let port: Int?
}

/// What the connections of one listening socket share.
final class Listener: Sendable {
  /// Limits that differ between sockets that the server opened and sockets that it was given.
  struct Limits: Sendable {
    var connections: Int
    var headBytes: Int
  }
  let id: ListenerID
  let label: String
  let handler: any HTTPHandler
  let transport: HTTPTransport
  let limits: Limits
  private let connections = Atomic<Int>(0)

  init(id: ListenerID, label: String, handler: any HTTPHandler, transport: HTTPTransport, limits: Limits) {
    (self.id, self.label, self.handler, self.transport, self.limits) = (id, label, handler, transport, limits)
  }

  /// False when the listener has all the connections that it may have.
  func admitConnection() -> Bool {
    if connections.add(1, ordering: .relaxed).newValue <= limits.connections { return true }
    connections.subtract(1, ordering: .relaxed)
    return false
  }
  func connectionEnded() { connections.subtract(1, ordering: .relaxed) }
}
