import Base
import Fabric

extension IAMService: PrincipalPort {
  public func tied(_ document: String) async throws -> String {
    try await store.read { try PolicyNames($0).tied(document) }
  }
  public func shown(_ document: String) async throws -> String {
    try await store.read { try PolicyNames($0).shown(document) }
  }
}
