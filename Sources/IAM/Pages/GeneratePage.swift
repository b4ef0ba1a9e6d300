import Base
import Fabric

/// `GET /_dewpoint/iam/generate?role=NAME&account=ID` (or `user=NAME`): the least policy for what a role or user did.
///
/// `policy` covers the allowed calls, `refused` holds statements for the refused ones, `beyond` what the present policies
/// allow that was not used, and `isComplete` is false when there were more actions than are recorded.
extension IAMService {
  var generatePage: InternalPage {
    InternalPage("iam/generate") { [self] request in
      guard request.method == "GET" || request.method == "HEAD" else { return .text("Only GET.\n", status: 405) }
      let (kind, name) = try target(request)
      let account = try request.parameter("account").map { text in
        guard let account = AccountID(text) else { throw IAMError.validation("An account has twelve digits.") }
        return account
      }
      let (entity, texts) = try await read(account ?? .local) { rows in
        let entity = try rows.get(kind, name)
        return (entity, try PolicyTexts(rows, entity.id))
      }
      let least = LeastPolicy(uses: try await accessRecord(of: entity))
      return .json([
        "principal": .string(entity.arn), "policy": least.document, "refused": .array(least.refused),
        "beyond": .array(least.beyond(texts.identity)), "isComplete": .bool(least.uses.count < IAMLimits.recordedActions),
      ])
    }
  }

  private func target(_ request: PageRequest) throws -> (Entity.Kind, String) {
    switch (request.parameter("role"), request.parameter("user")) {
    case (let role?, nil): (.role, role)
    case (nil, let user?): (.user, user)
    case (_, _): throw IAMError.validation("Name either role= or user=.")
    }
  }
}
