import Base
import Fabric
import Store
import Synchronization
import Wire

extension PostObjectInput: BucketInput {}

/// Uploads from browsers: a form with a signed policy, and a file (POST Object).
extension S3Service {
  var formOperations: [Operation] {
    // Who asks, for which key, stands in the form: it is authorised once that has been read.
    [Operation("PostObject", access: { (_: PostObjectInput, _) in [] }, transfer: postObject)]
  }

  private func postObject(_ input: PostObjectInput, _ body: IncomingBytes, _ call: Call) async throws -> TransferOutput {
    let state = try await buckets.existing(input.bucket)
    guard let reader = FormReader(body, contentType: input.contentType) else {
      throw AWSError("PreconditionFailed", "Bucket POST must be of the enclosure-type multipart/form-data", status: 412,
        members: [("Condition", "Bucket POST must be of the enclosure-type multipart/form-data")])
    }
    var form = UploadForm(try await reader.fields(), bucket: input.bucket)
    guard let file = reader.file else { throw S3Error.invalidArgument("POST requires exactly one file upload per request.", "file", "0") }
    let key = try form.key(fileName: file.name)
    let call = try await signed(form, call)
    let policy = try form.fields["policy"].map { text throws(AWSError) in try PostPolicy(text) }
    // Whoever signed it did so by real time.
    try policy?.check(form.fields, at: ambient.clock.wallNow())
    let write = try form.write(key)
    let stated = RequestFacts.conditionValues(write.record)
    for action in Self.writeActions(write.record) {
      var access = try await access(action, bucket: input.bucket, key: key, call)
      access.conditionValues.merge(stated) { _, new in new }
      try await neighbours.authoriser.authorise(access, for: call)
    }
    let description = try description(write, in: state, call)
    let declared = try DeclaredBytes(write.record, IncomingBytesFacts(length: nil, trailing: nil, isInside: true))
    let received = try await receive(reader.bytes(policy?.length), declared, isOpen: true)
    let checksum = ObjectChecksum(algorithm: declared.algorithm, kind: .fullObject, value: received.checksum(declared.algorithm))
    let facts = ObjectFacts(size: received.size, eTag: received.eTag, checksum: checksum, description: description)
    let new = newObject(
      input.bucket, key, facts, received.content, try WriteConditions(ifMatch: nil, ifNoneMatch: nil), .createdPost,
      owner: state.owner(ofNewBy: call.principal, acl: write.acl))
    let made = try await commit(received) { rows in try self.insert(new, call, rows) }
    finished(made)
    return form.answer(key, eTag: EntityTags.quoted(received.eTag), version: made.version.shownID(in: made.state), call)
  }

  /// The call as that of who signed the form. Throws InvalidAccessKeyId and SignatureDoesNotMatch.
  private func signed(_ form: UploadForm, _ call: Call) async throws -> Call {
    guard let signature = try FormSignature(form.fields) else { return call }
    let identity: KeyIdentity
    do {
      identity = try await neighbours.keys.identity(
        accessKeyID: signature.accessKeyID, sessionToken: signature.sessionToken, now: ambient.now)
    } catch KeyFailure.expired {
      throw AWSError("ExpiredToken", "The provided token has expired.", status: 400)
    } catch is KeyFailure {
      throw AWSError(
        "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.", status: 403,
        members: [("AWSAccessKeyId", .string(signature.accessKeyID))])
    }
    // A key that nobody issued is not believed from function code, as anywhere.
    if identity.secret == nil, call.isFromFunction {
      throw AWSError("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.", status: 403)
    }
    if let secret = identity.secret, !signature.isRight(secret) {
      throw AWSError(
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. Check your key and signing method.", status: 403)
    }
    var call = call
    (call.principal, call.accessKeyID, call.region) = (identity.principal, signature.accessKeyID, signature.region)
    call.account = identity.principal.account ?? call.account
    call.conditionValues.merge(identity.conditionValues) { _, new in new }
    return call
  }
}

/// A form as it is read: its fields at once, the file piece by piece.
final class FormReader: Sendable {
  private struct State {
    var parser: FormParser
    /// Bytes of the file that came with the last field.
    var first: [UInt8] = []
  }
  private let body: IncomingBytes
  private let state: Mutex<State>

  /// Nil when the body is no form.
  init?(_ body: IncomingBytes, contentType: String?) {
    guard let parser = FormParser(contentType: contentType, limit: S3Limits.formFieldBytes) else { return nil }
    self.body = body
    state = Mutex(State(parser: parser))
  }

  var file: FormParser.File? { state.withLock { $0.parser.file } }

  /// The fields before the file, by name in lower case.
  func fields() async throws -> [String: String] {
    while file == nil, let piece = try await body.next() {
      try state.withLock { state throws in
        state.first += try Self.outward { () throws(FormParser.Failure) in try state.parser.feed(piece) }
      }
    }
    if file == nil { try finish() }
    return state.withLock { state in Dictionary(state.parser.fields.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first }) }
  }

  /// The file. Throws EntityTooLarge and EntityTooSmall by what the policy allows.
  func bytes(_ allowed: ClosedRange<Int>?) -> IncomingBytes {
    let count = Mutex(0)
    return IncomingBytes(length: nil) {
      while true {
        var piece = self.state.withLock { state in
          defer { state.first = [] }
          return state.first
        }
        var isOver = false
        if piece.isEmpty {
          if let raw = try await self.body.next() {
            piece = try self.state.withLock { state throws in
              try Self.outward { () throws(FormParser.Failure) in try state.parser.feed(raw) }
            }
          } else {
            try self.finish()
            isOver = true
          }
        }
        let size = count.withLock { count in
          count += piece.count
          return count
        }
        if let allowed, size > allowed.upperBound { throw S3Error.formTooLarge(size, allowed) }
        if isOver, let allowed, size < allowed.lowerBound { throw S3Error.formTooSmall(size, allowed) }
        if isOver { return nil }
        if !piece.isEmpty { return piece }
      }
    }
  }

  private func finish() throws {
    try state.withLock { state throws in try Self.outward { () throws(FormParser.Failure) in try state.parser.finish() } }
  }

  private static func outward<T>(_ body: () throws(FormParser.Failure) -> T) throws(AWSError) -> T {
    do throws(FormParser.Failure) {
      return try body()
    } catch {
      switch error {
      case .malformed: throw AWSError("MalformedPOSTRequest", "The body of your POST request is not well-formed multipart/form-data.", status: 400)
      case .fieldsTooLarge:
        throw AWSError(
          "MaxPostPreDataLengthExceeded", "Your POST request fields preceding the upload file were too large.", status: 400)
      case .noFile: throw S3Error.invalidArgument("POST requires exactly one file upload per request.", "file", "0")
      }
    }
  }
}
