import Synchronization

/// Where clients of this host reach the server, once it listens: the port may be a free one that nobody knew before.
final class ServerAddress: Sendable {
  private let port = Mutex<Int?>(nil)

  func listens(on port: Int) { self.port.withLock { $0 = port } }
  /// Plain HTTP is good for this host whatever the settings are.
  var url: String? { port.withLock { $0.map { "http://localhost:\($0)" } } }
}
