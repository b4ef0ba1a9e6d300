import Base
import Testing

@testable import dewpoint

struct ConfigurationTests {
  private func make(_ file: String? = nil, _ environment: [String: String] = [:], _ arguments: [String] = []) throws -> Configuration {
    try Configuration(file: file.map { ("config.yaml", Array($0.utf8)) }, environment: environment, arguments: arguments)
  }
  private func failure(_ file: String? = nil, _ environment: [String: String] = [:], _ arguments: [String] = []) -> String? {
    do {
      _ = try make(file, environment, arguments).settings()
      return nil
    } catch { return (error as? ConfigurationError)?.description }
  }

  @Test func `without any choice the server is local, durable and isolated`() throws {
    let settings = try make().settings()
    #expect(settings.port == 4566)
    #expect(settings.host == "127.0.0.1")
    #expect(settings.dataDirectory?.hasSuffix("/.dewpoint") == true)
    #expect(settings.isIsolated)
    #expect(settings.rootKey == nil)
    #expect(settings.stopLimit == .seconds(20))
    #expect(settings.http.idleTimeout == .seconds(75))
  }

  @Test func `flags win over the environment, the environment wins over the file`() throws {
    let file = "port: 1\nhost: localhost\nlog-level: debug\nstop-limit: 1m"
    let configuration = try make(file, ["DEWPOINT_PORT": "2", "DEWPOINT_HOST": "::1"], ["--port", "3"])
    let settings = try configuration.settings()
    #expect(settings.port == 3)
    #expect(settings.host == "::1")
    #expect(settings.logLevel == .debug)
    #expect(settings.stopLimit == .seconds(60))
    func origin(_ name: String) -> String? { configuration.choices.first { $0.setting.name == name }?.origin.text }
    #expect(origin("port") == "--port")
    #expect(origin("host") == "DEWPOINT_HOST")
    #expect(origin("log-level") == "config.yaml")
    #expect(origin("data") == "default")
  }

  @Test func `lists come from a sequence, from repeated flags, and from one variable`() throws {
    #expect(try make("allow-hosts: [a.example, b.example]").settings().allowedHosts == ["a.example", "b.example"])
    #expect(try make("allow-hosts: a.example").settings().allowedHosts == ["a.example"])
    #expect(try make(nil, ["DEWPOINT_ALLOW_HOSTS": "a.example, b.example"]).settings().allowedHosts == ["a.example", "b.example"])
    #expect(try make(nil, [:], ["--allow-host", "a", "--allow-host=b"]).settings().allowedHosts == ["a", "b"])
    // A stronger origin takes the place of the whole list.
    #expect(try make("allow-hosts: [a]", [:], ["--allow-host", "b"]).settings().allowedHosts == ["b"])
    #expect(try make(nil, ["DEWPOINT_PYTHON": "/a:/b"]).settings().virtualEnvironments == ["/a", "/b"])
  }

  @Test func `toggles are turned on and off`() throws {
    #expect(try !make(nil, [:], ["--no-isolation"]).settings().isIsolated)
    #expect(try make("isolation: false", [:], ["--isolation"]).settings().isIsolated)
    #expect(try !make(nil, ["DEWPOINT_ISOLATION": "off"]).settings().isIsolated)
    #expect(try make("ephemeral: yes").settings().dataDirectory == nil)
  }

  @Test func `the stronger of data and ephemeral says what is meant`() throws {
    #expect(try make("data: /var/x", [:], ["--ephemeral"]).settings().dataDirectory == nil)
    #expect(try make("ephemeral: true", [:], ["--data", "/var/x"]).settings().dataDirectory == "/var/x")
    #expect(failure("ephemeral: true\ndata: /var/x")?.contains("leave data out") == true)
    #expect(failure(nil, [:], ["--ephemeral", "--data", "/x"])?.contains("leave data out") == true)
    #expect(failure(nil, ["DEWPOINT_EPHEMERAL": "1", "DEWPOINT_DATA": "/x"])?.contains("leave data out") == true)
  }

  @Test func `what is no setting is refused with the nearest name`() {
    #expect(failure("prot: 1") == "config.yaml:1: 'prot' is not a setting. Did you mean port?")
    #expect(failure(nil, ["DEWPOINT_ALLOW_HOST": "x"])?.hasSuffix("Did you mean DEWPOINT_ALLOW_HOSTS?") == true)
    #expect(failure(nil, [:], ["--emphemeral"])?.hasSuffix("Did you mean --ephemeral?") == true)
    #expect(failure("zzzzzzzzzzzz: 1") == "config.yaml:1: 'zzzzzzzzzzzz' is not a setting.")
    #expect(failure(nil, [:], ["stray"])?.contains("not expected") == true)
  }

