import Base
import Fabric

/// The pages that tools wait on until a server is ready: our own, and in the shapes of LocalStack for what knows only those
/// (https://docs.localstack.cloud/references/internal-endpoints/).
public enum HealthPages {
  /// - Parameters:
  ///   - services: that are served, by their model names.
  ///   - details: further members of our own page.
  public static func pages(version: String, services: [String], details: @escaping @Sendable () -> JSONObject) -> [InternalPage] {
    let running = JSON.object(JSONObject(services.sorted().map { ($0, JSON.string("running")) }))
    return [
      page("health") {
        var members: JSONObject = JSONObject([("status", "ok"), ("version", .string(version)), ("services", running)])
        for (name, value) in details() { members[name] = value }
        return .object(members)
      },
      page("/_localstack/health") {
        ["services": running, "edition": "dewpoint", "version": .string(version)]
      },
      page("/_localstack/init") {
        ["completed": ["BOOT": true, "START": true, "READY": true, "SHUTDOWN": false], "scripts": []]
      },
    ] + ["boot", "start", "ready", "shutdown"].map { stage in
      page("/_localstack/init/\(stage)") { ["completed": .bool(stage != "shutdown"), "scripts": []] }
    }
  }

  private static func page(_ path: String, _ answer: @escaping @Sendable () -> JSON) -> InternalPage {
    InternalPage(path, for: .everybody) { request in
      try request.require("GET")
      return .json(answer())
    }
  }
}
