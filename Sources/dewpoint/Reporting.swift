import Base
import Fabric

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What the server tells people about itself.
enum Reporting {
  static func monotonic() -> Duration {
    var t = timespec()
    clock_gettime(CLOCK_MONOTONIC, &t)  // Taken before there is an Ambient, for the time that the start took.
    return .seconds(t.tv_sec) + .nanoseconds(t.tv_nsec)
  }

  /// The one line on standard output. Tools wait for the `Ready.` at its end.
  static func ready(host: String, port: Int, data: String) {
    print("Dewpoint \(Dewpoint.version) endpoint=http://\(host):\(port) data=\(data) Ready.")
    fflush(nil)
  }

  static func health(_ apis: [ServiceAPI], since began: Duration, isolation: String, directory: String?) -> PageAnswer {
    var services = JSONObject()
    for api in apis.sorted(by: { $0.model.name < $1.model.name }) { services[api.model.name] = "running" }
    return .json(
      [
        "status": "ok", "version": .string(Dewpoint.version),
        "uptimeSeconds": .double(Double((monotonic() - began).inMilliseconds) / 1000), "services": .object(services),
        "isolation": .string(isolation), "storage": directory == nil ? "memory" : "disk",
      ])
  }
}