  @Test(arguments: [
    "port: 65536", "port: -1", "port: http", "port: [1]", "port:", "port: {a: 1}", "ephemeral: maybe", "log-level: loud", "stop-limit: 20",
    "host: ''", "account: 12", "allow-hosts: {a: b}", "- port", "just text", "port: 1\nport: 2", "http-maximum-connections: 0",
    "root-key: short", "root-key: 'AKID:12345678:12'", "a: [", "1: 2", "? [a]\n: b", "port: 99999999999999999999999",
  ])
  func `a value that its setting cannot take is refused`(_ file: String) { #expect(failure(file) != nil) }

  @Test(arguments: [["--port"], ["--port", "x"], ["--port", "1", "--port", "2"], ["--no-port"], ["--ephemeral=perhaps"], ["-p"], ["--"]])
  func `a flag that makes no sense is refused`(_ arguments: [String]) { #expect(failure(nil, [:], arguments) != nil) }

  @Test(arguments: ["", "# nothing\n", "---\n"])
  func `an empty file chooses nothing`(_ file: String) { #expect(failure(file) == nil) }

  @Test func `beyond loopback a root key is needed`() throws {
    #expect(failure("host: 0.0.0.0")?.contains("root key") == true)
    #expect(failure("host: 0.0.0.0", ["DEWPOINT_ROOT_KEY": "AKIAROOT:longsecret"]) == nil)
    #expect(failure("host: 127.0.0.1") == nil)
  }

  @Test func `with a root key only the operator opens reset and snapshots`() throws {
    #expect(try make().settings().refusalOfStateControl == nil)
    let key = ["DEWPOINT_ROOT_KEY": "AKIAROOT:longsecret"]
    #expect(try make(nil, key).settings().refusalOfStateControl != nil)
    #expect(try make("allow-state-control: true", key).settings().refusalOfStateControl == nil)
  }

  @Test func `the account of unknown keys is that of a root key without one`() throws {
    let settings = try make("account: '111122223333'\nroot-key: AKIAROOT:longsecret").settings()
    #expect(settings.identity.standardAccount == AccountID("111122223333"))
    #expect(settings.rootKey?.account == AccountID("111122223333"))
  }

  private static let keys = #"{"keys": [{"kid": "a"}]}"#

  @Test func `issuers of web identities come from the file, from a variable and from a flag`() throws {
    let file = "web-identity:\n  - issuer: https://a.example\n    jwks: '\(Self.keys)'\n    audiences: [x, y]\n"
    let providers = try make(file).settings().identity.webIdentityProviders
    #expect(providers.map(\.issuer) == ["https://a.example"])
    #expect(providers[0].keySet == Self.keys)
    #expect(providers[0].audiences == ["x", "y"])
    let line = #"[{"issuer": "https://b.example", "jwks": "{\"keys\": []}"}]"#
    #expect(try make(file, ["DEWPOINT_WEB_IDENTITY": line]).settings().webIdentityProviders.map(\.issuer) == ["https://b.example"])
    #expect(try make(nil, [:], ["--web-identity", line]).settings().webIdentityProviders.count == 1)
  }

  @Test(arguments: [
    "web-identity: x", "web-identity: {}", "web-identity: [x]", "web-identity: [{issuer: https://a}]", "web-identity: [{issuer: a, jwks: '{}'}]",
    "web-identity: [{issuer: https://a, jwks: 'no json'}]", "web-identity: [{issuer: https://a, jwks: '{\"keys\": 1}'}]",
    "web-identity: [{issuer: https://a, jwks-file: /no/such/file}]", "web-identity: [{issuer: https://a, jwks: '{\"keys\": []}', audiences: x}]",
    "web-identity: [{issuer: https://a, jwks: '{\"keys\": []}', audience: [x]}]",
    "web-identity: [{issuer: https://a, jwks: '{\"keys\": []}'}, {issuer: https://a, jwks: '{\"keys\": []}'}]",
  ])
  func `an issuer that cannot be understood is refused`(_ file: String) { #expect(failure(file)?.contains("web-identity") == true) }

  @Test func `secrets are not shown`() throws {
    let text = ConfigurationText.values(try make("root-key: AKIAROOT:longsecret\nallow-hosts: ['a b', c]"))
    #expect(!text.contains("longsecret") && !text.contains("AKIAROOT"))
    #expect(text.contains("root-key: (set, not shown)"))
    #expect(text.contains(#"allow-hosts: ["a b", c]"#))
  }

  @Test func `every setting has its own name, variable and flag`() {
    for names in [Settings.all.map(\.name), Settings.all.map(\.variable), Settings.all.map(\.flag)] {
      #expect(Set(names).count == names.count)
    }
    #expect(Settings.all.allSatisfy { !$0.help.isEmpty && !$0.help.contains("|") })
  }
}
