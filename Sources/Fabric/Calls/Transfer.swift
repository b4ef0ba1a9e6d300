import Base
import Synchronization
import Wire

/// The bytes that come with a call, piece by piece: the body of an S3 object is never a slot of a record.
///
/// Whoever reads it to its end without an error has got all of it, as the client declared it: length, hash, chunk signatures and a
/// checksum in the trailer hold. What was read before an error must be forgotten.
public final class IncomingBytes: Sendable {
  public typealias Next = @Sendable () async throws -> [UInt8]?

  /// What the client says; nil when it did not say.
  public let length: Int?
  /// The checksum that comes after the bytes.
  public let trailingChecksum: ChecksumAlgorithm?
  private let pieces: Next
  private let checksum: @Sendable () -> DeclaredChecksum?

  /// - Parameters:
  ///   - trailer: the checksum that came after the bytes and is right; asked after the end.
  ///   - pieces: the next piece, nil at the end. Throws `AWSError`.
  public init(
    length: Int?, trailingChecksum: ChecksumAlgorithm? = nil, trailer: @escaping @Sendable () -> DeclaredChecksum? = { nil },
    pieces: @escaping Next
  ) {
    (self.length, self.trailingChecksum, checksum, self.pieces) = (length, trailingChecksum, trailer, pieces)
  }

  /// Bytes that are there already.
  public convenience init(_ bytes: [UInt8]) {
    let rest = Mutex<[UInt8]?>(bytes.isEmpty ? nil : bytes)
    self.init(length: bytes.count) { rest.withLock { $0.take() } }
  }

  /// The next piece; nil at the end.
  public func next() async throws -> [UInt8]? { try await pieces() }
  /// The checksum that came after the bytes, once they have been read to their end.
  public var trailer: DeclaredChecksum? { checksum() }
}

/// The answer of an operation that takes or gives bytes.
public struct TransferOutput: Sendable {
  public typealias Send = @Sendable ([UInt8]) async throws -> Void

  /// What is no stream: the members in header fields, or a body of XML.
  public var record: Record
  /// Other than the model's.
  public var status: Int?
  /// Nil: the answer is the record alone.
  public var bytes: Outgoing?

  /// Bytes that go out piece by piece.
  public struct Outgoing: Sendable {
    public var count: Int
    /// Each `send` returns once the client has taken enough of what was sent before. What this throws cuts the connection off, so
    /// that the client sees that the end is missing.
    public var write: @Sendable (_ send: @escaping Send) async throws -> Void

    public init(count: Int, write: @escaping @Sendable (_ send: @escaping Send) async throws -> Void) {
      (self.count, self.write) = (count, write)
    }
  }

  public init(_ record: Record, status: Int? = nil, bytes: Outgoing? = nil) {
    (self.record, self.status, self.bytes) = (record, status, bytes)
  }
}

extension Operation {
  /// Calls between services carry bytes in the slot of the body, and so cannot carry many.
  public static let maximumInside = 64 << 20

  /// An operation that takes or gives bytes, called with a record whose body slot holds them, answered in the same way.
  static func wholeTransfer(
    _ name: String, _ transfer: @escaping @Sendable (Record, IncomingBytes, Call) async throws -> TransferOutput
  ) -> @Sendable (Record, Call) async throws -> Record? {
    { input, call in
      var input = input
      var body: [UInt8] = []
      if let place = input.shape.bytesPlace {
        body = input.slots[place]?.blob ?? []
        input.slots[place] = nil
      }
      let output = try await transfer(input, IncomingBytes(body), call)
      guard let bytes = output.bytes, let place = output.record.shape.bytesPlace else { return output.record }
      guard bytes.count <= maximumInside else {
        throw AWSError(
          "InvalidRequest", "\(name) cannot be called from another service for more than \(maximumInside) bytes.", status: 400)
      }
      let all = Mutex<[UInt8]>([])
      try await bytes.write { piece in all.withLock { $0 += piece } }
      var record = output.record
      record.slots[place] = .blob(all.withLock { $0 })
      return record
    }
  }
}

extension StructureShape {
  /// Where a record has its body of bytes.
  fileprivate var bytesPlace: Int? {
    members.firstIndex { member in
      guard member.location == .payload, case .blob = member.type else { return false }
      return true
    }
  }
}
