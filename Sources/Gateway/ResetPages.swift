import Base
import Fabric

/// The pages that empty the state, under our own path and those by which tests of other emulators ask for it.
public enum ResetPages {
  /// - Parameters:
  ///   - refusal: why the state may not be emptied by a page; nil when it may.
  ///   - everything: empties all of it; the clock goes back to real time unless it is to be kept.
  ///   - account: empties one account; the clock stays.
  public static func pages(
    refusal: String?, everything: @escaping @Sendable (_ keepsClock: Bool) async throws -> Void,
    account: @escaping @Sendable (AccountID) async throws -> Void
  ) -> [InternalPage] {
    ["reset", "/_localstack/state/reset", "/moto-api/reset"].map { path in
      InternalPage(path) { request in
        try request.require("POST")
        if let refusal { return .message(403, refusal) }
        if let text = request.parameter("account") {
          guard let chosen = AccountID(text) else { return .message(400, "An account has twelve digits.") }
          try await account(chosen)
        } else {
          let clock = request.parameter("clock")
          guard clock == nil || clock == "keep" else { return .message(400, "The parameter clock can only be 'keep'.") }
          try await everything(clock == "keep")
        }
        return .json(["status": "ok"])
      }
    }
  }
}
