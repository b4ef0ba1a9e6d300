import Base
import Fabric

extension Ambient {
  /// A clock that stands still and the same random bytes on each run.
  public static func test(seed: UInt64 = 7, clock: TestClock = TestClock()) -> Ambient {
    Ambient(clock: clock, random: SeededRandom(seed: seed))
  }
}

extension TraceContext {
  public static let test = TraceContext(root: "1-00000000-000000000000000000000000")
}

extension AccountID {
  /// An account for tests: the digit twelve times.
  /// - Parameter digit: 0 to 9; others are taken for 0.
  public static func test(_ digit: Int) -> AccountID { AccountID(String(repeating: "\(digit)", count: 12)) ?? .local }
}

extension Principal {
  public static func user(_ name: String, in account: AccountID = .local) -> Principal {
    .user(account: account, name: name, path: "/", id: "AIDA" + unique(name))
  }
  public static func role(
    _ name: String, in account: AccountID = .local, session: String = "session", policies: [String] = []
  ) -> Principal {
    .role(
      RoleSession(
        account: account, roleName: name, roleID: "AROA" + unique(name), sessionName: session, sessionPolicies: policies))
  }
  public static func service(_ name: String, from arn: ARN) -> Principal {
    .service(ServicePrincipal(name, sourceARN: arn.text, sourceAccount: AccountID(arn.account)))
  }

  /// The rest of an id: 17 letters that tell the name.
  private static func unique(_ name: String) -> String {
    String((name.uppercased().filter { $0.isLetter && $0.isASCII } + String(repeating: "X", count: 17)).prefix(17))
  }
}

extension Call {
  /// A call as the gateway would make it.
  public static func test(
    _ service: String, _ operation: String, as principal: Principal = .root(.local), region: Region = .usEast1,
    at now: Instant = TestClock().now(), isQueryProtocol: Bool = false
  ) -> Call {
    Call(
      service: service, operation: operation, principal: principal, account: principal.account ?? .local, region: region,
      requestID: "test", trace: .test, now: now, sourceIP: "127.0.0.1", userAgent: "tests/1", isQueryProtocol: isQueryProtocol)
  }
}
