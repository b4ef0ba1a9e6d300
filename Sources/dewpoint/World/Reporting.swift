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

  /// What the health page says besides version and services.
  static func health(_ settings: ServerSettings, uptime: Duration) -> JSONObject {
    JSONObject([
      ("uptimeSeconds", .double(Double(uptime.inMilliseconds) / 1000)),
      ("isolation", settings.isIsolated ? "isolated" : "plain processes, NOT ISOLATED"),
      ("storage", settings.dataDirectory == nil ? "memory" : "disk"),
    ])
  }
}
