import Base
import Fabric

/// `GET /_dewpoint/denials`: the last calls that were refused.
///
/// `after=N` leaves out the denials up to number N, `account=` those of other accounts, `limit=` all but the newest;
/// `format=text` gives lines for people. The page also tells `last`, the number to ask for next.
extension IAMService {
  var denialsPage: InternalPage {
    InternalPage("denials") { [self] request in
      guard request.method == "GET" || request.method == "HEAD" else { return .text("Only GET.\n", status: 405) }
      let after = try number(request, "after") ?? 0
      let limit = try number(request, "limit") ?? IAMLimits.recentDenials
      let account = request.parameter("account")
      let wanted = denials.newestFirst.filter {
        $0.number > after && (account == nil || $0.denial.account.text == account)
      }
      // The oldest of them first, as a log reads.
      let page = wanted.prefix(limit).reversed()
      if request.parameter("format") == "text" {
        return .text(page.isEmpty ? "No call was refused.\n" : page.map(\.denial.text).joined(separator: "\n"))
      }
      var list: [JSON] = []
      for entry in page { list.append(try await json(entry)) }
      return .json(["denials": .array(list), "last": .int(Int64(denials.count))])
    }
  }

  private func number(_ request: PageRequest, _ name: String) throws -> Int? {
    guard let text = request.parameter(name) else { return nil }
    guard let number = Int(text), number >= 0 else { throw IAMError.validation("\(name) must be a number.") }
    return number
  }

  private func json(_ entry: DenialLog.Numbered) async throws -> JSON {
    let denial = entry.denial
    return [
      "number": .int(Int64(entry.number)), "time": .string(denial.time.iso8601Milliseconds), "account": .string(denial.account.text),
      "region": .string(denial.region.text), "principal": .string(denial.principal), "action": .string(denial.action),
      "resource": .string(denial.resource), "reason": .string(denial.reason), "policyType": .string(denial.policyType),
      "explicitDeny": .bool(denial.isExplicit), "policy": JSON(denial.policy), "statement": JSON(denial.statement),
      "missingStatement": denial.missingStatement.flatMap { try? JSON.parse($0) } ?? .null, "message": .string(denial.message),
      "encodedAuthorizationMessage": .string(try await encodedMessage(denial)),
    ]
  }
}

extension Denial {
  /// In one sentence, which policy said no.
  var reason: String {
    guard isExplicit else { return "no \(policyType) allows it" }
    return "explicit deny in \(policyType.hasPrefix("i") ? "an" : "a") \(policyType)" + (policy.map { " (\($0))" } ?? "") + (statement.map { ", statement \($0)" } ?? "")
  }

  /// Two or three lines.
  var text: String {
    let missing = missingStatement.map { "    missing: \($0)\n" } ?? ""
    return "\(time.iso8601Milliseconds)  \(account)  \(principal)\n    \(action) on \(resource): \(reason)\n\(missing)"
  }
}
