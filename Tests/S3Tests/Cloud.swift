import Base
import Fabric
import Store
import StoreMemory
import TestCloud
import Wire

@testable import S3

/// Knows the user `ann` alone.
struct OneUser: PrincipalPort {
  static let arn = "arn:aws:iam::000000000000:user/ann"
  static let id = "AIDAANN"
  func tied(_ document: String) async throws -> String {
    if document.contains(":user/bob") { throw AWSError("MalformedPolicyDocumentException", "there is no bob") }
    return document.replacing(Self.arn, with: Self.id)
  }
  func shown(_ document: String) async throws -> String { document.replacing(Self.id, with: Self.arn) }
}

extension TestCloud {
  /// S3 alone.
  static func s3() -> TestCloud { TestCloud { [S3Service.test($0)] } }

  var s3: S3Service {
    guard let s3 = modules.lazy.compactMap({ $0 as? S3Service }).first else { preconditionFailure("there is no S3") }
    return s3
  }
}

extension S3Service {
  static func test(_ parts: TestCloud.Parts) -> S3Service {
    S3Service(
      store: parts.store, bytes: parts.bytes, ambient: parts.ambient,
      neighbours: .init(authoriser: parts.authoriser, principals: OneUser(), door: parts.door), logger: .silent)
  }
}
