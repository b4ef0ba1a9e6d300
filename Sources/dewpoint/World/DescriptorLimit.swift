#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// How many file descriptors the process may have open.
enum DescriptorLimit {
  /// Raises it as far as it goes, and returns it. Each connection is a descriptor, and the soft limit of many systems (1,024)
  /// is there for programs that use `select`.
  static func raise() -> Int {
    var limit = rlimit()
    guard getrlimit(resource, &limit) == 0 else { return 1024 }
    let most = rlim_t(65_536)
    if limit.rlim_cur < min(limit.rlim_max, most) {
      limit.rlim_cur = min(limit.rlim_max, most)
      guard setrlimit(resource, &limit) == 0, getrlimit(resource, &limit) == 0 else { return 1024 }
    }
    return Int(clamping: limit.rlim_cur)
  }
  #if canImport(Glibc)
    private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
  #else
    private static let resource = RLIMIT_NOFILE
  #endif
}
